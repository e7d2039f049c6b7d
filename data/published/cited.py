"""What a publication cites from others, numbers and trials, and what it claims in words."""

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


def read_review(cells: RowCells) -> ReviewItem:
    """Read a row of review_evidence.csv."""
    names = {key: "n" if key == "size" else key for key in ReviewItem.__dataclass_fields__}
    return ReviewItem(**{key: cells.text(column) for key, column in names.items()})


def read_trial(cells: RowCells) -> Trial:
    """Read a row of trials.csv."""
    renamed = {"size": "n", "outcome": "outcome_or_endpoint"}
    return Trial(**{key: cells.text(renamed.get(key, key)) for key in Trial.__dataclass_fields__})


def read_claim(cells: RowCells) -> Claim:
    """Read a row of claims.csv."""
    return Claim(
        id=cells.filled("id"),
        claim=cells.filled("claim"),
        place=cells.text("place"),
        model=cells.filled("model"),
        variable=cells.filled("variable"),
        level=cells.text("level"),
    )
