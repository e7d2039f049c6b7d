"""Restricted mean survival time: the mean time lived up to the horizon (doi 10.1002/sim.4274)."""

from __future__ import annotations

import numpy as np

from inference.curves import Curves
from inference.estimands.estimand import Estimand, whole_horizon


def _of_arm(curves: Curves, arm: int) -> np.ndarray:
    return (curves.survival[:, arm] @ curves.grid.quadrature)[:, None]


def _control(curves: Curves) -> np.ndarray:
    return _of_arm(curves, 0)


def _treated(curves: Curves) -> np.ndarray:
    return _of_arm(curves, 1)


def _difference(curves: Curves) -> np.ndarray:
    return _treated(curves) - _control(curves)


RMST_TREATED = Estimand(
    "rmst_treated", "restricted mean survival time, had all been treated", _treated, "time", whole_horizon
)
RMST_CONTROL = Estimand(
    "rmst_control", "restricted mean survival time, had none been treated", _control, "time", whole_horizon
)
RMST_DIFFERENCE = Estimand(
    "rmst_difference",
    "difference in restricted mean survival time",
    _difference,
    "time",
    whole_horizon,
    null=0.0,
    benefit=1,
)
