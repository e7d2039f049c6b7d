"""What a publication says in words, with the row of a table that would have to support it."""

from collections.abc import Mapping
from dataclasses import dataclass

from data.published.evidence_cells import RowCells


@dataclass(frozen=True)
class Claim:
    """A statement that a Cox row is associated with survival.

    `model`, `variable` and `level` name the row of cox.csv that would support it, whether or not it is printed.
    """

    id: str
    claim: str
    place: str
    model: str
    variable: str
    level: str


def read_claim(row: Mapping[str, str]) -> Claim:
    """Read a row of claims.csv."""
    cells = RowCells(row)
    found = Claim(
        id=cells.filled("id"),
        claim=cells.filled("claim"),
        place=cells.text("place"),
        model=cells.filled("model"),
        variable=cells.filled("variable"),
        level=cells.text("level"),
    )
    cells.finish()
    return found
