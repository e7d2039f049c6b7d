"""Sample one fit, cached. What this module reaches by imports decides the draws, and is part of a fit's key."""

from collections.abc import Mapping

import xarray as xr

from data.errors import InputError, NowhereFiniteError
from data.study.extremes import most_extreme
from inference.adjustments import ADJUSTMENTS, Problem, Progress
from inference.adjustments.adjusted import silent
from inference.adjustments.counted import sample_counted
from inference.fits.datatree import to_tree
from inference.sampling.compiled import compiler
from inference.storage.cache import TREE, cached
from inference.storage.provenance import commit, versions


@cached(TREE, "fit")
def sampled_fit(
    study: str, model: Mapping[str, str], problem: Problem, progress: Progress = silent, whole: bool = True
) -> xr.DataTree:
    """Return a fit, sampled now, as a DataTree.

    Parameters
    ----------
    study : str
        Name of the study.
    model : mapping of str to str
        Baseline, adjustment, effect, exposure and prior set, as tables name them.
    problem : Problem
        Cohort, specification, priors and sampler settings.
    progress : callable
        Called with what is being done.
    whole : bool
        Whether the tree holds priors, log likelihoods and replicated cohorts, or only what they are computed from.
    """
    try:
        if problem.cohort.counts is not None:
            adjusted = sample_counted(model["adjustment"], problem, progress)
        else:
            adjusted = ADJUSTMENTS[model["adjustment"]].sample(problem, progress)
    except NowhereFiniteError as error:
        raise InputError(
            f"{study}: {error}; the most extreme number is in {most_extreme(problem.cohort)}"
        ) from error
    stated = {
        **model,
        "cohort": problem.cohort.sha256,
        "cutpoints": problem.spec.cutpoints,
        "priors": problem.priors.content,
        "settings": vars(problem.settings),
        "designs": problem.designs,
        "versions": versions(),
        "compiler": compiler(),
    }
    return to_tree(adjusted, problem, {"study": study, "model": stated, **commit()}, whole)
