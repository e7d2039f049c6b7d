"""What a publication says in words, with the row of a table that would have to support it."""

from dataclasses import dataclass


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


def read_claim(row: dict[str, str]) -> Claim:
    """Read a row of claims.csv."""
    for column in ("id", "claim", "model", "variable"):
        if not row[column].strip():
            raise ValueError(f"{column} must not be empty, but found nothing")
    return Claim(
        id=row["id"],
        claim=row["claim"],
        place=row["place"],
        model=row["model"],
        variable=row["variable"],
        level=row["level"],
    )
