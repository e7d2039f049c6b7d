"""The Kaplan-Meier curve of one group and its median with a normal interval, as SPSS prints it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inference.frequentist.limits import NORMAL_975
from inference.frequentist.survival import ROUNDING
from inference.predictive.replicates.risk_sets import ProductLimit, counts

# How far around one half the curve is read for its slope.
NEAR = 0.05


class GroupCurve:
    """The curve of one group.

    Parameters
    ----------
    time : (patient,) array
        Time of the event or of the end of observation, above 0.
    event : (patient,) array of bool
    """

    def __init__(self, time: NDArray, event: NDArray) -> None:
        entry = np.zeros(len(time))
        self.curve = ProductLimit(time, event, entry)
        deaths, at_risk = counts(time, event, entry, self.curve.times)
        with np.errstate(divide="ignore"):
            # Where everybody left dies the curve is 0 and has no variance: the term is infinite there.
            self.greenwood = np.cumsum(deaths / (at_risk * (at_risk - deaths)))

    def at(self, times: ArrayLike) -> NDArray[np.float64]:
        """Return survival at some times."""
        return self.curve(times)

    def median_interval(self) -> tuple[float, float, float]:
        r"""Return the median with a 95 % interval of estimate ± 1.96 standard errors.

        .. math:: se(t) = se(S(t)) / f(t), \quad f(t) = (S(u) - S(l)) / (l - u)

        with u the last time at which the curve is at least 0.55 and l the first at which it is at most 0.45, and Greenwood's
        standard error of S (Collett 2015, Modelling Survival Data in Medical Research, section 2.4,
        doi 10.1201/b18041).

        Returns
        -------
        tuple of float
            Median, lower and upper end; the median is infinite where it is not reached, the ends are NaN where the slope
            is not determined.
        """
        times, survival = self.curve.times, self.curve.survival
        median = self.curve.median
        above = np.flatnonzero(survival >= 0.5 + NEAR - ROUNDING)
        below = np.flatnonzero(survival <= 0.5 - NEAR + ROUNDING)
        if not np.isfinite(median) or not above.size or not below.size:
            return float(median), float("nan"), float("nan")
        u, low = above[-1], below[0]
        slope = (survival[u] - survival[low]) / (times[low] - times[u])
        place = int(np.searchsorted(times, median))
        error = survival[place] * np.sqrt(self.greenwood[place]) / slope
        half = float(NORMAL_975 * error)
        return float(median), float(median - half), float(median + half)
