"""Data sets of times and survival, and tables of them by their columns: named, in pairs, or one of times for several curves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.errors import InputError
from data.published.digitised.delimited import Sheet, numbers

TIMES = ("time", "times", "t", "x", "tk", "months", "years", "weeks", "days")
SURVIVALS = ("survival", "surv", "st", "s", "y", "sk", "s(t)", "probability", "percent")
GROUPS = ("curve", "arm", "group", "series", "treatment", "strata")
NUMBERED = ("id", "k", "i")


@dataclass(frozen=True, eq=False)
class Series:
    """The points of one curve."""

    name: str  # of the data set in the file; empty where it has none
    # (point,) in the units and the order of the file
    time: np.ndarray
    survival: np.ndarray


@dataclass(frozen=True, eq=False)
class Digitised:
    """The data sets of a file."""

    kind: str  # what the file was taken for, in words
    series: tuple[Series, ...]
    # the size of a pixel in the units of the file, where the file states how its axes were calibrated
    time_resolution: float | None = None
    survival_resolution: float | None = None


def pair(sheet: Sheet, name: str, time: int, survival: int, origin: str) -> Series:
    """The data set in a column of times and one of survival; rows that are empty in both are left out.

    Raises
    ------
    InputError
        If a row has one of the two only: the columns have unequal lengths.
    """
    at, values = np.array(numbers(sheet, time, origin)), np.array(numbers(sheet, survival, origin))
    half = np.isnan(at) != np.isnan(values)
    if half.any():
        line = sheet.lines[int(np.flatnonzero(half)[0])]
        raise InputError(
            f"{origin}, line {line}: columns {time + 1} and {survival + 1}"
            f"{f' of {name!r}' if name else ''} must have equal lengths, but {int(half.sum())} rows have a time without "
            "survival, or survival without a time; export the data set again."
        )
    return Series(name, at[~np.isnan(at)], values[~np.isnan(at)])


def named_columns_of(sheet: Sheet, origin: str) -> Digitised | None:
    """The data sets of a table with columns of times, survival and curves by name; None for another table."""
    names = [name.split("(")[0].strip() for name in sheet.names]
    time, survival = column_of(names, TIMES), column_of(names, SURVIVALS)
    if time is None or survival is None:
        return None
    group = column_of(names, GROUPS)
    if group is None:
        kind = (
            "numbered points, as survHE reads them"
            if names[0] in NUMBERED
            else "columns of times and survival"
        )
        return Digitised(f"{kind}, by their names", (pair(sheet, "", time, survival, origin),))
    labels = [row[group] for row in sheet.rows]
    series = []
    for label in dict.fromkeys(labels):
        inside = [place for place, one in enumerate(labels) if one == label]
        part = Sheet(
            sheet.header,
            tuple(sheet.rows[place] for place in inside),
            tuple(sheet.lines[place] for place in inside),
            sheet.separator,
        )
        series.append(pair(part, label, time, survival, origin))
    kind = "points of SurvdigitizeR" if {"st", "curve"} <= set(names) else "points with a column of curves"
    return Digitised(kind, tuple(series))


def column_of(names: Sequence[str], known: Sequence[str]) -> int | None:
    """Place of the one column that has a known name; None where there is none, or more than one."""
    places = [place for place, name in enumerate(names) if name in known]
    return places[0] if len(places) == 1 else None


def columns_of(sheet: Sheet, origin: str) -> Digitised:
    """The data sets of a table whose columns no name explains: two columns, pairs, or times first and a column for each curve.

    Raises
    ------
    InputError
        If the columns are neither.
    """
    if sheet.width == 2:
        name = sheet.header[0][0] if sheet.header and len(sheet.header[0]) == 1 else ""
        return Digitised("two columns, times and survival", (pair(sheet, name, 0, 1, origin),))
    labels = sheet.header[-1] if sheet.header else ()
    labels = (*labels, *[""] * (sheet.width - len(labels)))
    if sheet.width % 2 == 0 and _rise(sheet, range(2, sheet.width, 2), origin):
        names = [
            labels[place] if labels[place].lower() not in TIMES else labels[place + 1]
            for place in range(0, sheet.width, 2)
        ]
        return Digitised(
            "pairs of columns, times and survival of each curve",
            tuple(pair(sheet, name, 2 * place, 2 * place + 1, origin) for place, name in enumerate(names)),
        )
    if not _rise(sheet, [0], origin) or _rise(sheet, range(1, sheet.width), origin):
        raise InputError(
            f"{origin}: columns must be times and survival, pairs of them, or times first and then a column for each curve, "
            f"but found {sheet.width} columns of which that cannot be settled; keep two columns, or name them time and survival."
        )
    return Digitised(
        "one column of times and a column for each curve",
        tuple(_sharing(sheet, labels[place], place, origin) for place in range(1, sheet.width)),
    )


def _rise(sheet: Sheet, columns: range | list[int], origin: str) -> bool:
    """Whether some columns all end higher than they begin."""
    found = []
    for column in columns:
        values = np.array(numbers(sheet, column, origin))
        values = values[~np.isnan(values)]
        found.append(len(values) > 1 and values[-1] > values[0])
    return all(found)


def _sharing(sheet: Sheet, name: str, column: int, origin: str) -> Series:
    """The curve of a column beside the times in the first; it has no point where its cell is empty."""
    at, values = np.array(numbers(sheet, 0, origin)), np.array(numbers(sheet, column, origin))
    read = ~np.isnan(values)
    return Series(name, at[read], values[read])
