"""The section of the page on what a publication's numbers say about each other."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

import pandas as pd

from data.published.audit.finding import KIND_TITLES, KINDS, SEVERITIES, Finding, by_severity
from data.published.audit.hazards import interval_ratios, printed_ratio
from data.published.audit.uses import Use, uses_of
from data.published.evidence import Evidence
from inference.report.content import FigureItem, ReportSection
from inference.report.drawings import Draw, drawn_when_asked
from inference.report.figures.audit_hazard_ratios import audit_hazard_ratios_figure
from inference.report.section import Material, Section, figure_of
from inference.report.table import SENTENCE, TEXT, Column, Table

TITLE = "What the paper's numbers say about each other"
ROW_KINDS = {"high": "fail", "medium": "warn", "low": "info", "consistent": "pass"}
MEANINGS = {
    "high": "a number of the main result cannot be right as printed",
    "medium": "a number or statement cannot be right as printed, or a conclusion hangs on a choice that the paper does not name",
    "low": "worth knowing, or not to be decided from what is printed",
}
IN_WORDS = {
    "contradiction": "of numbers that contradict each other",
    "not_reported": "of what is not reported",
    "design": "remarks on design",
    "citation": "of cited literature",
}
COLUMNS = (
    Column("Severity", TEXT, "severity", by="rank"),
    Column("Of what", SENTENCE, "subject"),
    Column("Printed", TEXT, "printed"),
    Column("Recomputed", SENTENCE, "recomputed"),
    Column("Finding", SENTENCE, "finding"),
)


def audit_section(
    findings: Sequence[Finding],
    evidence: Evidence | None = None,
    unit: str = "",
    draw: Draw = drawn_when_asked,
    uses: Sequence[Use] = (),
) -> ReportSection:
    """Return the section of the audit: a lead written from the counts, a table for each kind of finding, one figure.

    Parameters
    ----------
    findings : sequence of Finding
        From `data.published.audit.audit`.
    evidence : Evidence, optional
        Gives the figure of hazard ratios that the printed survival implies; without it there is none.
    unit : str
        Of time, for the figure.
    draw : callable
        Gives a drawing from a name and what makes the figure.
    uses : sequence of Use
        What the reconstruction does with the numbers that are doubted.
    """
    ordered = by_severity(tuple(findings))
    off = [one for one in ordered if one.severity != "consistent"]
    tables = [
        _table(f"audit-{kind.replace('_', '-')}", KIND_TITLES[kind], [one for one in off if one.kind == kind])
        for kind in KINDS
    ]
    agreeing = [one for one in ordered if one.severity == "consistent"]
    # A table of many rows is folded by the page.
    tables += [
        _uses(uses),
        _table("audit-consistent", "What agrees with what is printed", agreeing, COLUMNS[1:]),
    ]
    return ReportSection(
        id="audit",
        title=TITLE,
        paragraphs=(*lead(ordered), *_use_in_words(uses)),
        tables=tuple(table for table in tables if table.rows),
        figures=_figures(evidence, unit, draw),
        finding=finding(ordered),
        part="trust",
    )


def finding(findings: Sequence[Finding]) -> str:
    """Return how many printed numbers agree with each other, and how severe the other findings are."""
    counts = Counter(one.severity for one in findings)
    off = [f"{counts[severity]} {severity}" for severity in SEVERITIES[:3] if counts[severity]]
    agree = f"{counts['consistent']} of {len(findings)} checks of printed numbers against each other agree"
    return f"{agree}; other findings by severity: {', '.join(off)}." if off else f"{agree}."


def lead(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the first paragraphs: how many findings of which severity and kind, and the most severe in words."""
    if not findings:
        return ("No published number could be checked against another.",)
    counts = Counter(one.severity for one in findings)
    kinds = Counter(one.kind for one in findings if one.severity != "consistent")
    found = [f"{counts[severity]} {severity}" for severity in SEVERITIES[:3] if counts[severity]]
    agree = f"{counts['consistent']} of {len(findings)} checks agree with what is printed"
    if not found:
        return (f"{agree}: nothing that is printed contradicts anything else.",)
    meanings = "; ".join(
        f"{severity}: {MEANINGS[severity]}" for severity in SEVERITIES[:3] if counts[severity]
    )
    by_kind = ", ".join(f"{kinds[kind]} {IN_WORDS[kind]}" for kind in KINDS if kinds[kind])
    first = f"{agree}; the other findings are {', '.join(found)} ({meanings}); they are {by_kind}. A misprint that several "
    first += "checks meet counts once. No patient enters: every number follows from other printed numbers, and the limit of "
    first += "what chance leaves between randomised arms from their counts."
    high = " ".join(one.finding for one in findings if one.severity == "high")
    return (first, high) if high else (first,)


def _use_in_words(uses: Sequence[Use]) -> tuple[str, ...]:
    if not uses:
        return ()
    aimed = sum(bool(one.targets) for one in uses)
    return (
        f"The pseudo-patients are reconstructed from printed numbers, doubtful ones included: of {len(uses)} that are doubted, "
        f"{aimed} {'is' if aimed == 1 else 'are'} aimed at as printed. A number that is wrong in print is then wrong in them.",
    )


def _uses(uses: Sequence[Use]) -> Table:
    columns = (
        Column("Doubtful number", SENTENCE, "subject"),
        Column("Printed", TEXT, "printed"),
        Column("In the reconstruction", SENTENCE, "said"),
    )
    frame = pd.DataFrame(
        [(one.finding.subject, one.finding.printed, one.said) for one in uses],
        columns=pd.Index(["subject", "printed", "said"]),
    )
    return Table("audit-uses", "How the reconstruction uses the numbers that are doubted", columns, frame)


def _table(
    name: str, caption: str, findings: Sequence[Finding], columns: tuple[Column, ...] = COLUMNS
) -> Table:
    frame = pd.DataFrame(
        {**asdict(one), "rank": SEVERITIES.index(one.severity), "mark": ROW_KINDS[one.severity]}
        for one in findings
    )
    return Table(name, caption, columns, frame, "mark")


def _figures(evidence: Evidence | None, unit: str, draw: Draw) -> tuple[FigureItem, ...]:
    if evidence is None:
        return ()
    ratios = {phase: interval_ratios(evidence, phase) for phase in evidence.phases}
    if not any(ratios.values()):
        return ()
    printed = {phase: printed_ratio(evidence, phase) for phase in evidence.phases}
    title = "Hazard ratios that the printed survival implies"
    make = partial(audit_hazard_ratios_figure, ratios, printed, unit)
    return (figure_of(draw, "audit_hazard_ratios", title, make),)


def _sections(material: Material) -> list[ReportSection]:
    publication, companions = material.publication, material.companions
    if publication is None or companions is None:
        return []
    study, evidence, findings = material.results.study, publication.evidence, companions.findings
    uses = uses_of(study, evidence, findings)
    return [audit_section(findings, evidence, study.time_unit, material.draw, uses)]


SECTION = Section(_sections)
