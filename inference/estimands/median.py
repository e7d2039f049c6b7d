"""Median survival; infinite where half of the population is still alive at the last follow-up: not reached."""

from __future__ import annotations

import numpy as np

from inference.curves import Curves
from inference.estimands.estimand import Estimand, no_time

LOG_2 = float(np.log(2.0))


def _of_arm(curves: Curves, arm: int) -> np.ndarray:
    time = curves.grid.time
    observed = time <= curves.grid.last
    cumulative = -np.log(np.maximum(curves.survival[:, arm][..., observed], 1e-300))
    time = time[observed]
    reached = cumulative[..., -1] >= LOG_2
    after = np.maximum(np.argmax(cumulative >= LOG_2, axis=-1), 1)[..., None]
    low = np.take_along_axis(cumulative, after - 1, axis=-1)[..., 0]
    high = np.take_along_axis(cumulative, after, axis=-1)[..., 0]
    after = after[..., 0]
    share = (LOG_2 - low) / np.where(reached, high - low, 1.0)
    return np.where(reached, time[after - 1] + share * (time[after] - time[after - 1]), np.inf)[:, None]


def _control(curves: Curves) -> np.ndarray:
    return _of_arm(curves, 0)


def _treated(curves: Curves) -> np.ndarray:
    return _of_arm(curves, 1)


def _difference(curves: Curves) -> np.ndarray:
    """Return the difference; infinite where one median is not reached, undefined (NaN) where neither is."""
    with np.errstate(invalid="ignore"):
        return _treated(curves) - _control(curves)


MEDIAN_TREATED = Estimand(
    "median_treated", "median survival, had all been treated", _treated, "time", no_time
)
MEDIAN_CONTROL = Estimand(
    "median_control", "median survival, had none been treated", _control, "time", no_time
)
MEDIAN_DIFFERENCE = Estimand(
    "median_difference",
    "difference in median survival",
    _difference,
    "time",
    no_time,
    null=0.0,
    benefit=1,
)
