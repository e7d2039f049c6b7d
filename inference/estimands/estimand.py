"""What an estimand must state: its draws, its unit, and on which side benefit lies."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from inference.estimands.curves import Curves, TimeGrid

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


def of_arms(
    name: str,
    label: str,
    of_arm: Callable[[Curves, int], np.ndarray],
    unit: Unit,
    times: Callable[[TimeGrid], tuple[float | None, ...]],
) -> tuple[Estimand, Estimand, Estimand]:
    """Return a quantity of each arm, had all been treated and had none been, and their difference.

    Parameters
    ----------
    name, label : str
        Without the arm.
    of_arm : callable
        From curves and the number of an arm to draws; larger is better.
    unit, times : str, callable
        As those of `Estimand`.

    Returns
    -------
    treated, control, difference : Estimand
        A difference is infinite where one side is, and undetermined (NaN) where both are.
    """

    def difference(curves: Curves) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return of_arm(curves, 1) - of_arm(curves, 0)

    treated = Estimand(
        f"{name}_treated", f"{label}, had all been treated", lambda curves: of_arm(curves, 1), unit, times
    )
    control = Estimand(
        f"{name}_control", f"{label}, had none been treated", lambda curves: of_arm(curves, 0), unit, times
    )
    contrast = Estimand(
        f"{name}_difference", f"difference in {label}", difference, unit, times, null=0.0, benefit=1
    )
    return treated, control, contrast
