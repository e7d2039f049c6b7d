"""Sample one fit. What this module reaches by imports decides the draws, and is part of a fit's key."""

from __future__ import annotations

import xarray as xr

from data.study.cohort import Cohort
from data.study.study import Study
from inference.adjustments import ADJUSTMENTS, Progress
from inference.fits.datatree import to_tree
from inference.fits.requests import FitRequest, fit_content, problem_of
from inference.storage.provenance import commit


def sample_fit(study: Study, cohort: Cohort, request: FitRequest, progress: Progress) -> xr.DataTree:
    """Return a fit, sampled now, as a DataTree.

    Parameters
    ----------
    study : Study
        Gives the baseline's intervals and the name.
    cohort : Cohort
        The patients.
    request : FitRequest
        What to fit.
    progress : callable
        Called with what is being done.
    """
    problem = problem_of(study, cohort, request)
    adjusted = ADJUSTMENTS[request.adjustment].sample(problem, progress)
    provenance = {"study": study.name, "model": fit_content(study, cohort, request), **commit()}
    return to_tree(adjusted, problem, provenance)
