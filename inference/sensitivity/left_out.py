"""The effect of the main model with groups of covariates left out: sampled posteriors beside Cox's hazard ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from data.published.evidence import load_evidence
from data.study.cohort import Cohort
from data.study.study import Study
from data.study.without_covariates import without_covariates
from inference.adjustments import ADJUSTMENTS
from inference.diagnostics.checks import CheckResult
from inference.diagnostics.checks.convergence import ESS, RHAT
from inference.diagnostics.checks.result import at_least, at_most
from inference.diagnostics.summaries import ensemble_rhat, probability_of_benefit, quantiles, summarise
from inference.fits.requests import FitRequest, problem_of, request_of_cohort
from inference.frequentist.without import COMPLETE, NOTHING, effect_without, left_out_of
from inference.sampling.engine import sample
from inference.sensitivity.sensitivity import MainAnalysis, Sensitivity
from inference.storage.cache import DATASET, cached

EFFECT = "treatment_effect"
DRAWS = 8000  # of a row, over all cohorts and chains
FEWEST = 200  # of a chain
Groups = Mapping[str, Sequence[str]]


def shortened(main: FitRequest, cohorts: int) -> FitRequest:
    """Return the main model sampled as long as each of several cohorts needs: no more draws than all need together."""
    enough = max(FEWEST, -(-DRAWS // (cohorts * main.settings.chains)))
    return replace(main, settings=replace(main.settings, draws=min(main.settings.draws, enough)))


@cached(DATASET)
def effect_without_of_cohort(
    study: Study, cohort: Cohort, number: int, main: FitRequest, groups: Groups
) -> xr.Dataset:
    """Return draws of the log hazard ratio in one cohort with each group left out.

    Parameters
    ----------
    study, cohort : Study, Cohort
    number : int
        Of the cohort, which decides its seeds.
    main : FitRequest
        The main model; its settings say how long to sample.
    groups : mapping of str to sequence of str
        Covariates by the name of their group.

    Returns
    -------
    Dataset
        log_hazard_ratio (left_out, chain, draw); divergences (left_out,). Of the groups, and of all together: nothing left out is
        the main fit, and without any covariate Cox has the same to say.
    """
    own = request_of_cohort(main, number)
    score = ADJUSTMENTS[main.adjustment].score
    left_out = left_out_of(groups, list(cohort.covariates))
    del left_out[COMPLETE], left_out[NOTHING]
    found = [
        sample(problem_of(study, without_covariates(cohort, named), own).posterior(score), own.settings)
        for named in left_out.values()
    ]
    return xr.Dataset(
        {
            "log_hazard_ratio": (
                ("left_out", "chain", "draw"),
                np.stack([one.parameters[EFFECT] for one in found]),
            ),
            "divergences": ("left_out", [int(one.statistics["diverging"].sum()) for one in found]),
        },
        coords={"left_out": list(left_out)},
    )


def pooled_effect_without(computed: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Return the effect with each group left out over all cohorts, with equal weights.

    Parameters
    ----------
    computed : sequence of Dataset
        From `effect_without_of_cohort`.

    Returns
    -------
    DataFrame
        left_out; log_hazard_ratio (mean) and sd; hazard_ratio (median), lower, upper; probability_of_benefit; cohorts; rhat
        (over cohorts), ess_bulk and divergences (their sums).
    """
    draws = np.stack([one["log_hazard_ratio"].to_numpy() for one in computed], axis=-1)
    lower, middle, upper = np.exp([quantiles(row.ravel()) for row in draws]).T
    return pd.DataFrame(
        {
            "left_out": computed[0]["left_out"].to_numpy().astype(str),
            "log_hazard_ratio": draws.mean(axis=(1, 2, 3)),
            "sd": draws.std(axis=(1, 2, 3), ddof=1),
            "hazard_ratio": middle,
            "lower": lower,
            "upper": upper,
            "probability_of_benefit": probability_of_benefit(draws, 0.0, -1),
            "cohorts": len(computed),
            "rhat": ensemble_rhat(draws),
            "ess_bulk": summarise(draws)["ess_bulk"],
            "divergences": np.sum([one["divergences"].to_numpy() for one in computed], axis=0),
        }
    )


def left_out_checks(table: pd.DataFrame) -> list[CheckResult]:
    """Return whether the chains of the fits with covariates left out agree.

    Parameters
    ----------
    table : DataFrame
        From `pooled_effect_without`.
    """
    return [
        at_most(
            "convergence",
            "covariates left out, R-hat",
            float(table["rhat"].max()),
            RHAT,
            "largest of any row",
        ),
        at_least(
            "convergence",
            "covariates left out, bulk ESS",
            float(table["ess_bulk"].min()),
            ESS,
            "smallest of any row",
        ),
        at_most(
            "convergence",
            "covariates left out, divergences",
            float(table["divergences"].sum()),
            0,
            "divergent transitions, of all rows",
        ),
    ]


def untimed_table(
    cohorts: Sequence[Cohort], groups: Groups, main: pd.DataFrame, left_out: pd.DataFrame | None
) -> pd.DataFrame:
    """Return the hazard ratio of treatment with each group of covariates left out, by Cox and by the main model.

    Parameters
    ----------
    cohorts : sequence of Cohort
    groups : mapping of str to sequence of str
        Covariates by the name of their group.
    main : DataFrame
        Estimands of the main model, in which nothing is left out.
    left_out : DataFrame or None
        From `pooled_effect_without`; None where nothing was sampled.

    Returns
    -------
    DataFrame
        left_out, terms; cox_hazard_ratio, cox_lower, cox_upper; and, NaN where nothing was sampled, the columns of
        `pooled_effect_without`.
    """
    cox = effect_without(cohorts, groups).rename(
        columns={name: f"cox_{name}" for name in ("hazard_ratio", "lower", "upper")}
    )
    conditional = main[main["population"] == "conditional"].groupby("estimand").first()
    of_log, ratio = conditional.loc["log_hazard_ratio"], conditional.loc["hazard_ratio"]
    complete = pd.DataFrame(
        {
            "left_out": [COMPLETE],
            "log_hazard_ratio": [of_log["mean"]],
            "sd": [of_log["sd"]],
            "hazard_ratio": [ratio["median"]],
            "lower": [ratio["lower"]],
            "upper": [ratio["upper"]],
            "probability_of_benefit": [ratio["probability_of_benefit"]],
            "cohorts": [len(cohorts)],
            "rhat": [of_log["rhat"]],
            "ess_bulk": [of_log["ess_bulk"]],
        }
    )
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
    left_out_checks,
)
