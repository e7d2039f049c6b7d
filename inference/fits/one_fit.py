"""One fit of one cohort, as a notebook makes it: a DataTree that also holds its estimands, curves and checks; or of each cohort on an executor."""

from collections.abc import Sequence
from concurrent.futures import as_completed
from pathlib import Path
from warnings import warn

import pandas as pd
import xarray as xr
from pandas.api.types import is_numeric_dtype

from data.errors import CohortWarning
from data.study.cohort import Cohort
from data.study.study import Study
from inference.adjustments import ADJUSTMENTS, Problem, Progress
from inference.diagnostics.checks.result import COLUMNS, failed
from inference.fits.choices import member, prior_set
from inference.fits.executor import Executors
from inference.fits.fits import FitSummary, read_fit
from inference.fits.plan import MAIN_ADJUSTMENT, MAIN_BASELINE, MAIN_EFFECT
from inference.fits.requests import TIME_SPLIT, FitRequest, problem_of
from inference.fits.sampled_fit import sampled_fit
from inference.fits.tables import as_written
from inference.sampling.settings import SamplerSettings
from models.baselines import BASELINES
from models.effects import EFFECTS
from models.priors import PriorSet

DESIGNS = 20
"""Of adjustments that condition on one draw of the propensity score, or one set of pairs, at a time."""


def fit(
    study: Study,
    cohort: Cohort,
    *,
    baseline: str = MAIN_BASELINE,
    adjustment: str = MAIN_ADJUSTMENT,
    effect: str = MAIN_EFFECT,
    priors: str | PriorSet = "default",
    exposure: str | None = None,
    designs: int | None = None,
    settings: SamplerSettings | None = None,
) -> xr.DataTree:
    """Return a posterior and what it says, sampled now.

    Parameters
    ----------
    study : Study
    cohort : Cohort
    baseline, adjustment, effect : str
        Members of `BASELINES`, `ADJUSTMENTS` and `EFFECTS`.
    priors : str or PriorSet
        A path, or the name of one of the study's own or of the bundled prior sets; or a set made here.
    exposure : str, optional
        "naive", "time_split" or "landmark_<time>"; "time_split" where the cohort has start times, unless stated.
    designs : int, optional
        Propensity draws or sets of pairs; bootstrap vectors of weighted adjustments, as many as draws unless stated.
    settings : SamplerSettings, optional
        How long to sample.

    Returns
    -------
    DataTree
        ArviZ's groups (posterior, sample_stats, prior, prior_predictive, posterior_predictive, log_likelihood, log_prior,
        observed_data, constant_data, as far as they apply), and beside them `estimands`, `curves` and `checks`. Variables of the
        posterior are those of prior sets; log hazards are per `time_unit` of the study.

    Raises
    ------
    InputError
        Where the study, the cohort or the request is wrong, before anything is sampled.

    Warns
    -----
    CohortWarning
        If a check of convergence fails: with its text.
    """
    member("baseline", baseline, BASELINES)
    member("adjustment", adjustment, ADJUSTMENTS)
    member("effect", effect, EFFECTS)
    chosen = settings or SamplerSettings()
    kind = ADJUSTMENTS[adjustment]
    if designs is None:
        designs = chosen.chains * chosen.draws if kind.maximises and not kind.several_designs else DESIGNS
    if exposure is None:
        exposure = "naive" if cohort.treatment_start is None else TIME_SPLIT
    used = priors if isinstance(priors, PriorSet) else prior_set(priors, study, cohort)
    request = FitRequest(baseline, adjustment, effect, used, chosen, designs, exposure)
    tree, summary = fitted(study, cohort, request, problem_of(study, cohort, request))
    if failed(summary.checks_table):
        texts = [one.text for one in summary.checks if one.status == "fail"]
        warn(f"{study.name}, {request.label}: {'; '.join(texts)}", CohortWarning, stacklevel=2)
    checks = summary.checks_table.astype({"value": float, "threshold": float})
    groups = {
        "estimands": _dataset(summary.estimands),
        "curves": summary.curves,
        "checks": _dataset(checks),
    }
    return tree.assign({name: xr.DataTree(group) for name, group in groups.items()})


def estimands_of(posterior: xr.DataTree) -> pd.DataFrame:
    """Return the estimands of a fit, with 95 % equal-tailed intervals: the columns of estimands.csv.

    Parameters
    ----------
    posterior : DataTree
        From `fit`.
    """
    return as_written(_table(posterior, "estimands"))


def checks_of(posterior: xr.DataTree) -> pd.DataFrame:
    """Return the checks of a fit: name, status ("pass", "warn", "fail" or "info"), value, threshold and text.

    Parameters
    ----------
    posterior : DataTree
        From `fit`.
    """
    return _table(posterior, "checks")[list(COLUMNS)]


def fitted_elsewhere(
    executors: Executors,
    folder: Path,
    study: Study,
    cohorts: Sequence[Cohort],
    requests: Sequence[FitRequest],
    problems: Sequence[Problem],
    progress: Progress,
) -> tuple[list[xr.DataTree], list[FitSummary]]:
    """Return the fit of each cohort and its summary, in their order, made by an executor whose workers may be on other machines."""
    with executors(folder) as executor:
        waiting = [
            executor.submit(fitted, study, *one) for one in zip(cohorts, requests, problems, strict=True)
        ]
        for number, _ in enumerate(as_completed(waiting), start=1):
            progress("cohorts", number, len(waiting))
        found = [one.result() for one in waiting]
    return [tree for tree, _ in found], [summary for _, summary in found]


def fitted(
    study: Study, cohort: Cohort, request: FitRequest, problem: Problem
) -> tuple[xr.DataTree, FitSummary]:
    """Return the fit of a cohort and its summary."""
    tree = sampled_fit.function(study.name, request.named, problem)
    return tree, read_fit(study, cohort, request, tree)


def _dataset(table: pd.DataFrame) -> xr.Dataset:
    """Return the columns of a table along a dimension `row`; numbers as they are, all else as text."""
    return xr.Dataset(
        {
            str(name): ("row", column.to_numpy(float if is_numeric_dtype(column) else object))
            for name, column in table.items()
        }
    )


def _table(posterior: xr.DataTree, name: str) -> pd.DataFrame:
    return posterior[name].to_dataset().to_dataframe().reset_index(drop=True)
