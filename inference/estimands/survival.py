"""Survival probabilities of the population at the study's times."""

import numpy as np

from inference.estimands.curves import Curves
from inference.estimands.estimand import of_arms, survival_times


def _of_arm(curves: Curves, arm: int) -> np.ndarray:
    positions = [curves.grid.at(time) for time in curves.grid.times]
    return np.moveaxis(curves.survival[:, arm][..., positions], -1, 1)


SURVIVAL_TREATED, SURVIVAL_CONTROL, SURVIVAL_DIFFERENCE = of_arms(
    "survival", "survival", _of_arm, "probability", survival_times
)
