"""A table of the page: cells know what they print and what they are sorted by."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from inference.report.numbers import MISSING, number, probability, span, written


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes
    ----------
    text : str
        Printed, after escaping.
    sort : float or None
        What a numeric column is sorted by; None sorts by the text.
    link : str
        Anchor on the page that the text leads to; empty for none.
    """

    text: str
    sort: float | None = None
    link: str = ""


@dataclass(frozen=True)
class Column:
    """One column: its heading, whether it holds numbers (set to the right), or sentences (kept wide)."""

    label: str
    numeric: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Row:
    """One row; `kind` marks it ("main", "fail", "warn", "info", "pass")."""

    cells: tuple[Cell, ...]
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """A table with its caption.

    Attributes
    ----------
    id : str
        Unique on the page.
    caption : str
        What it shows, with units.
    columns : tuple of Column
    rows : tuple of Row
    """

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = field(default=())

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"a row of table {self.id} must have {len(self.columns)} cells, but found "
                    f"{len(row.cells)}"
                )


def text_cell(value: Any) -> Cell:
    """Return a cell of text."""
    return Cell(written(value))


def number_cell(value: Any, digits: int = 3) -> Cell:
    """Return a cell of one number."""
    return Cell(number(value, digits), sort_key(value))


def probability_cell(value: Any) -> Cell:
    """Return a cell of a probability, which is never 0 or 1."""
    return Cell(probability(math.nan if value is None else float(value)), sort_key(value))


def interval_cell(
    row: pd.Series | None, style: Callable[[float, float, float], str] = span, estimate: str = "median"
) -> Cell:
    """Return a cell "estimate (lower to upper)" of a row of estimands or comparators, with its note; a dash for None."""
    if row is None:
        return Cell(MISSING, math.inf)
    numbers = [float(row[name]) for name in (estimate, "lower", "upper")]
    shown = [style(*numbers)] if pd.notna(numbers[0]) or not row.get("note") else []
    return Cell(", ".join([*shown, *filter(None, [row.get("note")])]), sort_key(numbers[0]))


def sort_key(value: Any) -> float:
    """Return what a number is sorted by; those that are missing come last."""
    return math.inf if value is None or pd.isna(value) else float(value)


def frame_table(
    name: str, caption: str, frame: pd.DataFrame, columns: Sequence[str] = (), wide: Sequence[str] = ()
) -> Table:
    """Return a table of any frame, with the names of its columns in words.

    Parameters
    ----------
    name, caption : str
        Of the table.
    frame : DataFrame
    columns : sequence of str
        Which to show, all if none is given.
    wide : sequence of str
        Those that hold sentences.
    """
    shown = [column for column in (columns or frame.columns) if column in frame]
    numeric = {column: pd.api.types.is_numeric_dtype(frame[column]) for column in shown}
    rows = tuple(
        Row(
            tuple(number_cell(row[column]) if numeric[column] else text_cell(row[column]) for column in shown)
        )
        for _, row in frame.iterrows()
    )
    headings = tuple(Column(heading(column), numeric[column], column in wide) for column in shown)
    return Table(name, caption, headings, rows)


def heading(name: str) -> str:
    """Return a name of the code as the heading of a table."""
    text = str(name).replace("_", " ")
    return (text[:1].upper() + text[1:]).replace("Rmst", "RMST")
