"""Can a printed mean of whole numbers, or a printed percentage, be that of so many patients.

A mean that is possible is never doubted: of k / n, rounded up or down at one half, k is found again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data.published.audit.finding import Finding, arm_words, phase_words, verdict
from data.published.evidence import Evidence
from data.published.printed import Printed
from data.study.study import Study

FAMILY = "granularity"


@dataclass(frozen=True)
class Split:
    """Two groups that add up to a printed size, with the patients who had the event in each."""

    first: int
    first_size: int
    second: int
    second_size: int

    @property
    def risk_ratio(self) -> float | None:
        """Risk in the first over risk in the second; None where it is not finite."""
        return (self.first / self.first_size) / (self.second / self.second_size) if self.second else None

    @property
    def odds_ratio(self) -> float | None:
        """Odds in the first over odds in the second; None where it is not finite."""
        low = (self.first_size - self.first) * self.second
        return self.first * (self.second_size - self.second) / low if low else None

    @property
    def table(self) -> np.ndarray:
        """Patients with and without the event, group by group."""
        return np.array(
            [
                [self.first, self.first_size - self.first],
                [self.second, self.second_size - self.second],
            ]
        )

    def __str__(self) -> str:
        return f"{self.first}/{self.first_size} against {self.second}/{self.second_size}"


def attainable(percent: Printed, size: int) -> tuple[int, ...]:
    """Numbers of patients, of so many, whose percentage is printed so.

    Examples
    --------
    >>> from data.published.printed import printed
    >>> attainable(printed("74.2"), 31), attainable(printed("79"), 35), attainable(printed("50"), 5)
    ((23,), (), ())
    """
    return tuple(count for count in range(size + 1) if size and percent.holds(100 * count / size))


def splits(first: Printed, second: Printed, size: int) -> Iterator[Split]:
    """Yield every division of a number of patients into two groups with the printed percentages.

    Examples
    --------
    >>> from data.published.printed import printed
    >>> [str(one) for one in splits(printed("39.1"), printed("4.5"), 45)]
    ['9/23 against 1/22']
    """
    for first_size in range(1, size):
        for count in attainable(first, first_size):
            for other in attainable(second, size - first_size):
                yield Split(count, first_size, other, size - first_size)


def check_granularity(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Means of whole numbers, and percentages of deaths whose number is not printed."""
    for row in evidence.means:
        values = row.size * row.items
        if values and 2 * row.mean.half_digit * values < 1:  # else every mean is possible
            nearest = nearest_mean(row.mean, values)
            yield verdict(
                (FAMILY, row.variable, row.arm, row.phase),
                row.mean.holds(nearest),
                "medium",
                f"mean of {row.variable}, {arm_words(study, row.arm)}, {phase_words(evidence, row.phase)}",
                row.mean.text,
                f"{nearest:.{row.mean.decimals + 2}f} is the nearest of {values} whole numbers",
                "Whole numbers of so many patients can have this mean.",
                "No whole numbers of so many patients have this mean.",
            )
    for row in evidence.survival:
        if row.quantity == "deaths_percent" and evidence.find(row.arm, row.phase, "deaths") is None:
            size = evidence.size(row.arm, row.phase)
            possible = attainable(row.number, size)
            yield verdict(
                (FAMILY, "deaths", row.arm or "all", row.phase),
                bool(possible),
                "medium",
                f"percentage of deaths, {arm_words(study, row.arm)}, {phase_words(evidence, row.phase)}",
                f"{row.number.text} % of {size}",
                f"{possible[0]} deaths" if possible else "no whole number of deaths",
                "Some number of deaths has the printed percentage.",
                "No whole number of deaths has the printed percentage.",
            )


def nearest_mean(mean: Printed, values: int) -> float:
    """The possible mean of so many whole numbers that is nearest to a printed one (Brown, Heathers 2017, doi 10.1177/1948550616673876).

    Examples
    --------
    >>> from data.published.printed import printed
    >>> round(nearest_mean(printed("5.19"), 28), 3), round(nearest_mean(printed("5.18"), 28), 3)
    (5.179, 5.179)
    """
    return round(mean.value * values) / values
