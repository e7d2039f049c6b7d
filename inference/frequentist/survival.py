"""The Kaplan-Meier curve of one group, its 95 % band and its median; reverse Kaplan-Meier follow-up."""

import warnings
from dataclasses import dataclass

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.exceptions import StatError, StatisticalWarning
from numpy.typing import ArrayLike, NDArray

# A product of fractions that equals one half in exact arithmetic may be computed a rounding error above it;
# without the tolerance the median would jump to the next event time.
ROUNDING = 1e-10


@dataclass(frozen=True)
class KaplanMeier:
    """The share of a group still event-free, at chosen times, with 95 % log-log intervals.

    Attributes
    ----------
    times : (time,) array
        Times asked for, in the time unit of the cohort.
    survival, lower, upper : (time,) array
        Probabilities in [0, 1]. ``survival`` is NaN beyond the last follow-up, where the curve does not exist
        (unless it has reached 0). The interval is NaN where no event has happened yet and where the curve is
        0: the log-log interval does not exist there.
    at_risk : (time,) array of int
        Patients under observation just before each time (at time 0: those without late entry).
    median, median_lower, median_upper : float
        First time at which the curve, or its band, is at or below one half; inf where it is never: "not
        reached".
    follow_up : float
        The last time at which anybody was under observation.
    problem : str
        Empty, or why there is no curve; then all numbers are NaN.
    """

    times: NDArray[np.float64]
    survival: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    at_risk: NDArray[np.int64]
    median: float
    median_lower: float
    median_upper: float
    follow_up: float
    problem: str = ""


def first_time_at_or_below(times: NDArray, curve: NDArray) -> float:
    """Return the first time at which a falling curve is at or below one half, inf if it never is.

    Parameters
    ----------
    times : (time,) array
        Increasing.
    curve : (time,) array
        Probabilities; NaN counts as above one half.
    """
    reached = np.flatnonzero(curve <= 0.5 + ROUNDING)
    return float(times[reached[0]]) if reached.size else float("inf")


def entry_for_lifelines(entry: NDArray, time: NDArray) -> NDArray[np.float64] | None:
    """Return entry times in the convention of lifelines' Kaplan-Meier, None if nobody entered late.

    A patient is at risk on (entry, time]. lifelines counts a patient at risk at the moment of entry, so the
    entry is moved up by the smallest step a floating-point number can make.
    """
    if not np.any(entry > 0):
        return None
    return np.where(entry > 0, np.minimum(np.nextafter(entry, np.inf), time), 0.0)


def kaplan_meier(
    time: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None, times: ArrayLike | None = None
) -> KaplanMeier:
    """Return the Kaplan-Meier survival of one group, with log-log 95 % intervals and the median.

    The interval of the median inverts the log-log band (Brookmeyer and Crowley 1982, doi 10.2307/2530286).

    Parameters
    ----------
    time : (patient,) array
        Time of the event or of the end of observation, above 0.
    event : (patient,) array of bool
    entry : (patient,) array, optional
        Start of observation (left truncation), below ``time``. Patients are at risk on (entry, time].
    times : (time,) array, optional
        Where to read the curve; by default every time at which it may step, and 0.
    """
    time, event = np.asarray(time, dtype=float), np.asarray(event, dtype=bool)
    entry = np.zeros(time.size) if entry is None else np.asarray(entry, dtype=float)
    asked = (
        np.unique(np.append(time, 0.0)) if times is None else np.atleast_1d(np.asarray(times, dtype=float))
    )
    left = np.searchsorted(np.sort(time), asked)
    entered = np.where(asked > 0, np.searchsorted(np.sort(entry), asked), np.sum(entry <= 0))
    at_risk = entered - left
    follow_up = float(time.max()) if time.size else float("nan")
    nothing = np.full(asked.size, np.nan)
    if not time.size:
        return KaplanMeier(asked, nothing, nothing, nothing, at_risk, *(float("nan"),) * 4, "no patients")
    try:
        # lifelines switches floating-point warnings off for the whole process; errstate puts them back.
        with np.errstate(invalid="ignore", divide="ignore"):
            fitter = KaplanMeierFitter().fit(time, event, entry=entry_for_lifelines(entry, time))
    except StatError:
        # lifelines raises this when the risk set runs empty early because patients entered late: the product
        # is 0 from there on, which says nothing about survival.
        problem = "late entry leaves no patient at risk early on"
        return KaplanMeier(
            asked, nothing, nothing, nothing, at_risk, *(float("nan"),) * 3, follow_up, problem
        )

    steps = fitter.survival_function_.index.to_numpy(dtype=float)
    curve = fitter.survival_function_.to_numpy()[:, 0]
    curve = np.where(curve < ROUNDING, 0.0, curve)
    lower, upper = np.where((curve <= 0) | (curve >= 1), np.nan, fitter.confidence_interval_.to_numpy().T)

    position = np.searchsorted(steps, asked, side="right") - 1
    known = (position >= 0) & ((asked <= follow_up) | (curve[-1] == 0))

    def read(band: NDArray, before: float) -> NDArray[np.float64]:
        return np.where(known, band[position], np.where(position < 0, before, np.nan))

    return KaplanMeier(
        times=asked,
        survival=read(curve, 1.0),
        lower=read(lower, np.nan),
        upper=read(upper, np.nan),
        at_risk=at_risk,
        median=first_time_at_or_below(steps, curve),
        median_lower=first_time_at_or_below(steps, np.where(curve <= 0, 0.0, lower)),
        median_upper=first_time_at_or_below(steps, upper),
        follow_up=follow_up,
    )


def median_follow_up(time: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None) -> KaplanMeier:
    """Return the reverse Kaplan-Meier curve: its median is the median follow-up.

    The end of observation is the event and a death censors it (Schemper and Smith 1996,
    doi 10.1016/0197-2456(96)00075-X). Parameters as in `kaplan_meier`.
    """
    return kaplan_meier(time, ~np.asarray(event, dtype=bool), entry)


def weighted_kaplan_meier(
    time: ArrayLike, event: ArrayLike, entry: ArrayLike, weights: ArrayLike, times: ArrayLike
) -> NDArray[np.float64]:
    """Return the weighted Kaplan-Meier survival of one group (Xie and Liu 2005, doi 10.1002/sim.2174), without an interval.

    Parameters
    ----------
    time, event, entry : (patient,) array
        As in `inference.frequentist.survival.kaplan_meier`.
    weights : (patient,) array
        Not negative; those of 0 do not count.
    times : (time,) array
        Where to read the curve.

    Returns
    -------
    (time,) array
        NaN beyond the last follow-up.
    """
    time, event, entry, weights = (np.asarray(one) for one in (time, event, entry, weights))
    own = weights > 0
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        # of its variance, which is not read
        warnings.filterwarnings("ignore", category=StatisticalWarning)
        fitted = KaplanMeierFitter().fit(
            time[own], event[own], entry=entry_for_lifelines(entry[own], time[own]), weights=weights[own]
        )
    steps = fitted.survival_function_.index.to_numpy(dtype=float)
    curve = fitted.survival_function_.to_numpy()[:, 0]
    position = np.searchsorted(steps, times, side="right") - 1
    return np.where(np.asarray(times) <= time[own].max(), curve[np.maximum(position, 0)], np.nan)
