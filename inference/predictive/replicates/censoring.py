"""The end of observation, and the start of treatment, that each patient of a cohort had, or may have had."""

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
    rng : numpy.random.Generator
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
        times[:, died] = _beyond(censoring, cohort.time[died], replicates, cohort.time[arm].max(), rng)
    return times


def start_times(cohort: Cohort, replicates: int, rng: np.random.Generator) -> NDArray[np.float64]:
    r"""Return for every replicate the time at which each patient's treatment would begin, if the patient lives to see it.

    A split likelihood takes the start R of treatment as external: given R and the end of observation C, the event comes
    by the hazard that is modelled, :math:`h_0 e^{\eta}` before R and :math:`h_0 e^{\eta + \theta}` after it. A replicate
    is a fair draw of the cohort if its T is drawn given the same R and C, and R and C are those of the patient. R of who was
    treated is known. Of who was not it is known to lie beyond the time at risk, no more: it is drawn from the distribution of
    starts (product limit; death and end of follow-up censor it) given that. So R is drawn from its posterior
    given what was seen, T of the replicate from the model given R, and data and replicate have the same distribution
    where the model is right.

    What falls short: with the never treated left untreated in all replicates, those who die before their start in
    a replicate leave the treated, and no one comes for them; conditional on survival to the start, early deaths among those
    to be treated are never replicated.

    It takes starts not to depend on prognosis (a waiting list). What the product limit leaves open is never.

    Parameters
    ----------
    cohort : Cohort
        With ``treatment_start``.
    replicates : int
    rng : numpy.random.Generator

    Returns
    -------
    (replicate, patient) array
        In the cohort's time unit; infinite for never.

    Raises
    ------
    ValueError
        Where the cohort has no start times.
    """
    if cohort.treatment_start is None:
        raise ValueError("starts of treatment are drawn where they are recorded, but the cohort has none")
    known = np.where(cohort.treatment, cohort.treatment_start, np.inf)
    seen = np.minimum(known, cohort.time)
    waiting = seen > cohort.entry  # not treated yet when they came under observation
    starts = ProductLimit(seen[waiting], cohort.treatment[waiting], cohort.entry[waiting])
    times = np.tile(known, (replicates, 1))
    untreated = np.flatnonzero(~cohort.treatment)
    times[:, untreated] = _beyond(starts, cohort.time[untreated], replicates, np.inf, rng)
    return times


def _beyond(
    curve: ProductLimit, known: NDArray, replicates: int, last: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return draws (replicate, patient) from a curve's distribution beyond a known time of each; what it leaves open is last.

    The chance to be beyond the own time, times a uniform number below 1: the first time at which the curve is at or below the
    product lies strictly beyond the own.
    """
    beyond = curve(known)
    level = beyond * rng.random((replicates, known.size))
    # The curve falls, its negative rises: position of the first time at or below the level.
    position = np.searchsorted(-curve.survival, -level, side="left")
    return np.append(curve.times, last)[np.where(beyond > 0, position, curve.times.size)]
