"""A finding: what two or more printed numbers say about each other, and how the audit words numbers, arms and phases."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from data.published.evidence import Evidence
from data.published.printed import Printed
from data.study.study import Study

type Severity = Literal["high", "medium", "low", "consistent"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low", "consistent")
type Kind = Literal["contradiction", "not_reported", "design", "citation"]
KINDS: tuple[Kind, ...] = ("contradiction", "not_reported", "design", "citation")
KIND_TITLES: dict[Kind, str] = {
    "contradiction": "Printed numbers that contradict each other or cannot be right",
    "not_reported": "Not reported, so that a number or statement cannot be judged",
    "design": "Remarks on design and analysis, where all numbers may be right",
    "citation": "Numbers cited from other publications",
}

PHASE_WORDS = {"before": "before matching", "after": "after matching"}
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
    kind : str
        "contradiction": whether printed numbers contradict each other. "not_reported": whether what is needed to judge a
        number is printed. "design": a remark on how the study was done or analysed, where all numbers may be right.
        "citation": of numbers that are cited from other publications.
    cause : str
        What is at fault, if anything is: findings with the same cause are one. Empty: nothing but what the id says.
    """

    id: str
    family: str
    severity: Severity
    subject: str
    printed: str
    recomputed: str
    finding: str
    kind: Kind = "contradiction"
    cause: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind of {self.id} must be one of {', '.join(KINDS)}, but found '{self.kind}'")
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


def verdict(
    of: tuple[str, ...],
    agrees: bool,
    otherwise: Severity,
    subject: str,
    printed: str,
    recomputed: str,
    agreement: str,
    doubt: str,
    *,
    kind: Kind = "contradiction",
    cause: str = "",
) -> Finding:
    """The finding of a check: consistent, with one sentence, where numbers agree; else of a severity, with another.

    `of` is the family and the subject, of which the id is made.
    """
    severity, said = ("consistent", agreement) if agrees else (otherwise, doubt)
    return Finding(identifier(*of), of[0], severity, subject, printed, recomputed, said, kind, cause)


def by_severity(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Findings with the most severe first, else in their order."""
    return tuple(sorted(findings, key=lambda one: SEVERITIES.index(one.severity)))


def one_for_each_cause(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings, in the order of their checks, of which no two have the same cause: a misprint that several checks meet counts once.

    Of those that are not consistent and share a cause, the most severe (the first of them) stays, at its place; it names
    where else the cause shows. Those that are consistent stay as they are.
    """
    listed = list(findings)
    by_cause: dict[str, list[Finding]] = {}
    for one in listed:
        if one.severity != "consistent":
            by_cause.setdefault(one.cause or one.id, []).append(one)
    merged = {}
    for found in by_cause.values():
        first, *others = by_severity(tuple(found))
        for other in others:
            merged[other.id] = None
        if others:
            seen = "; ".join(f"{other.subject} ({other.recomputed})" for other in others)
            merged[first.id] = replace(first, recomputed=f"{first.recomputed}. It shows again in: {seen}")
    kept = (merged.get(one.id, one) for one in listed)
    return tuple(one for one in kept if one is not None)


def arm_words(study: Study, arm: str) -> str:
    """The label of an arm; "all patients" for both."""
    return study.treatment.labels.get(arm, "all patients")


def phase_words(evidence: Evidence, phase: str) -> str:
    """Return "before matching" or "after matching"; "all patients" where the study did not match."""
    return PHASE_WORDS[phase] if len(evidence.phases) > 1 else "all patients"


def analysis_words(name: str) -> str:
    """Return the name of an analysis, or of a group in it, in words; radiotherapy is written as papers do.

    Examples
    --------
    >>> analysis_words("rt_modality"), analysis_words("brain")
    ('RT modality', 'brain')
    """
    return re.sub(r"\brt\b", "RT", name.replace("_", " "))


def p_words(value: float) -> str:
    """A P value with three decimals, or as a bound.

    Examples
    --------
    >>> p_words(0.0393), p_words(0.00002)
    ('0.039', '<0.001')
    """
    return "<0.001" if value < 0.0005 else f"{value:.3f}"


def percent_words(share: float) -> str:
    """A share in percent with one decimal."""
    return f"{100 * share:.1f} %"


def listed(names: list[str]) -> str:
    """Names joined by commas, the last by "and".

    Examples
    --------
    >>> listed(["bone", "liver", "lung"]), listed(["bone"])
    ('bone, liver and lung', 'bone')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def interval_words(number: Printed) -> str:
    """A number with its interval, each with the decimals that are printed.

    Examples
    --------
    >>> from data.published.printed import printed
    >>> interval_words(printed("0.485", "0.361", "0.650")), interval_words(printed("1.85", "1.4", "2.5"))
    ('0.485 (0.361–0.650)', '1.85 (1.4–2.5)')
    """
    if number.interval is None:
        return number.text
    lower, upper = (
        f"{end:.{digits}f}" for end, digits in zip(number.interval, number.decimals_of_ends, strict=True)
    )
    return f"{number.text} ({lower}–{upper})"
