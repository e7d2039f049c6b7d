"""Survival probabilities of the population at the study's times."""

from __future__ import annotations

import numpy as np

from inference.curves import Curves
from inference.estimands.estimand import Estimand, survival_times


def _of_arm(curves: Curves, arm: int) -> np.ndarray:
    positions = [curves.grid.at(time) for time in curves.grid.times]
    return np.moveaxis(curves.survival[:, arm][..., positions], -1, 1)


def _control(curves: Curves) -> np.ndarray:
    return _of_arm(curves, 0)


def _treated(curves: Curves) -> np.ndarray:
    return _of_arm(curves, 1)


def _difference(curves: Curves) -> np.ndarray:
    return _treated(curves) - _control(curves)


SURVIVAL_TREATED = Estimand(
    "survival_treated", "survival, had all been treated", _treated, "probability", survival_times
)
SURVIVAL_CONTROL = Estimand(
    "survival_control", "survival, had none been treated", _control, "probability", survival_times
)
SURVIVAL_DIFFERENCE = Estimand(
    "survival_difference",
    "difference in survival",
    _difference,
    "probability",
    survival_times,
    null=0.0,
    benefit=1,
)
