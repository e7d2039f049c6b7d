"""The start of treatment that each patient of a cohort had, or would have had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inference.predictive.replicates.risk_sets import ProductLimit

if TYPE_CHECKING:
    from data.study.cohort import Cohort


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
        Number of replicated cohorts.
    rng : numpy.random.Generator
        Source of the draws.

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
    beyond = starts(cohort.time[untreated])
    level = beyond * rng.random((replicates, untreated.size))
    position = np.searchsorted(-starts.survival, -level, side="left")
    position = np.where(beyond > 0, position, starts.times.size)
    times[:, untreated] = np.append(starts.times, np.inf)[position]
    return times
