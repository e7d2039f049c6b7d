"""Radionecrosis with and without a drug, from percentages that a review prints: which counts they can mean."""

import re
from dataclasses import dataclass

from data.published.cited import ReviewItem
from data.published.evidence import Evidence
from data.published.printed import Printed, number, printed

DOMAIN = "radionecrosis"
# What the words for an arm say of the drug; the first that is found counts.
EXPOSURES = {"concurrent": "concurrent", "sequential": "sequential", "without": "none"}


@dataclass(frozen=True)
class ArmCount:
    """Patients of one arm: `treatment` in the review's words; `exposure` to the drug is none, any, sequential or concurrent."""

    treatment: str
    exposure: str
    percent: Printed
    cases: int
    size: int


@dataclass(frozen=True)
class CountReading:
    """Counts that give the printed percentages; `left_out` patients of the printed total are in neither arm."""

    arms: tuple[ArmCount, ArmCount]
    left_out: int


@dataclass(frozen=True)
class ToxicitySeries:
    """A series with two arms."""

    # of the row in the review's table
    id: str
    study: str
    total: int  # patients, as printed
    # all that agree with the printed percentages; those that leave out the fewest patients first
    readings: tuple[CountReading, ...]
    note: str  # what the table says about the row

    @property
    def certain(self) -> bool:
        """Whether the percentages mean one pair of counts only, and nobody is left out."""
        return len(self.readings) == 1 and self.readings[0].left_out == 0


@dataclass(frozen=True)
class HistoricalRange:
    """A range of percentages over some series without the drug.

    `lower` and `upper` are shares, `series` is how many publications are cited for it (1 if that is not said).
    """

    id: str
    lower: float
    upper: float
    series: int
    endpoint: str
    note: str


@dataclass(frozen=True)
class ToxicityEvidence:
    """What is known of radionecrosis with and without the drug."""

    series: tuple[ToxicitySeries, ...]
    historical: HistoricalRange  # risk without the drug elsewhere
    skipped: tuple[str, ...]  # identifiers of rows of the domain that hold no two percentages


def toxicity_evidence(evidence: Evidence) -> ToxicityEvidence | None:
    """The radionecrosis rows of a review as counts; None where the review has no range and no comparison.

    Raises
    ------
    ValueError
        If percentages of a series agree with no counts.
    """
    rows = [item for item in evidence.review if item.domain == DOMAIN]
    ranges = [item for item in rows if item.lower and item.upper and "percent" in item.unit]
    compared = [item for item in rows if item not in ranges and _is_comparison(item)]
    if len(ranges) != 1 or not compared:
        return None
    skipped = [item.id for item in rows if item not in ranges and item not in compared]
    return ToxicityEvidence(
        tuple(series_of(item) for item in compared), _historical(ranges[0]), tuple(skipped)
    )


def _is_comparison(item: ReviewItem) -> bool:
    try:
        number(item.value)
        number(item.comparator_value)
    except ValueError:
        return False
    return item.unit == "percent" and item.size.isdecimal()


def _historical(item: ReviewItem) -> HistoricalRange:
    cited = re.search(r"(\d+)\s*-\s*(\d+)", item.study)
    series = int(cited[2]) - int(cited[1]) + 1 if cited else 1
    return HistoricalRange(
        item.id, number(item.lower) / 100, number(item.upper) / 100, series, item.endpoint, item.note
    )


def series_of(item: ReviewItem) -> ToxicitySeries:
    """The counts that a comparison of two percentages can mean."""
    percents = printed(item.value), printed(item.comparator_value)
    treatments = item.treatment, item.comparator
    total = int(item.size)
    readings = [
        CountReading(
            (
                ArmCount(treatments[0], exposure_of(treatments[0]), percents[0], *first),
                ArmCount(treatments[1], exposure_of(treatments[1]), percents[1], *second),
            ),
            total - first[1] - second[1],
        )
        for first in counts_of(percents[0], total)
        for second in counts_of(percents[1], total)
        if first[1] + second[1] <= total
    ]
    if not readings:
        raise ValueError(
            f"{item.id}: percentages must be of whole patients, but {item.value} and {item.comparator_value} of "
            f"{total} are not; correct the row"
        )
    # Counts of everybody, where there are some, leave no room for counts of fewer.
    whole = [reading for reading in readings if reading.left_out == 0]
    chosen = sorted(whole or readings, key=lambda reading: reading.left_out)
    return ToxicitySeries(item.id, item.study, total, tuple(chosen), item.note)


def counts_of(percent: Printed, most: int) -> list[tuple[int, int]]:
    """Cases and size of every group of at most `most` patients whose share is printed as this percentage.

    Examples
    --------
    >>> counts_of(printed("28.6"), 12)
    [(2, 7)]
    >>> counts_of(printed("50"), 5)
    [(1, 2), (2, 4)]
    """
    return [
        (cases, size)
        for size in range(1, most + 1)
        for cases in range(size + 1)
        if percent.holds(100 * cases / size)
    ]


def exposure_of(treatment: str) -> str:
    """Exposure to the drug that the words for an arm mean.

    Examples
    --------
    >>> [exposure_of(text) for text in ("SRS without T-DM1", "SRS + sequential T-DM1", "SRS + T-DM1")]
    ['none', 'sequential', 'any']
    """
    return next((exposure for word, exposure in EXPOSURES.items() if word in treatment), "any")
