"""Is the baseline hazard fine enough for exposure that begins during follow-up: the split model against a split Cox model."""

import numpy as np

from inference.adjustments.adjusted import Problem
from inference.diagnostics.checks.result import CheckResult, at_most
from inference.frequentist.efron import EfronCox
from models.episodes import episodes_of
from models.exposures import TimeSplit
from models.maximisers import maximise

FURTHEST = 0.25  # standard errors of Cox's estimate


def exposure_checks(problem: Problem) -> list[CheckResult]:
    """Return how far the split model with treatment alone lies from Cox's with the same start times; none without them.

    Where the hazard falls within an interval while treatment begins in it, time before treatment has a higher hazard than
    time after it for that reason alone, so that part of the immortal time stays in the effect. Cox's baseline has no
    intervals. Both models hold treatment alone and no prior, so that nothing else tells them apart.

    Parameters
    ----------
    problem : Problem
        What was fitted.
    """
    if not isinstance(problem.spec.exposure, TimeSplit):
        return []
    cohort = problem.cohort
    episodes = episodes_of(cohort, time_split=True)
    cox = EfronCox(episodes.time, episodes.event, episodes.entry, episodes.treated[:, None].astype(float))
    (estimate,), ((variance,),) = cox.estimates()
    found = maximise(problem.spec.baseline, episodes, np.ones((1, cohort.size)))["treatment_effect"][0]
    distance = float(abs(found - estimate) / np.sqrt(variance))
    text = (
        f"treatment alone, hazard ratio {np.exp(found):.2f} with this baseline and {np.exp(estimate):.2f} in a Cox model with the "
        f"same start times; distance of the logs in standard errors of Cox: more intervals, or cut points where treatment "
        f"begins, bring them together"
    )
    return [at_most("exposure", "intervals fine enough", distance, FURTHEST, text, otherwise="warn")]
