"""Times that differ in their last digits only: 3 * 0.1 and 0.3 are one visit."""

import numpy as np
import pandas as pd

from data.study.cells import known_numbers
from data.study.problems import Problems
from data.study.study import Study

CLOSE = 1e-6  # relative
SHORT = 8  # significant digits of a number that a person wrote
CHANCE = 2 * CLOSE  # share of all pairs of patients that are as close by chance, entries and starts included


def equal_times(values: np.ndarray, marks: tuple[float, ...] = ()) -> np.ndarray:
    """Return times with those that are equal up to a relative 1e-6 made equal.

    Parameters
    ----------
    values : ndarray
        Times of any number of patients; NaN stays.
    marks : tuple of float
        Cut points, report times and landmarks. Times close to one take its value, of several the smallest, so that what
        happens at a mark has happened by then. Other times take the shortest decimal number of those close to each other.

    Examples
    --------
    >>> equal_times(np.array([0.1 * 3, 0.3, 1 / 3, 0.6000001]), marks=(0.6,)).tolist()
    [0.3, 0.3, 0.3333333333333333, 0.6]
    """
    values = np.asarray(values, dtype=float)
    known = np.unique(values[np.isfinite(values) & (values > 0)])
    if not len(known):
        return values
    targets = np.array(sorted(marks), dtype=float)
    pool = np.unique(np.concatenate([known, targets]))
    # a group holds what is close to its first member: chains of close times do not grow
    group, number = np.zeros(len(pool), dtype=int), 0
    new = np.diff(pool) > CLOSE * pool[1:]
    first = pool[0]
    for place in range(1, len(pool)):
        if new[place - 1] or pool[place] - first > CLOSE * first:
            number, first = number + 1, pool[place]
        group[place] = number
    chosen = np.empty(number + 1)
    chosen[group[::-1]] = pool[::-1]  # the smallest of each group
    crowded = np.flatnonzero(np.bincount(group) > 1)
    for one in crowded:
        members = pool[group == one]
        marked = members[np.isin(members, targets)]
        chosen[one] = (
            marked[0] if len(marked) else min(members, key=lambda value: (len(repr(float(value))), value))
        )
    alone = np.ones(number + 1, dtype=bool)
    alone[crowded] = False
    chosen[alone] = [_short(value) for value in chosen[alone]]
    found = np.searchsorted(pool, np.where(np.isfinite(values) & (values > 0), values, pool[0]))
    return np.where(np.isfinite(values) & (values > 0), chosen[group[found]], values)


def _short(value: float) -> float:
    """Return 0.6 for 0.6000000000000001, and a number without a short form as it is."""
    text = f"{value:.12g}"
    digits = text.split("e")[0].replace(".", "").strip("0")
    return float(text) if len(digits) <= SHORT else float(value)


def with_equal_times(cells: pd.DataFrame, study: Study, problems: Problems) -> pd.DataFrame:
    """Return cells whose times are equal where they are close, to each other or to the study's cut points and times.

    Warns
    -----
    CohortWarning
        If that changes more patients' times than chance explains.
    """
    roles, report = study.cohort.columns, study.report
    names = [name for name in (roles.time, roles.entry, roles.treatment_start) if name and name in cells]
    if not names:
        return cells
    marks = (*(study.baseline.cutpoints or ()), *(report.times or ()), *report.landmarks)
    marks += (report.horizon,) if report.horizon else ()
    numbers = np.column_stack([known_numbers(cells[name]) for name in names])
    equal = equal_times(numbers, marks)
    changed = (equal != numbers) & np.isfinite(numbers)
    joined = pd.Series(numbers.ravel()).groupby(equal.ravel()).nunique()
    shared = np.isin(equal, joined.index[joined > 1]) | np.isin(equal, marks)
    touched = int((changed & shared).any(axis=1).sum())
    if touched > 2 + CHANCE * len(cells) ** 2:
        problems.warn(
            f"{touched} of {len(cells)} patients have times that differ from others, or from cut points and report times, by less "
            f"than a relative {CLOSE:g}; they are taken as equal"
        )
    columns = {
        name: cells[name].where(~changed[:, k], pd.Series(equal[:, k], cells.index))
        for k, name in enumerate(names)
    }
    return cells.assign(**columns)
