"""All problems of a cohort in one message, with counts and the first rows."""

from collections import Counter
from collections.abc import Sequence
from warnings import warn

import numpy as np

from data.errors import CohortWarning, InputError

SHOWN = 5


class Problems:
    """What is wrong with the patients of one file, collected before anything is raised.

    Parameters
    ----------
    origin : str
        Where the patients come from.
    patient : sequence of str or None
        Identifiers, shown beside row numbers where a study has them.
    """

    def __init__(self, origin: str, patient: Sequence[str | None] | None = None) -> None:
        self.origin = origin
        self.patient = patient
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def add(self, line: str) -> None:
        """Note a problem of the file as a whole."""
        self.lines.append(line)

    def add_rows(
        self, column: str, must: str, rows: np.ndarray, found: Sequence[object] | None = None
    ) -> None:
        """Note a problem of some patients.

        Parameters
        ----------
        column : str
            Name of the column.
        must : str
            What its cells must be, and what to do.
        rows : ndarray of int
            Positions of the patients, from 0.
        found : sequence, optional
            Their cells.
        """
        shown = []
        for position, row in enumerate(rows[:SHOWN]):
            text = f"row {row + 1}"
            if self.patient is not None and self.patient[row] is not None:
                text += f" (patient {self.patient[row]})"
            if found is not None:
                text += f": {_short(found[position])}"
            shown.append(text)
        more = ", ..." if len(rows) > SHOWN else ""
        count = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
        self.add(f"column '{column}' {must}; found in {count}{_repeated(found)}: {', '.join(shown)}{more}")

    def warn(self, text: str) -> None:
        """Note what a reader of the results should know, if nothing is wrong."""
        self.warnings.append(f"{self.origin}: {text}")

    def raise_if_any(self) -> None:
        """Raise one InputError that lists everything noted so far; if there is nothing, give the warnings."""
        if self.lines:
            count = "1 problem" if len(self.lines) == 1 else f"{len(self.lines)} problems"
            listed = "".join(f"\n  - {line}" for line in self.lines)
            raise InputError(f"{self.origin}: {count} in the cohort:{listed}")
        for text in self.warnings:
            warn(text, CohortWarning, stacklevel=3)
        self.warnings.clear()


def _repeated(found: Sequence[object] | None) -> str:
    """How often each text is there, if any is there twice."""
    counts = Counter(cell for cell in found or () if isinstance(cell, str))
    if not counts or max(counts.values()) == 1:
        return ""
    listed = ", ".join(f"{_short(cell)} x {number}" for cell, number in counts.most_common(SHOWN))
    return f" ({listed}{', ...' if len(counts) > SHOWN else ''})"


def _short(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:g}"
    text = str(cell)
    return f"'{text if len(text) <= 40 else text[:37] + '...'}'"
