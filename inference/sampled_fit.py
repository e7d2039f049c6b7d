"""Sample one fit. What this module reaches by imports decides the draws, and is part of a fit's key."""

from __future__ import annotations

import xarray as xr

from data.cohort import Cohort
from data.study import Study
from inference.adjustments import ADJUSTMENTS, Progress
from inference.groups import to_tree
from inference.provenance import commit
from inference.requests import FitRequest, fit_content, question_of


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
    question = question_of(study, cohort, request)
    adjusted = ADJUSTMENTS[request.adjustment].sample(question, progress)
    provenance = {"study": study.name, "model": fit_content(study, cohort, request), **commit()}
    return to_tree(adjusted, question, provenance)
