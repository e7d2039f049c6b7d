"""Median survival; infinite where half of the population is still alive at the last follow-up of the arm: not reached."""

import numpy as np

from inference.estimands.curves import Curves
from inference.estimands.estimand import no_time, of_arms

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
    median = time[after - 1] + share * (time[after] - time[after - 1])
    return np.where(reached & (median <= curves.grid.ends[arm]), median, np.inf)[:, None]


MEDIAN_TREATED, MEDIAN_CONTROL, MEDIAN_DIFFERENCE = of_arms(
    "median", "median survival", _of_arm, "time", no_time
)
