"""Can a printed mean of whole numbers, or a printed percentage, be that of so many patients.

A mean that is possible is never doubted: of k / n, rounded up or down at one half, k is found again.
"""

from collections.abc import Iterator

from data.published.audit.finding import Finding, identifier
from data.published.audit.integers import attainable
from data.published.audit.wording import arm_words, phase_words
from data.published.evidence import Evidence
from data.published.printed import Printed
from data.study.study import Study

FAMILY = "granularity"


def check_granularity(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Means of whole numbers, and percentages of deaths whose number is not printed."""
    for row in evidence.means:
        values = row.size * row.items
        if values and 2 * row.mean.half_digit * values < 1:  # else every mean is possible
            yield _mean(
                identifier(FAMILY, row.variable, row.arm, row.phase),
                f"mean of {row.variable}, {arm_words(study, row.arm)}, {phase_words(evidence, row.phase)}",
                row.mean,
                values,
            )
    for row in evidence.survival:
        if row.quantity == "deaths_percent" and evidence.find(row.arm, row.phase, "deaths") is None:
            size = evidence.size(row.arm, row.phase)
            possible = attainable(row.number, size)
            yield Finding(
                identifier(FAMILY, "deaths", row.arm or "all", row.phase),
                FAMILY,
                "consistent" if possible else "medium",
                f"percentage of deaths, {arm_words(study, row.arm)}, {phase_words(evidence, row.phase)}",
                f"{row.number.text} % of {size}",
                f"{possible[0]} deaths" if possible else "no whole number of deaths",
                "Some number of deaths has the printed percentage."
                if possible
                else "No whole number of deaths has the printed percentage.",
            )


def nearest_mean(mean: Printed, values: int) -> float:
    """The possible mean of so many whole numbers that is nearest to a printed one.

    References
    ----------
    Brown, Heathers 2017, doi 10.1177/1948550616673876.

    Examples
    --------
    >>> from data.published.printed import printed
    >>> round(nearest_mean(printed("5.19"), 28), 3), round(nearest_mean(printed("5.18"), 28), 3)
    (5.179, 5.179)
    """
    return round(mean.value * values) / values


def _mean(identity: str, subject: str, mean: Printed, values: int) -> Finding:
    nearest = nearest_mean(mean, values)
    possible = mean.holds(nearest)
    return Finding(
        identity,
        FAMILY,
        "consistent" if possible else "medium",
        subject,
        mean.text,
        f"{nearest:.{mean.decimals + 2}f} is the nearest of {values} whole numbers",
        "Whole numbers of so many patients can have this mean."
        if possible
        else "No whole numbers of so many patients have this mean.",
    )
