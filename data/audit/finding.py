"""A finding: what two or more printed numbers say about each other."""

import re
from dataclasses import dataclass
from typing import Literal

type Severity = Literal["high", "medium", "low", "consistent"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low", "consistent")

_SIGNS = {"≥": " ge ", "≤": " le ", "<": " lt ", ">": " gt ", "+": " plus "}


@dataclass(frozen=True)
class Finding:
    """What one check says.

    Attributes
    ----------
    id : str
        Family and subject in plain letters; the same check of the same subject has the same id in every run.
    family : str
        Name of the family of checks.
    severity : str
        "high": a number of the study's main result cannot be right as printed, or contradicts another print of it.
        "medium": a number or claim cannot be right as printed, or a conclusion hangs on an unnamed choice.
        "low": cannot be checked from what is printed, or is explained by a milder reason, and a reader should know.
        "consistent": the printed numbers agree.
    subject : str
        Which number, of which table or section.
    printed, recomputed : str
        As published, and as it follows from other published numbers.
    finding : str
        One sentence.
    """

    id: str
    family: str
    severity: Severity
    subject: str
    printed: str
    recomputed: str
    finding: str

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(
                f"severity of {self.id} must be one of {', '.join(SEVERITIES)}, but found '{self.severity}'"
            )


def identifier(family: str, *parts: str) -> str:
    """The id of a finding: its family and subject in lower-case letters and digits, joined by hyphens.

    Examples
    --------
    >>> identifier("counts", "Age (years)", "≥50", "before")
    'counts-age-years-ge-50-before'
    """
    text = " ".join(str(part) for part in (family, *parts))
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def by_severity(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Findings with the most severe first, else in their order."""
    return tuple(sorted(findings, key=lambda one: SEVERITIES.index(one.severity)))
