"""What a publication cites from others: numbers of reviews, and tables of trials."""

from collections.abc import Mapping
from dataclasses import dataclass

from data.published.evidence_cells import RowCells


@dataclass(frozen=True)
class ReviewItem:
    """A number that a paper cites from another, as text: `value` and `comparator_value` may be ranges, bounds or words."""

    id: str
    source: str
    study: str
    domain: str
    population: str
    size: str
    treatment: str
    comparator: str
    endpoint: str
    value: str
    comparator_value: str
    lower: str
    upper: str
    unit: str
    p: str
    section: str
    note: str


@dataclass(frozen=True)
class Trial:
    """A row of the review's tables of trials."""

    table: str
    nct: str
    phase: str
    drug: str
    radiation: str
    other_therapy: str
    size: str
    outcome: str
    note: str


def read_review(row: Mapping[str, str]) -> ReviewItem:
    """Read a row of review_evidence.csv."""
    cells = RowCells(row)
    names = {key: "n" if key == "size" else key for key in ReviewItem.__dataclass_fields__}
    found = ReviewItem(**{key: cells.text(column) for key, column in names.items()})
    cells.finish()
    return found


def read_trial(row: Mapping[str, str]) -> Trial:
    """Read a row of trials.csv."""
    cells = RowCells(row)
    renamed = {"size": "n", "outcome": "outcome_or_endpoint"}
    found = Trial(**{key: cells.text(renamed.get(key, key)) for key in Trial.__dataclass_fields__})
    cells.finish()
    return found
