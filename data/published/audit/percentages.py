"""Is every printed percentage that of its count."""

from collections import defaultdict
from collections.abc import Iterator

from data.published.audit.causes import deaths_cause, percentage_cause, percentage_fits
from data.published.audit.finding import Finding, arm_words, identifier, phase_words, verdict
from data.published.evidence import Evidence
from data.published.evidence_rows import LevelCount
from data.study.study import Study

FAMILY = "percentages"


def check_percentages(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Every percentage of Table 1, and the percentage of deaths, against count and number of patients."""
    groups: dict[tuple[str, str], list[LevelCount]] = defaultdict(list)
    for row in evidence.counts:
        if row.percent is not None:
            groups[row.variable, row.phase].append(row)
    for (variable, phase), rows in groups.items():
        where = phase_words(evidence, phase)
        wrong = [row for row in rows if not percentage_fits(row)]
        for row in wrong:
            assert row.percent is not None  # rows without one are not in the group
            yield Finding(
                identifier(FAMILY, variable, row.level, row.arm, phase),
                FAMILY,
                "low",
                f"{variable}: {row.level}, {arm_words(study, row.arm)}, {where}",
                f"{row.percent.text} % ({row.count})",
                f"{row.count}/{row.size} = {100 * row.count / row.size:.{row.percent.decimals + 1}f} %",
                "The printed percentage is not that of the printed count.",
                cause=percentage_cause(evidence, row),
            )
        if not wrong:
            yield Finding(
                identifier(FAMILY, variable, phase),
                FAMILY,
                "consistent",
                f"{variable}, {where}",
                f"{len(rows)} percentages",
                "all reproduced",
                "Every percentage is that of its count.",
            )
    yield from _deaths(evidence)


def _deaths(evidence: Evidence) -> Iterator[Finding]:
    for row in evidence.survival:
        if row.quantity != "deaths_percent":
            continue
        deaths = evidence.find(row.arm, row.phase, "deaths")
        if deaths is None:
            continue
        size = evidence.size(row.arm, row.phase)
        share = 100 * deaths.value / size
        right = row.number.holds(share)
        yield verdict(
            (FAMILY, "deaths", row.arm or "all", row.phase),
            right,
            "medium",
            f"deaths, {phase_words(evidence, row.phase)}",
            f"{row.number.text} % ({deaths.text})",
            f"{deaths.text}/{size} = {share:.{row.number.decimals + 1}f} %",
            "The percentage of deaths is that of their number.",
            "The printed percentage of deaths is not that of the printed number of deaths.",
            cause=deaths_cause(row.phase) if not row.arm else "",
        )
