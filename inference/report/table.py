"""A table, declared once: a frame, and columns that say how its values are written; the page and Word print the same rows."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Self

import pandas as pd

from inference.report.figures.wording import capitalised
from inference.report.numbers import (
    MISSING,
    number,
    percent,
    percentage,
    probability,
    ratio,
    share,
    span,
    written,
)


@dataclass(frozen=True)
class Kind:
    """How the values of a column are written.

    Attributes
    ----------
    write : callable
        From a value to its text; with `limits`, from an estimate and its two limits.
    numeric : bool
        Set to the right, and sorted by size.
    wide : bool
        Holds sentences.
    limits : bool
        Whether the value has limits.
    """

    write: Callable[..., str]
    numeric: bool = True
    wide: bool = False
    limits: bool = False


TEXT = Kind(written, numeric=False)
SENTENCE = Kind(written, numeric=False, wide=True)
PRINTED = Kind(written)  # numbers that are texts already
NUMBER = Kind(number)
SHORT = Kind(partial(number, digits=2))
LONG = Kind(partial(number, digits=4))
COUNT = Kind("{:.0f}".format)
HUNDREDTHS = Kind("{:.2f}".format)
PROBABILITY = Kind(probability)
PERCENTAGE = Kind(percentage)
RATIO = Kind(ratio, limits=True)
SPAN = Kind(span, limits=True)
PERCENT = Kind(percent, limits=True)
SHARE = Kind(share, limits=True)


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    title : str
        Its heading, with the unit.
    kind : Kind
    of : str
        The column of the frame. Limits are the columns OF_lower and OF_upper; of one column of a table they may be lower and upper. A
        remark, printed after the number, is in OF_note, or in note.
    by : str
        Column of the frame by which rows are sorted, where the texts do not say it.
    link : str
        Column of the frame with the anchors that the texts lead to, or pages beside this one.
    kinds : str
        Column of the frame with the kind of each row, where rows are written in different ways; `kind` then says how all are set.
    """

    title: str
    kind: Kind
    of: str
    by: str = ""
    link: str = ""
    kinds: str = ""

    @property
    def numeric(self) -> bool:
        """Whether it is set to the right."""
        return self.kind.numeric


@dataclass(frozen=True)
class Cell:
    """One cell: its text, what a numeric one is sorted by, and the anchor that it leads to."""

    text: str
    sort: float | None = None
    link: str = ""

    @property
    def says_size(self) -> bool:
        """Whether the text begins with the number by which it is sorted, so that the page need not repeat it."""
        return self.text.lstrip("−")[:1].isdigit()


@dataclass(frozen=True)
class Row:
    """One row; `kind` marks it ("main", "fail", "warn", "info", "pass")."""

    cells: tuple[Cell, ...]
    kind: str = ""


@dataclass(frozen=True, eq=False)
class Table:
    """A table with its caption.

    Attributes
    ----------
    id : str
        Unique on the page.
    caption : str
        What it shows, with units.
    columns : tuple of Column
    frame : DataFrame
        One row a row of the table.
    marks : str
        Column of the frame that marks rows; empty for none.
    sortable : bool
        Whether the page sorts its rows by a click on a heading.
    """

    id: str
    caption: str
    columns: tuple[Column, ...]
    frame: pd.DataFrame
    marks: str = ""
    sortable: bool = True

    def __post_init__(self) -> None:
        wanted = [name for one in self.columns for name in (one.of, one.by, one.link) if name]
        lacking = sorted({*wanted, *filter(None, [self.marks])} - set(self.frame.columns))
        if lacking and len(self.frame):
            raise ValueError(
                f"the frame of table {self.id} must have {', '.join(lacking)}, but found no such column"
            )
        shared = [one.of for one in self.columns if one.kind.limits and f"{one.of}_lower" not in self.frame]
        if len(shared) > 1 and len(self.frame):
            raise ValueError(
                f"the columns {', '.join(shared)} of table {self.id} must have limits of their own (NAME_lower, NAME_upper), but found "
                "lower and upper for all of them"
            )

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """What is printed."""
        if not len(self.frame):
            return ()
        columns = [_cells(column, self.frame) for column in self.columns]
        marks = list(self.frame[self.marks]) if self.marks else [""] * len(self.frame)
        return tuple(
            Row(cells, str(mark)) for cells, mark in zip(zip(*columns, strict=True), marks, strict=True)
        )

    @property
    def printed(self) -> pd.DataFrame:
        """The texts of its cells under its headings: the table as a file."""
        texts = [[cell.text for cell in row.cells] for row in self.rows]
        return pd.DataFrame(texts, columns=pd.Index([column.title for column in self.columns]))

    def said(self, say: Callable[[str], str]) -> Self:
        """Return the same table with caption, headings, texts and remarks said otherwise."""
        columns = tuple(replace(column, title=say(column.title)) for column in self.columns)
        printed = {name for one in self.columns for name in (one.of, f"{one.of}_note")} | {"note"}
        texts = printed & set(self.frame.select_dtypes(["object", "string"]))
        frame = self.frame.assign(
            **{
                name: [say(one) if isinstance(one, str) else one for one in self.frame[name]]
                for name in texts
            }
        )
        return replace(self, caption=say(self.caption), columns=columns, frame=frame)


def _cells(column: Column, frame: pd.DataFrame) -> list[Cell]:
    kind, of = column.kind, column.of
    ends = f"{of}_" if f"{of}_lower" in frame else ""
    numbers = [frame[name] for name in ([of, f"{ends}lower", f"{ends}upper"] if kind.limits else [of])]
    remark = f"{of}_note" if f"{of}_note" in frame else "note"
    remarks = frame[remark] if kind.limits and remark in frame else [""] * len(frame)
    kinds = frame[column.kinds] if column.kinds else [kind] * len(frame)
    texts = [_text(own, value, said) for own, said, *value in zip(kinds, remarks, *numbers, strict=True)]
    by = column.by or (of if kind.numeric and kind is not PRINTED else "")
    sorts = [sort_key(value) for value in frame[by]] if by else [None] * len(frame)
    links = frame[column.link] if column.link else [""] * len(frame)
    return [Cell(*cell) for cell in zip(texts, sorts, links, strict=True)]


def _text(kind: Kind, value: Sequence[Any], remark: Any) -> str:
    first = value[0]
    if isinstance(first, str):
        return first
    known = first is not None and not pd.isna(first)
    said = [remark] if isinstance(remark, str) and remark else []
    return ", ".join([*([kind.write(*value)] if known else []), *said]) or MISSING


def sort_key(value: Any) -> float:
    """Return what a number is sorted by; those that are missing come last."""
    return math.inf if value is None or isinstance(value, str) or pd.isna(value) else float(value)


def numbers_of(row: pd.Series | None, name: str, estimate: str = "median") -> dict[str, Any]:
    """Return an estimate with its limits and remark under a name, for a frame in which several stand beside each other."""
    if row is None:
        return {name: None, f"{name}_lower": None, f"{name}_upper": None, f"{name}_note": ""}
    found = {name: row[estimate], f"{name}_lower": row["lower"], f"{name}_upper": row["upper"]}
    note = row.get("note")
    return {**found, f"{name}_note": note if isinstance(note, str) else ""}


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
    texts: Mapping[bool, Kind] = {True: SENTENCE, False: TEXT}
    kinds = [NUMBER if pd.api.types.is_numeric_dtype(frame[one]) else texts[one in wide] for one in shown]
    declared = tuple(Column(heading(one), kind, one) for one, kind in zip(shown, kinds, strict=True))
    return Table(name, caption, declared, frame)


def heading(name: str) -> str:
    """Return a name of the code as the heading of a table."""
    text = str(name).replace("_", " ")
    return capitalised(text).replace("Rmst", "RMST")
