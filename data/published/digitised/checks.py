"""Is a digitised data set a survival curve: what cannot be one is refused, with all that is wrong with it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from data.errors import InputError
from data.published.digitised.tables import Series

READING_ERROR = 0.05
"""Of the axis of survival. Readings by hand have a root mean squared error of 0.014 (doi 10.1186/s12874-024-02273-8), so that
two of them differ by more than this once in a hundred times; a rise beyond it is another curve or a slip."""
TIME_ERROR = 0.005
"""Of the axis of time: points may go back by so much where a curve falls steeply."""
UNSORTED = 0.1
"""Share of the points that come after a later one, from which on a file is not sorted at all."""
FEWEST = 3

type Scale = Literal["fraction", "percent"]
type Of = Literal["survival", "failure"]


@dataclass(frozen=True, eq=False)
class CheckedSeries:
    """A data set that can be a survival curve."""

    time: np.ndarray  # (point,) in the unit of the file, not falling
    value: np.ndarray  # (point,) as read, on the scale of the file
    # "fraction" or "percent", of "survival" or of "failure"
    scale: Scale
    of: Of


def checked(series: Series, origin: str, scale: Scale | None = None, of: Of = "survival") -> CheckedSeries:
    """A data set in the order of its times, if it can be a survival curve.

    Parameters
    ----------
    series : Series
    origin : str
        The file, for messages.
    scale : str, optional
        Of the values; else percent where one is above 1.5.
    of : str
        What the values are the probability of.

    Raises
    ------
    InputError
        With all that is wrong: too few points, times that are not sorted or go back, values that do not begin at 1, leave 0
        to 1 or rise by more than the reading error, failure in place of survival.
    """
    time, value = series.time, series.survival
    if len(time) < FEWEST:
        raise InputError(
            f"{_name(series, origin)}: must have at least {FEWEST} points, but has {len(time)}; read more of the curve."
        )
    settled: Scale = scale or ("percent" if value.max() > 1.5 else "fraction")
    survival = value / (100 if settled == "percent" else 1)
    problems = _of_times(time)
    order = np.argsort(time, kind="stable")
    ordered = survival[order]
    if of == "survival" and ordered[0] < READING_ERROR and ordered[-1] > ordered[0] + READING_ERROR:
        problems.append(
            f"must be survival, which falls from 1, but rises from {ordered[0]:.3g} to {ordered[-1]:.3g}: it is failure; add "
            "--of failure"
        )
    else:
        problems += _of_values(time[order], 1 - ordered if of == "failure" else ordered)
    if problems:
        listed = f" {problems[0]}." if len(problems) == 1 else "".join(f"\n  - {one}" for one in problems)
        raise InputError(f"{_name(series, origin)}:{listed}")
    return CheckedSeries(time[order], value[order], settled, of)


def _name(series: Series, origin: str) -> str:
    return f"{origin}, data set '{series.name}'" if series.name else origin


def _of_times(time: np.ndarray) -> list[str]:
    axis = float(time.max())
    problems = []
    if time.min() < -READING_ERROR * abs(axis):
        problems.append(f"times must not lie before 0, but found {time.min():g}; check the axis of time")
    back = time < np.maximum.accumulate(time) - TIME_ERROR * abs(axis)
    if back.sum() > UNSORTED * len(time):
        problems.append(
            f"points must be sorted by time, but {int(back.sum())} of {len(time)} come after a later one; sort them, or export "
            "them sorted by x"
        )
    elif back.any():
        place = int(np.flatnonzero(back)[0])
        problems.append(
            f"time must not go back, but point {place + 1} is at {time[place]:g} after {time[:place].max():g}; remove or sort it"
        )
    return problems


def _of_values(time: np.ndarray, survival: np.ndarray) -> list[str]:
    """What is wrong with survival as fractions, in the order of time."""
    problems = []
    if survival.max() > 1 + READING_ERROR:
        problems.append(
            f"survival must not lie above 100 %, but found {100 * survival.max():.4g} % at time {time[survival.argmax()]:g}; "
            "check the axis, or add --scale"
        )
    elif abs(survival[0] - 1) > READING_ERROR:
        problems.append(
            f"survival must start at 1, but starts at {survival[0]:.3g} at time {time[0]:g}; add the start of the curve, or "
            "--scale where it is on another scale"
        )
    if survival.min() < -READING_ERROR:
        problems.append(f"survival must not lie below 0, but found {survival.min():.3g}; check the axis")
    rise = survival - np.minimum.accumulate(survival)
    if rise.max() > READING_ERROR:
        place = int(rise.argmax())
        problems.append(
            f"survival must not rise by more than the reading error ({READING_ERROR:g}), but rises by {rise[place]:.3g} up to "
            f"time {time[place]:g}; take out the points of another curve"
        )
    return problems
