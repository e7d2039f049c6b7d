"""The cells of one row of a published table, read one by one; all that cannot be read is reported together."""

from collections.abc import Callable, Mapping, Sequence

from data.published.printed import Printed, in_unit, p_value, printed
from data.published.printed_text import NOT_PRINTED, count_of, plain


class MissingColumnsError(ValueError):
    """A table lacks columns; the message names them all."""


NOTHING = Printed("", 0.0, 0)
"""In place of a number that cannot be read."""


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
                raise ValueError(
                    f"must be one of {', '.join(one for one in known if one)}, but found '{text}'"
                )
            return text

        return self.read(column, check, known[0])

    def whole(self, column: str) -> int:
        """A cell that must be a whole number, perhaps with a percentage in brackets."""
        return self.read(column, lambda text: count_of(text)[0], 0)

    def filled(self, column: str) -> str:
        """A cell that must not be empty."""

        def check(text: str) -> str:
            if not text.strip():
                raise ValueError("must not be empty, but found nothing")
            return text

        return self.read(column, check, "")

    def given(self, column: str) -> str:
        """The cell as it is, of a column that a table may lack."""
        return self.row.get(column, "").strip()

    def unit(self, column: str, known: Sequence[str]) -> str:
        """The cell that names a unit, one of some; the first of them where it is empty."""
        return self.one_of(column, tuple(known)) if self.text(column).strip() else known[0]

    def number(self, column: str, **more: str) -> Printed:
        """A cell that must be a number; further arguments are those of `data.published.printed.printed`."""
        return self.read(column, lambda text: printed(text, **more), NOTHING)

    def time(self, column: str, unit: str, to: str, **more: str) -> Printed:
        """A time that is carried from one unit to another; further arguments are those of `data.published.printed.printed`."""
        return self.read(column, lambda text: in_unit(printed(text, **more), unit or to, to), NOTHING)

    def optional(self, column: str, **more: str) -> Printed | None:
        """A number, or None where the cell is empty or says that none is printed."""
        return None if plain(self.text(column)) in NOT_PRINTED else self.number(column, **more)

    def p_value(self, column: str, operator: str = "", place: str = "") -> Printed:
        """A cell that must be a P value."""
        return self.read(column, lambda text: p_value(text, operator, place), NOTHING)

    def optional_p(self, column: str, place: str = "") -> Printed | None:
        """A P value, or None where the cell is empty or says that none is printed."""
        return None if plain(self.text(column)) in NOT_PRINTED else self.p_value(column, place=place)

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
