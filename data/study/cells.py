"""What a cell of a table means: text, a number, or nothing."""

import math
import re
from collections.abc import Collection
from typing import Any

import pandas as pd

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
    cells = [canonical(value) for value in column]
    return pd.Series(
        [None if cell is None or cell.lower() in missing else cell for cell in cells],
        index=column.index,
        dtype=object,
    )


def numbers(column: pd.Series) -> pd.Series:
    """A column as numbers: NaN where a cell is missing, its text where it is not a number.

    The column is of floats unless some cell is text.
    """
    kind = column.dtype
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
        return pd.Series(column.to_numpy(dtype=float, na_value=math.nan), index=column.index)
    if all(isinstance(cell, str) and "_" not in cell for cell in column):
        try:  # a csv without gaps or slips, many times faster than cell by cell
            return column.astype(float)
        except ValueError:
            pass
    cells = [_number(cell) for cell in texts(column)]
    if not any(isinstance(cell, str) for cell in cells):
        return pd.Series(cells, index=column.index, dtype=float)
    return pd.Series(cells, index=column.index, dtype=object)


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
