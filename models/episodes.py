"""Episodes: stretches of a patient's time at risk over which the patient counts as treated, or as untreated."""

from dataclasses import dataclass

import numpy as np

from data.study.cohort import Cohort
from models.exposures.time_split import switch_times


@dataclass(frozen=True, eq=False)
class Episodes:
    """Times at risk, each of one patient in one arm; a patient who begins treatment has one before and one after.

    Attributes
    ----------
    patient : ndarray of int (episode,)
        Position of the patient in the cohort; every patient has an episode.
    entry, time : ndarray (episode,)
        Start and end of the time at risk, 0 <= entry < time, in the study's unit.
    event : ndarray of bool (episode,)
        Whether it ends in the event; only a patient's last one can.
    treated : ndarray of bool (episode,)
        Whether the patient counts as treated during it.
    """

    patient: np.ndarray
    entry: np.ndarray
    time: np.ndarray
    event: np.ndarray
    treated: np.ndarray

    @property
    def patients(self) -> int:
        """Number of patients."""
        return int(self.patient.max()) + 1

    def checked_weights(self, weights: np.ndarray) -> np.ndarray:
        """Return weights (draw, patient) as numbers.

        Raises
        ------
        ValueError
            Where they are not one finite number of 0 or more a patient, in rows.
        """
        weights = np.asarray(weights, dtype=float)
        if weights.ndim != 2 or weights.shape[1] != self.patients:
            raise ValueError(
                f"weights must be rows of one weight for each of {self.patients} patients, "
                f"but found shape {weights.shape}"
            )
        wrong = ~((weights >= 0) & (weights < np.inf))
        if wrong.any():
            raise ValueError(
                f"weights must be finite and 0 or more, but found {int(wrong.sum())} that are not, "
                f"such as {weights[wrong][0]:g}"
            )
        return weights


def episodes_of(cohort: Cohort, time_split: bool) -> Episodes:
    """Return the episodes of a cohort.

    Parameters
    ----------
    cohort : Cohort
    time_split : bool
        False: one episode a patient, treated or untreated for all of it. True: untreated until treatment begins and
        treated from then on; pieces without length are left out.

    Raises
    ------
    ValueError
        Where the time is to be split and the cohort has no start times.
    """
    patient = np.arange(cohort.size)
    if not time_split:
        return Episodes(patient, cohort.entry, cohort.time, cohort.event, cohort.treatment)
    switch = switch_times(cohort)
    before, after = switch > cohort.entry, cohort.time > switch
    owner = np.concatenate([patient[before], patient[after]])
    order = np.argsort(owner, kind="stable")

    def joined(untreated: np.ndarray, treated: np.ndarray) -> np.ndarray:
        return np.concatenate([untreated[before], treated[after]])[order]

    # Nobody dies before the start of a treatment that they got; the never treated switch at the end, if they die or not.
    dies_untreated = cohort.event & ~after
    return Episodes(
        owner[order],
        joined(cohort.entry, switch),
        joined(switch, cohort.time),
        joined(dies_untreated, cohort.event),
        joined(np.zeros(cohort.size, dtype=bool), np.ones(cohort.size, dtype=bool)),
    )
