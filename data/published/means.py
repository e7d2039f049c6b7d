"""Printed means of whole numbers: ages in years, counts, scores."""

from collections.abc import Mapping
from dataclasses import dataclass

from data.published.evidence_cells import RowCells
from data.published.evidence_names import EvidenceNames
from data.published.evidence_rows import PHASES, read_arm
from data.published.printed import Printed


@dataclass(frozen=True)
class Mean:
    """A printed mean in an arm.

    `items` is how many whole numbers each patient contributes: 1 for an age in years, the number of items for a scale that
    averages them, 0 where values are no whole numbers.
    """

    variable: str
    arm: str
    phase: str
    size: int
    mean: Printed
    items: int
    place: str


def read_mean(row: Mapping[str, str], names: EvidenceNames) -> Mean:
    """Read a row of means.csv."""
    cells = RowCells(row)
    found = Mean(
        variable=cells.filled("variable"),
        arm=cells.read("arm", lambda label: read_arm(label, names), ""),
        phase=cells.one_of("phase", PHASES),
        size=cells.whole("n"),
        mean=cells.number("mean", place=cells.text("source")),
        items=cells.whole("items") if cells.text("items").strip() else 0,
        place=cells.text("source"),
    )
    cells.finish()
    return found
