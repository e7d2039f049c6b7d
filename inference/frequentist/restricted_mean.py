"""Restricted mean survival time from the Kaplan-Meier curve."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from inference.frequentist.limits import NORMAL_975
from inference.frequentist.survival import kaplan_meier


@dataclass(frozen=True)
class RestrictedMean:
    """A mean time lived before the horizon, or a difference of two, with its standard error.

    Attributes
    ----------
    estimate, standard_error, lower, upper : float
        In the time unit of the cohort; a 95 % normal interval.
    p : float
        Two-sided p-value of a difference of zero; NaN for a single arm.
    problem : str
        Empty, or why there is no estimate; then all numbers are NaN.
    """

    estimate: float
    standard_error: float
    p: float = float("nan")
    problem: str = ""

    @property
    def lower(self) -> float:
        """Lower end of the 95 % interval."""
        return self.estimate - NORMAL_975 * self.standard_error

    @property
    def upper(self) -> float:
        """Upper end of the 95 % interval."""
        return self.estimate + NORMAL_975 * self.standard_error


def rmst(time: ArrayLike, event: ArrayLike, horizon: float, entry: ArrayLike | None = None) -> RestrictedMean:
    """Return the mean time lived up to the horizon: the area under the Kaplan-Meier curve.

    The variance is Greenwood's, the sum over event times t of ``A(t)^2 d / (n (n - d))`` with A(t) the area
    under the curve from t to the horizon, d events and n patients at risk (Royston and Parmar 2013,
    doi 10.1186/1471-2288-13-152). lifelines' ``return_variance`` is another quantity: the variance of min(T,
    horizon).

    Parameters
    ----------
    time, event, entry
        As in `kaplan_meier`.
    horizon : float
        Above 0. Beyond the last follow-up the curve, and so its area, does not exist unless it has reached 0.
    """
    time, event = np.asarray(time, dtype=float), np.asarray(event, dtype=bool)
    curve = kaplan_meier(
        time, event, entry, times=np.append(np.unique(time[event & (time < horizon)]), horizon)
    )
    if curve.problem:
        return RestrictedMean(float("nan"), float("nan"), problem=curve.problem)
    if np.isnan(curve.survival[-1]):
        problem = f"the horizon {horizon:g} lies beyond the last follow-up of the arm ({curve.follow_up:g})"
        return RestrictedMean(float("nan"), float("nan"), problem=problem)
    steps, at_risk = curve.times[:-1], curve.at_risk[:-1]
    areas = np.diff(curve.times, prepend=0.0) * np.append(1.0, curve.survival[:-1])
    remaining = areas[::-1].cumsum()[::-1][1:]
    events = np.bincount(np.searchsorted(steps, time[event & (time < horizon)]), minlength=steps.size)
    # Where all at risk die nothing remains under the curve: that term is 0, not 0 times infinity.
    terms = remaining**2 * events / (at_risk * np.maximum(at_risk - events, 1))
    return RestrictedMean(float(areas.sum()), float(np.sqrt(terms.sum())))


def rmst_difference(treated: RestrictedMean, control: RestrictedMean) -> RestrictedMean:
    """Return the restricted mean of the treated minus that of the controls, with a z-test."""
    difference = treated.estimate - control.estimate
    standard_error = float(np.hypot(treated.standard_error, control.standard_error))
    problem = treated.problem or control.problem
    if not problem and standard_error == 0:
        problem = "no events before the horizon"
    if problem:
        return RestrictedMean(float("nan"), float("nan"), problem=problem)
    return RestrictedMean(difference, standard_error, float(2 * norm.sf(abs(difference) / standard_error)))
