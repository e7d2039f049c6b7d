"""Restricted mean survival time: the mean time lived up to the horizon (doi 10.1002/sim.4274)."""

import numpy as np

from inference.estimands.curves import Curves
from inference.estimands.estimand import of_arms, whole_horizon


def _of_arm(curves: Curves, arm: int) -> np.ndarray:
    return (curves.survival[:, arm] @ curves.grid.quadrature)[:, None]


RMST_TREATED, RMST_CONTROL, RMST_DIFFERENCE = of_arms(
    "rmst", "restricted mean survival time", _of_arm, "time", whole_horizon
)
