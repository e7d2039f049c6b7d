"""The cells of one row of a published table, read one by one; all that cannot be read is reported together."""

import re
from collections.abc import Callable, Mapping

from data.published.printed import Printed, printed


class MissingColumnsError(ValueError):
    """A table lacks columns; the message names them all."""


class RowCells:
    """The cells of one row.

    Whatever cannot be read is noted, and something is returned in its place, so that the cells after it are read too.
    `finish` raises what was noted.

    Parameters
    ----------
    row : mapping of str to str
        Cells by column.
    """

    def __init__(self, row: Mapping[str, str]) -> None:
        self.row = row
        self.missing: list[str] = []
        self.problems: list[str] = []

    def text(self, column: str) -> str:
        """The cell as it is; "" where the column is missing."""
        if column not in self.row:
            self.missing.append(column)
            return ""
        return self.row[column]

    def read[T](self, column: str, reader: Callable[[str], T], instead: T) -> T:
        """What a function makes of a cell; `instead` where it cannot, which is noted."""
        text = self.text(column)
        try:
            return reader(text)
        except ValueError as error:
            self.problems.append(f"{column} {error}")
            return instead

    def one_of(self, column: str, known: tuple[str, ...]) -> str:
        """A cell that must be one of some words."""

        def check(text: str) -> str:
            if text not in known:
                raise ValueError(f"must be one of {', '.join(known)}, but found '{text}'")
            return text

        return self.read(column, check, known[0])

    def whole(self, column: str) -> int:
        """A cell that must be a whole number."""

        def check(text: str) -> int:
            if not re.fullmatch(r"\d+", text.strip()):
                raise ValueError(f"must be a whole number, but found '{text}'")
            return int(text)

        return self.read(column, check, 0)

    def filled(self, column: str) -> str:
        """A cell that must not be empty."""

        def check(text: str) -> str:
            if not text.strip():
                raise ValueError("must not be empty, but found nothing")
            return text

        return self.read(column, check, "")

    def in_unit(self, column: str, unit: str) -> None:
        """Note a unit of time that is not the study's."""
        found = self.text(column)
        if found != unit:
            self.note(
                f"{column} must be {unit}, the time unit of the study, but found '{found}'; write the number in {unit}"
            )

    def number(self, column: str, **more: str) -> Printed:
        """A cell that must be a number; further arguments are those of `data.published.printed.printed`."""
        return self.read(column, lambda text: printed(text, **more), Printed("", 0.0, 0))

    def optional(self, column: str, **more: str) -> Printed | None:
        """A number, or None where the cell is empty."""
        return self.number(column, **more) if self.text(column).strip() else None

    def note(self, problem: str) -> None:
        """Note a problem of several cells together."""
        self.problems.append(problem)

    def finish(self) -> None:
        """Raise what was noted.

        Raises
        ------
        MissingColumnsError
            If a column is missing, whatever else is wrong.
        ValueError
            With all problems of the row.
        """
        if self.missing:
            names = list(dict.fromkeys(self.missing))
            raise MissingColumnsError(", ".join(names))
        if self.problems:
            raise ValueError("; ".join(self.problems))
