"""How finely a curve was read, where it is not stated: the grid on which its points lie."""

from functools import reduce

import numpy as np

FINEST, COARSEST = 1 / 5000, 1 / 100
"""Of the axis: a pixel of the largest figure, and a reading with two decimals."""
BY_HAND = 1 / 200
"""Of the axis: points that lie on no grid were set by hand or averaged over pixels."""
SAME = 2e-5
"""Of the axis: what six printed digits leave of a whole number of grid steps."""


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
