"""A published Kaplan-Meier curve of one arm, with numbers at risk and censor marks; how finely it was read."""

from dataclasses import dataclass
from functools import reduce

import numpy as np

FINEST, COARSEST = 1 / 5000, 1 / 100
"""Of the axis: a pixel of the largest figure, and a reading with two decimals."""
BY_HAND = 1 / 200
"""Of the axis: points that lie on no grid were set by hand or averaged over pixels."""
SAME = 2e-5
"""Of the axis: what six printed digits leave of a whole number of grid steps."""


@dataclass(frozen=True, eq=False)
class PublishedCurve:
    """What a figure shows of one arm.

    Attributes
    ----------
    curve, source : str
        Name of the curve, shared by the arms of one figure; where it is printed.
    arm, phase : str
        "treated" or "control"; "before" or "after" matching.
    subgroup : str
        Empty for everybody, else ``column=level``.
    time, survival : ndarray of float (point,)
        The points read, by time, in the study's unit and as survival probabilities. A reading may rise.
    time_resolution, survival_resolution : float
        Smallest differences that the reading tells apart, as a pixel does; in the same units.
    at_risk_time, at_risk : ndarray of float (column,)
        The printed numbers at risk, by time; empty where none are printed.
    events, censored : ndarray of float (column,)
        Cumulative events and censorings printed beside them; nan where not printed.
    at_risk_counts : str
        "before": those whose time is the column's time or later; "at": later only; empty where it is not stated.
    censor_marks : ndarray of float (mark,)
        Times of the marks on the curve; empty where none were read.
    """

    curve: str
    source: str
    arm: str
    phase: str
    subgroup: str
    time: np.ndarray
    survival: np.ndarray
    time_resolution: float
    survival_resolution: float
    at_risk_time: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    censored: np.ndarray
    at_risk_counts: str
    censor_marks: np.ndarray


def resolution_of(values: np.ndarray, axis: float) -> float:
    """The smallest difference that the reading of a coordinate tells apart, estimated from the points.

    Readings of pixels differ by whole pixels, and typed ones by whole last digits: the greatest common divisor of the
    differences between neighbouring values, by Euclid's algorithm within rounding.

    Parameters
    ----------
    values : ndarray of float (point,)
        One coordinate of all points.
    axis : float
        Length of the axis, in the same unit: 1 for survival, the last time for time.

    Returns
    -------
    float
        In the unit of the values, above 0.

    Examples
    --------
    >>> resolution_of(np.array([0.998, 0.994, 0.988, 0.988, 0.98]), 1.0)
    0.002
    """
    gaps = np.diff(np.unique(np.asarray(values, float) / axis))
    gaps = gaps[gaps > SAME]
    step = reduce(_common, gaps.tolist()) if len(gaps) else 0.0
    return round((min(step, COARSEST) if step >= FINEST else BY_HAND) * axis, 9)


def _common(one: float, other: float) -> float:
    """The greatest common divisor of two numbers, remainders within rounding being none."""
    while other > SAME:
        one, other = other, abs(one - round(one / other) * other)
    return one
