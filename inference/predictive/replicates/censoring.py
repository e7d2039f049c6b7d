"""The end of observation that each patient of a cohort had, or may have had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inference.predictive.replicates.risk_sets import ProductLimit

if TYPE_CHECKING:
    from data.study.cohort import Cohort


def censoring_times(
    cohort: Cohort, replicates: int, rng: np.random.Generator, by_arm: bool = True
) -> NDArray[np.float64]:
    """Return for every replicate the time at which each patient's observation would end without an event.

    A censored patient keeps the own censoring time, which is known. For a patient with an event it is only
    known to lie beyond the event: it is drawn from the reverse Kaplan-Meier distribution of the patient's
    arm (or of all), given that. What that distribution leaves open (its tail, if the last observation of the arm is an
    event) ends at the last follow-up of the arm (or of all).

    Parameters
    ----------
    cohort : Cohort
        Needs ``time``, ``event``, ``treatment`` and ``entry``, each (patient,).
    replicates : int
        Number of replicated cohorts.
    rng : numpy.random.Generator
        Source of the draws.
    by_arm : bool
        False: one distribution for all. Where treatment begins during follow-up, who is in the treated arm has been
        under observation until then for certain, so that the arm's own distribution is too late.

    Returns
    -------
    (replicate, patient) array
        In the cohort's time unit; above ``entry`` and not before the patient's observed time.
    """
    times = np.tile(cohort.time.astype(float), (replicates, 1))
    groups = (cohort.treatment, ~cohort.treatment) if by_arm else (np.ones(cohort.size, dtype=bool),)
    for arm in groups:
        if not arm.any():
            continue
        censoring = ProductLimit(cohort.time[arm], ~cohort.event[arm], cohort.entry[arm])
        died = np.flatnonzero(arm & cohort.event)
        # The chance to be under observation beyond the own event, times a uniform number below 1: the first
        # time at which the curve is at or below the product lies strictly beyond the event.
        beyond = censoring(cohort.time[died])
        level = beyond * rng.random((replicates, died.size))
        # The curve falls, its negative rises: position of the first time at or below the level.
        position = np.searchsorted(-censoring.survival, -level, side="left")
        ends = np.append(censoring.times, cohort.time[arm].max())
        position = np.where(beyond > 0, position, censoring.times.size)
        times[:, died] = ends[position]
    return times
