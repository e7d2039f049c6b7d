"""The effect of the main model with groups of covariates left out: sampled posteriors beside Cox's hazard ratios."""

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import xarray as xr

from data.published.evidence import load_evidence
from data.study.cohort import Cohort
from data.study.study import Study
from data.study.subcohorts import without_covariates
from inference.diagnostics.checks.convergence import row_checks
from inference.fits.requests import FitRequest, request_of_cohort
from inference.frequentist.cox_of_cohorts import COMPLETE, NOTHING, left_out_of
from inference.sensitivity.sampled_effect import main_effect, pooled_effects, sampled_effect, shortened
from inference.sensitivity.sensitivity import MainAnalysis, Sensitivity
from inference.storage.cache import DATASET, cached

Groups = Mapping[str, Sequence[str]]


@cached(DATASET)
def effect_without_of_cohort(
    study: Study, cohort: Cohort, number: int, main: FitRequest, groups: Groups
) -> xr.Dataset:
    """Return draws of the log hazard ratio of the main model in one cohort, whose number decides its seeds, with each group left out.

    Returns
    -------
    Dataset
        log_hazard_ratio (left_out, chain, draw); divergences (left_out,). Of the groups, and of all together: nothing left out is
        the main fit, and without any covariate Cox has the same to say.
    """
    own = request_of_cohort(main, number)
    left_out = left_out_of(groups, list(cohort.covariates))
    del left_out[COMPLETE], left_out[NOTHING]
    found = [sampled_effect(study, without_covariates(cohort, named), own) for named in left_out.values()]
    return xr.concat(found, dim=pd.Index(list(left_out), name="left_out"))


def pooled_effect_without(computed: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Return the effect with each group left out over all cohorts, with equal weights: left_out, and the columns of `pooled_effects`."""
    table = pooled_effects(xr.concat(computed, dim="cohort").rename(left_out="row"))
    table.insert(0, "left_out", computed[0]["left_out"].to_numpy().astype(str))
    return table


def untimed_table(
    cox: pd.DataFrame, main: pd.DataFrame, cohorts: int, left_out: pd.DataFrame | None
) -> pd.DataFrame:
    """Return the hazard ratio of treatment with each group of covariates left out, by Cox and by the main model.

    Parameters
    ----------
    cox : DataFrame
        From `effect_without`.
    main : DataFrame
        Estimands of the main model, in which nothing is left out.
    cohorts : int
        How many it pools.
    left_out : DataFrame or None
        From `pooled_effect_without`; None where nothing was sampled.

    Returns
    -------
    DataFrame
        left_out, terms; cox_hazard_ratio, cox_lower, cox_upper; and, NaN where nothing was sampled, the columns of
        `pooled_effect_without`.
    """
    cox = cox.rename(columns={name: f"cox_{name}" for name in ("hazard_ratio", "lower", "upper")})
    complete = main_effect(main, cohorts).assign(left_out=COMPLETE)
    sampled = complete if left_out is None else pd.concat([complete, left_out], ignore_index=True)
    return cox.merge(sampled, on="left_out", how="left")


def groups_of(analysis: MainAnalysis) -> Groups:
    """Return the covariates of unknown timing by group, without which the main model is fitted again; none where none is named."""
    published = analysis.naive and analysis.study.cohort.source == "reconstruction"
    return load_evidence(analysis.study).names.timing.unknown if published else {}


def _arguments(analysis: MainAnalysis) -> list[tuple]:
    main, groups = shortened(analysis.main, len(analysis.cohorts)), groups_of(analysis)
    return [(analysis.study, cohort, number, main, groups) for number, cohort in enumerate(analysis.cohorts)]


LEFT_OUT = Sensitivity(
    "left_out",
    "covariates left out",
    lambda analysis: bool(groups_of(analysis)),
    effect_without_of_cohort,
    _arguments,
    pooled_effect_without,
    partial(row_checks, "covariates left out", row="row"),
)
