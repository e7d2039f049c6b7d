"""Deaths and patients at risk, and what follows: Kaplan-Meier curve and log-rank statistic."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inference.frequentist.survival import first_time_at_or_below


def counts(
    time: NDArray, event: NDArray, entry: NDArray, at: NDArray
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the deaths at each of some times and the patients at risk just before them.

    Parameters
    ----------
    time, entry : (patient,) array
        Patients are at risk on (entry, time].
    event : (patient,) array of bool
    at : (time,) array
        Distinct and increasing.
    """
    died = np.sort(time[event])
    deaths = np.searchsorted(died, at, side="right") - np.searchsorted(died, at, side="left")
    left = np.searchsorted(np.sort(time), at, side="left")
    entered = np.searchsorted(np.sort(entry), at, side="left")
    return deaths, entered - left


class ProductLimit:
    """The Kaplan-Meier curve of one group as a step function, carried forward beyond the last follow-up.

    Parameters
    ----------
    time, event, entry
        As in `counts`.
    """

    def __init__(self, time: NDArray, event: NDArray, entry: NDArray) -> None:
        self.times = np.unique(time[event])
        deaths, at_risk = counts(time, event, entry, self.times)
        self.survival = np.cumprod(1.0 - deaths / at_risk)

    def __call__(self, times: ArrayLike) -> NDArray[np.float64]:
        """Return the survival at some times."""
        position = np.searchsorted(self.times, times, side="right")
        return np.append(1.0, self.survival)[position]

    @property
    def median(self) -> float:
        """First time at which survival is at or below one half; inf if never."""
        return first_time_at_or_below(self.times, self.survival)


def log_rank_chi_square(time: NDArray, event: NDArray, treatment: NDArray, entry: NDArray) -> float:
    """Return the log-rank statistic; NaN if the arms are never at risk together.

    The variance is hypergeometric.

    Parameters
    ----------
    time, event, entry
        As in `counts`.
    treatment : (patient,) array of bool
    """
    at = np.unique(time[event])
    deaths, at_risk = counts(time, event, entry, at)
    deaths_treated, treated = counts(time[treatment], event[treatment], entry[treatment], at)
    share = treated / at_risk
    difference = np.sum(deaths_treated - deaths * share)
    # With one patient at risk share (1 - share) is 0: the term vanishes whatever it is divided by.
    variance = np.sum(deaths * share * (1 - share) * (at_risk - deaths) / np.maximum(at_risk - 1, 1))
    return float(difference**2 / variance) if variance > 0 else float("nan")
