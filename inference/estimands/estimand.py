"""What an estimand must state: its draws, its unit, and on which side benefit lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from inference.curves import Curves, TimeGrid

Unit = Literal["log ratio", "ratio", "probability", "time"]


def whole_horizon(grid: TimeGrid) -> tuple[float | None, ...]:
    """Return the horizon as the only time."""
    return (grid.horizon,)


def survival_times(grid: TimeGrid) -> tuple[float | None, ...]:
    """Return the times of the survival probabilities."""
    return grid.times


def no_time(grid: TimeGrid) -> tuple[float | None, ...]:
    """Return one empty time, for quantities that have none."""
    return (None,)


@dataclass(frozen=True)
class Estimand:
    """A quantity of interest.

    Attributes
    ----------
    name : str
        Its name in every table.
    label : str
        In words.
    draws : callable
        From curves to an array (population, time, draw); a conditional quantity has one population.
    unit : str
        "time" stands for the study's time unit.
    times : callable
        From a grid to the times of the second dimension.
    conditional : bool
        True for a quantity of the model rather than of a population.
    null : float or None
        Value of no effect; None for quantities of one arm.
    benefit : int
        Sign of a difference from the null that favours the treated: -1 below, +1 above.
    """

    name: str
    label: str
    draws: Callable[[Curves], np.ndarray]
    unit: Unit
    times: Callable[[TimeGrid], tuple[float | None, ...]]
    conditional: bool = False
    null: float | None = None
    benefit: int = 0
