"""The fits of one request to several cohorts, made by an executor whose workers may be on other machines."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import as_completed
from pathlib import Path

import xarray as xr

from data.study.cohort import Cohort
from data.study.study import Study
from inference.adjustments import Problem, Progress
from inference.fits.executor import Executors
from inference.fits.fits import FitSummary, read_fit
from inference.fits.requests import FitRequest
from inference.fits.sampled_fit import sampled_fit


def fitted_elsewhere(
    executors: Executors,
    folder: Path,
    study: Study,
    cohorts: Sequence[Cohort],
    requests: Sequence[FitRequest],
    problems: Sequence[Problem],
    progress: Progress,
) -> tuple[list[xr.DataTree], list[FitSummary]]:
    """Return the fit of each cohort and its summary, in the order of the cohorts."""
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
