"""How the reconstruction uses the printed numbers that the audit doubts: which are aimed at, and which are not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data.published.audit.causes import cox_cause
from data.published.audit.finding import Finding, identifier, interval_words, listed
from data.published.evidence import Evidence
from data.published.evidence_rows import CoxRow
from data.published.reconstruction.target import CoxFit, Group, Target
from data.published.reconstruction.targets import cox_fits, targets_of
from data.study.study import Study

OF_THE_TABLE = {
    "counts": "counts of Table 1 are met exactly, as printed",
    "matching": "counts of Table 1 are met exactly, as printed; so are deaths",
    "percentages": "the count is met exactly; the percentage is not used",
    "p_values": "P values of Table 1 are not used",
}
NOT_USED = "not used"


@dataclass(frozen=True)
class Use:
    """What the reconstruction does with a number that the audit doubts."""

    finding: Finding  # of kind "contradiction", not consistent
    # names of the targets that are made from the number; empty where it steers nothing
    targets: tuple[str, ...]
    said: str  # in words


def uses_of(study: Study, evidence: Evidence, findings: Sequence[Finding]) -> tuple[Use, ...]:
    """How each doubtful number is used, in the order of the findings.

    Parameters
    ----------
    study : Study
    evidence : Evidence
    findings : sequence of Finding
        From `data.published.audit.audit`.
    """
    made: dict[str, list[str]] = {}
    for target, about in concerned(study, evidence):
        for one in about:
            made.setdefault(one, []).append(target.name)
    used = []
    for finding in findings:
        if finding.kind == "contradiction" and finding.severity != "consistent":
            names = tuple(dict.fromkeys(made.get(finding.id, ())))
            used.append(Use(finding, names, _said(evidence, finding, names, made)))
    return tuple(used)


def _said(evidence: Evidence, finding: Finding, names: tuple[str, ...], made: dict[str, list[str]]) -> str:
    if names:
        read = [
            f"read as {', '.join(term.levels)}" + (f": {term.note}" if term.note else "")
            for term in evidence.names.cox
            if finding.id == identifier("cutoffs", "two ways", term.variable, term.level)
        ]
        return f"aimed at as printed ({listed(list(names))})" + "".join(f", {one}" for one in read)
    for row in evidence.cox:
        if finding.cause == cox_cause(row) and row.hazard_ratio is not None and _centre(row) in made:
            return (
                f"not used; what is aimed at is the print in {row.place}: {interval_words(row.hazard_ratio)}"
            )
    return OF_THE_TABLE.get(finding.family, NOT_USED)


def _centre(row: CoxRow) -> str:
    return identifier("cox", "centre", row.model, row.phase, row.variable, row.level)


def concerned(study: Study, evidence: Evidence) -> Iterator[tuple[Target, list[str]]]:
    """Yield every target with the ids of the findings that would be about the numbers it is made from."""
    rows = {(fit, place): row for fit, found, _ in cox_fits(evidence) for place, row in enumerate(found)}
    for target in targets_of(study, evidence):
        match target.of:
            case Group():
                yield target, _of_group(target.of, target.time)
            case (CoxFit() as fit, int() as place):
                yield target, _of_row(rows[fit, place])
            case (Group() as treated, Group()) if not treated.column:
                yield target, [identifier("hazards", "log rank", treated.phase)]
            case _:
                yield target, []


def _of_group(group: Group, time: float | None) -> list[str]:
    arm = group.arm or "all"
    if group.column:
        return []
    if time is not None:
        return [identifier("survival", "falls", arm, group.phase), identifier("matching", "survival", arm)]
    quantity = "median_followup" if group.reverse else "median_os"
    return [
        identifier("survival", "interval", quantity, arm, group.phase),
        *([] if group.reverse else [identifier("survival", "median", arm, group.phase)]),
    ]


def _of_row(row: CoxRow) -> list[str]:
    return [
        _centre(row),
        identifier("cox", "p", row.model, row.phase, row.variable, row.level),
        identifier("repeats", row.model, row.phase, row.variable, row.level),
        identifier("cutoffs", "two ways", row.variable, row.level),
        identifier("cutoffs", "standard error", row.phase, row.variable, row.level),
    ]
