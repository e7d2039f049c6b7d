"""Tables of numbers in text, whatever separates their cells and marks their decimals."""

import csv
import math
import re
from dataclasses import dataclass

from data.errors import InputError

COMMENTS = ("#", "%", "!", "//")
MISSING = ("", "na", "nan", "-", "n/a")
DECIMAL_COMMAS = re.compile(r"\s*[+-]?\d+(,\d+)?\s*%?(\s+[+-]?\d+(,\d+)?\s*%?)+\s*")
WORDS = {"\t": "tabs", ";": "semicolons", ",": "commas", " ": "spaces"}


@dataclass(frozen=True)
class Sheet:
    """The cells of a table."""

    header: tuple[tuple[str, ...], ...]  # rows before the first row of numbers
    # the others, all as wide as the widest; cells that are missing are empty
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]  # the line of the file that each row stands in
    separator: str  # in words

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.rows[0])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns in lower case, from the last row of the header; empty where there is none."""
        return tuple(cell.strip().lower() for cell in self.header[-1]) if self.header else ()


def read_sheet(text: str, origin: str) -> Sheet:
    """The table in a text.

    Parameters
    ----------
    text : str
        Cells separated by tabs, semicolons, commas or spaces, decimals after a point or a comma; lines that begin with
        #, %, ! or // are comments.
    origin : str
        The file, for messages.

    Raises
    ------
    InputError
        If there is no row of two numbers, or commas may separate cells as well as decimals.
    """
    listed = [
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith(COMMENTS)
    ]
    separator = _separator([line for _, line in listed])
    cells = [
        (
            number,
            tuple(
                cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True))
            ),
        )
        for number, line in listed
    ]
    first = next((place for place, (_, row) in enumerate(cells) if _is_data(row)), None)
    if first is None:
        raise InputError(
            f"{origin}: must hold rows of numbers, times and survival, but found none; export the data sets of the figure as "
            "text or csv."
        )
    header, data = tuple(row for _, row in cells[:first]), cells[first:]
    width = max(len(row) for _, row in data)
    rows = [(*row, *[""] * (width - len(row))) for _, row in data]
    if header and len(header[-1]) == width - 1:  # as R writes names of rows, without a name for their column
        rows = [row[1:] for row in rows]
    sheet = Sheet(header, tuple(rows), tuple(number for number, _ in data), WORDS[separator])
    if (
        separator == ","
        and not header
        and width >= 3
        and all("." not in cell for row in rows for cell in row)
    ):
        raise InputError(
            f"{origin}: must separate cells by something other than the decimal comma, but commas may be either in "
            f"'{listed[first][1].strip()}'; export it with semicolons or tabs."
        )
    return sheet


def _separator(lines: list[str]) -> str:
    for candidate in ("\t", ";"):
        if sum(candidate in line for line in lines) * 2 > len(lines):
            return candidate
    numbers = [line for line in lines if any(letter.isdigit() for letter in line)]
    if numbers and all(DECIMAL_COMMAS.fullmatch(line) for line in numbers[-max(len(numbers) // 2, 1) :]):
        return " "
    return "," if sum("," in line for line in lines) * 2 > len(lines) else " "


def _is_data(row: tuple[str, ...]) -> bool:
    """Whether a row has two numbers or more, and is no header."""
    found = 0
    for cell in row:
        try:
            found += not math.isnan(value(cell))
        except ValueError:
            continue
    return found >= 2


def value(cell: str) -> float:
    """The number in a cell, with a decimal point or comma and perhaps a per cent sign; nan where it is missing.

    Raises
    ------
    ValueError
        If it is something else.

    Examples
    --------
    >>> value("93,2 %"), value("1e-3"), value("NA")
    (93.2, 0.001, nan)
    """
    text = cell.strip().strip('"').removesuffix("%").strip()
    if text.lower() in MISSING:
        return math.nan
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"must be a finite number, but found '{cell}'")
    return number


def numbers(sheet: Sheet, column: int, origin: str) -> list[float]:
    """The numbers of a column; nan where a cell is missing.

    Raises
    ------
    InputError
        With the first line whose cell is no number.
    """
    found = []
    for line, row in zip(sheet.lines, sheet.rows, strict=True):
        try:
            found.append(value(row[column]))
        except ValueError:
            raise InputError(
                f"{origin}, line {line}, column {column + 1}: must be a number, but found '{row[column]}'; correct it."
            ) from None
    return found
