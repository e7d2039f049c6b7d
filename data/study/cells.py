"""What a cell of a table means: text, a number, or nothing."""

import math
import re
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

TRUTH = ("false", "true")
DATE = r"\d{4}-\d{1,2}-\d{1,2}(?:[T ].*)?|\d{1,2}([./-])\d{1,2}\1\d{2,4}|\d{1,2}-[A-Za-z]{3}-\d{2,4}"
MISSING = frozenset({"", ".", "na", "n/a", "#n/a", "nan", "<na>", "nat", "null", "none"})


def canonical(value: Any) -> str | None:
    """The text of a cell; numbers and truth values that mean the same give the same text.

    Examples
    --------
    >>> canonical(1.0), canonical("1.0"), canonical(True), canonical("True"), canonical("01")
    ('1', '1', 'true', 'true', '01')
    """
    if value is None or (not isinstance(value, str) and pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    text = str(value).strip()
    if text.lower() in ("true", "false"):
        return text.lower()
    return text.split(".")[0] if "." in text and re.fullmatch(r"-?\d+\.0+", text) else text


def texts(column: pd.Series, kept: Collection[str] = ()) -> pd.Series:
    """A column as text, with None where a cell is missing.

    Parameters
    ----------
    column : Series
        Cells of any type.
    kept : collection of str
        Values that are not missing even if they read like it, such as a level named NA.
    """
    missing = MISSING - {value.lower() for value in kept}
    known: dict[tuple[type, Any], str | None] = {}  # most columns of text hold few different values

    def text(value: Any) -> str | None:
        cell = canonical(value)
        return None if cell is None or cell.lower() in missing else cell

    cells = []
    for value in column:
        if not isinstance(value, str | bool | int):
            cells.append(text(value))
            continue
        key = type(value), value
        if key not in known:
            known[key] = text(value)
        cells.append(known[key])
    return pd.Series(cells, index=column.index, dtype=object)


def numbers(column: pd.Series) -> pd.Series:
    """A column as numbers: NaN where a cell is missing, its text where it is not a number.

    The column is of floats unless some cell is text. Numbers kept in single precision are the decimals that were written:
    0.6, and not 0.60000002.
    """
    kind = column.dtype
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
        values = column.to_numpy(dtype=float, na_value=math.nan)
        return pd.Series(_of_single_precision(values), index=column.index)
    if all(isinstance(cell, str) and "_" not in cell for cell in column):
        try:  # a csv without gaps or slips, many times faster than cell by cell
            return column.astype(float)
        except ValueError:
            pass
    cells = [_number(cell) for cell in texts(column)]
    if not any(isinstance(cell, str) for cell in cells):
        return pd.Series(cells, index=column.index, dtype=float)
    return pd.Series(cells, index=column.index, dtype=object)


def _of_single_precision(values: np.ndarray) -> np.ndarray:
    """The shortest decimals of numbers all of which are of single precision; other numbers as they are."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if not np.array_equal(single, values, equal_nan=True):
        return values
    return np.array([float(str(one)) for one in single])


def range_labels(bins: Sequence[Any]) -> tuple[str, ...]:
    """The names of the ranges between limits, each limit beginning a range.

    Examples
    --------
    >>> range_labels([50, 62.5])
    ('<50', '50 to <62.5', '≥62.5')
    """
    texts = [f"{limit:.12g}" if isinstance(limit, int | float) else str(limit) for limit in bins]
    inner = [f"{low} to <{high}" for low, high in pairwise(texts)]
    return (f"<{texts[0]}", *inner, f"≥{texts[-1]}") if texts else ()


def ranges(column: pd.Series, bins: Sequence[float]) -> pd.Series:
    """The range of each number of a column, None where it is missing, and the text of what is no number."""
    labels = np.array([*range_labels(bins)], dtype=object)
    cells = numbers(column)
    known = known_numbers(cells)
    place = np.searchsorted(np.asarray(bins, dtype=float), known.to_numpy(), side="right")
    read = pd.Series(labels[place], index=column.index).where(np.isfinite(known), cells.astype(object))
    return read.where(cells.notna(), None)


def truth_values(column: pd.Series) -> bool:
    """Whether a column holds true and false, and nothing else."""
    if pd.api.types.is_float_dtype(column.dtype):
        return False
    known = {cell for cell in texts(column) if cell is not None}
    return bool(known) and known <= set(TRUTH)


def temporal(column: pd.Series) -> str | None:
    """What a column of dates or of durations holds, by that name; None for any other."""
    kind = column.dtype
    if pd.api.types.is_timedelta64_dtype(kind):
        return "durations"
    if pd.api.types.is_datetime64_any_dtype(kind):
        return "dates"
    known = column.dropna()
    if len(known) and all(isinstance(cell, timedelta) for cell in known):
        return "durations"
    if len(known) and all(isinstance(cell, date) for cell in known):
        return "dates"
    written = texts(column).dropna()
    return "dates" if len(written) and written.str.fullmatch(DATE).all() else None


def _number(cell: str | None) -> float | str:
    if cell is None:
        return math.nan
    try:
        return cell if "_" in cell else float(cell)  # Python reads 1_000 as a number; tables do not
    except ValueError:
        return cell


def known_numbers(cells: pd.Series) -> pd.Series:
    """The cells that are numbers, and NaN for the others."""
    if cells.dtype == float:
        return cells
    known = [cell if isinstance(cell, float) else math.nan for cell in cells]
    return pd.Series(known, index=cells.index, dtype=float)
