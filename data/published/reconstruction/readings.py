"""Prepare published curves for reconstruction: isotonic regression, thinning, knots of the generative hazard."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from data.published.published_curves import PublishedCurve

POINTS = 200  # of a curve in the likelihood, at most: a step of a large cohort is less than a pixel, and neighbouring points are redundant
READING_SD = 0.3  # standard deviation of a reading of survival, in units of its resolution: that of rounding to a pixel
KNOT_FALL = 0.04  # share by which a curve falls from knot to knot of the generative hazard


@dataclass(frozen=True, eq=False)
class Reading:
    """A curve as the reconstruction uses it."""

    curve: PublishedCurve
    # (point,) the nearest survival to the points as read that never rises (isotonic regression)
    level: np.ndarray
    # (point,) the same from (0, 1) on
    time: np.ndarray
    survival: np.ndarray
    # end of the figure: the latest time that was read or counted; follow-up beyond it is not published
    end: float

    @property
    def rate(self) -> float:
        """The hazard until the first knot."""
        (_, _), (time, survival), *_ = self.knots.items()
        return float(-np.log(np.clip(survival, 0.01, 0.999)) / time)

    @property
    def beside(self) -> np.ndarray:
        """Places, among the points as read, of those before and after a change, and of the first and last: the others repeat them."""
        changes = np.flatnonzero(np.diff(self.curve.survival) != 0)
        return np.unique(np.concatenate([[0, len(self.curve.time) - 1], changes, changes + 1]))

    @property
    def chosen(self) -> np.ndarray:
        """At most `POINTS` of those beside a change, evenly thinned if there are more."""
        beside = self.beside
        if len(beside) <= POINTS:
            return beside
        return beside[np.unique(np.linspace(0, len(beside) - 1, POINTS).round().astype(int))]

    @property
    def knots(self) -> dict[float, float]:
        """Survival at the start and wherever it has fallen by `KNOT_FALL` since the last knot, and at the end."""
        points, last = {0.0: 1.0}, 1.0
        for time, survival in zip(self.time, self.survival, strict=True):
            if survival <= (1 - KNOT_FALL) * last and time > 0:
                points[float(time)] = last = float(survival)
        points[float(max(self.end, self.time[-1]))] = float(self.survival[-1])
        return points


def read(curve: PublishedCurve) -> Reading:
    """Make a curve monotone and let it begin at time 0 with survival 1."""
    level = np.asarray(isotonic_regression(np.clip(curve.survival, 0.0, 1.0), increasing=False).x)
    inside = curve.time > 0
    counted = curve.at_risk_time[curve.at_risk > 0]
    end = max(float(curve.time[-1]), float(counted.max(initial=0.0)))
    return Reading(
        curve, level, np.concatenate([[0.0], curve.time[inside]]), np.concatenate([[1.0], level[inside]]), end
    )
