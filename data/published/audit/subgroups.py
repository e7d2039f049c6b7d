"""Subgroup medians: of whom, how precise, and against the medians of everybody."""

import math
import re
from collections import defaultdict
from collections.abc import Iterator

from scipy.stats import norm

from data.published.audit.causes import deaths_cause, deaths_fit
from data.published.audit.finding import Finding, analysis_words, identifier, phase_words, verdict
from data.published.audit.hazards import interval_ratios
from data.published.audit.margins import patients_of
from data.published.evidence import Evidence
from data.published.evidence_rows import SubgroupMedian
from data.study.study import Study

FAMILY = "subgroups"


def check_subgroups(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Sizes that are missing, medians beyond those of everybody, and P values against the patients there are."""
    groups: dict[str, list[SubgroupMedian]] = defaultdict(list)
    for row in evidence.subgroups:
        groups[row.analysis].append(row)
    for analysis, rows in groups.items():
        yield _unsized(analysis, rows)
        arms = {row.arm for row in rows}
        if len(arms) == 1 and len(rows) > 1:
            yield from _partition(evidence, analysis, rows)
        elif len(arms) == 2:
            pairs = defaultdict(dict)
            for row in rows:
                pairs[row.subgroup][row.arm] = row
            for name, both in pairs.items():
                if len(both) == 2:
                    yield from _needed(evidence, name, both)


def _unsized(analysis: str, rows: list[SubgroupMedian]) -> Finding:
    without = [row for row in rows if not re.search(r"\d", row.size)]
    said = f"{len(without)} medians of {analysis_words(analysis)}"
    return verdict(
        (FAMILY, "sizes", analysis),
        not without,
        "medium",
        f"subgroups by {analysis_words(analysis)}",
        f"{len(rows)} medians, P values, no interval",
        f"{len(without)} without a number of patients; cohort: {rows[0].cohort}",
        "Numbers of patients are printed for every subgroup.",
        f"{said} are printed without numbers of patients or intervals, so neither they nor their P values can be checked.",
        kind="not_reported",
    )


def _partition(evidence: Evidence, analysis: str, rows: list[SubgroupMedian]) -> Iterator[Finding]:
    """Groups that divide one arm: the median of the arm lies between the lowest and the highest of theirs."""
    lowest, highest = min(row.median.value for row in rows), max(row.median.value for row in rows)
    for phase in evidence.phases:
        whole = evidence.find(rows[0].arm, phase, "median_os")
        if whole is None:
            continue
        inside = lowest - whole.half_digit <= whole.value <= highest + whole.half_digit
        edge = inside and (whole.holds(lowest) or whole.holds(highest))
        yield Finding(
            identifier(FAMILY, "partition", analysis, phase),
            FAMILY,
            "low" if edge or not inside else "consistent",
            f"medians by {analysis_words(analysis)} against the whole arm {phase_words(evidence, phase)}",
            ", ".join(f"{row.subgroup} {row.median.text}" for row in rows),
            f"whole arm {whole.text}; must lie between {lowest:g} and {highest:g}",
            "The median of the arm lies between those of its parts."
            if inside and not edge
            else f"The median of the whole arm {phase_words(evidence, phase)} ({whole.text}) "
            + ("equals that of its best or worst part" if edge else "lies outside those of its parts")
            + ", so these are not the parts of that arm, or some part is left out.",
            kind="not_reported",
        )


def _needed(evidence: Evidence, name: str, both: dict[str, SubgroupMedian]) -> Iterator[Finding]:
    """The hazard ratio that a P value needs, given the patients there are.

    A log-rank P needs |log HR| >= z / sqrt(D p (1 - p)), D being the deaths and p the treated share (Schoenfeld 1981,
    doi 10.1093/biomet/68.1.316).
    """
    column = evidence.names.subgroups.columns.get(name)
    if column is None or both["treated"].p.value <= 0:
        return
    p, medians = both["treated"].p, [both[arm].median.value for arm in ("treated", "control")]
    score = float(norm.isf(p.value / 2))
    told, reached = [], []
    for phase in evidence.phases:
        counts = [patients_of(evidence, column, ("1",), phase, arm) for arm in ("treated", "control")]
        deaths = evidence.find("", phase, "deaths")
        if deaths is None or None in counts or not all(counts):
            continue
        treated, control = (int(count or 0) for count in counts)
        size = evidence.patients(phase)
        died = (treated + control) * deaths.value / size
        share = treated / (treated + control)
        needed = math.exp(-score / math.sqrt(died * share * (1 - share)))
        told.append(
            f"{phase}: {treated + control} patients, about {died:.0f} deaths, HR {needed:.2f} or lower"
        )
        overall = _overall(evidence, phase)
        reached.append(medians[1] / medians[0] <= needed or (overall is not None and overall <= 1.1 * needed))
    if not told:
        return
    sign = "<" if p.operator == "<" else ""
    yield verdict(
        (FAMILY, "needed", name),
        all(reached),
        "low",
        f"P of the arms in patients with {name}",
        f"{sign}{p.text.lstrip('<')}; medians {medians[0]:g} and {medians[1]:g}, ratio {medians[1] / medians[0]:.2f}",
        "; ".join(told),
        f"The P value in patients with {name} is one that the patients of Table 1 can give.",
        f"The P value in patients with {name} fits all patients, but among the matched ones alone it needs an effect "
        "stronger than the medians or the whole cohort show: the subgroup is more likely of all patients."
        if any(reached)
        else f"The P value in patients with {name} needs an effect stronger than the medians or the whole cohort show.",
        # Whether the matched or all patients are meant is what is not printed.
        kind="not_reported" if any(reached) else "contradiction",
        cause=next((deaths_cause(phase) for phase in evidence.phases if not deaths_fit(evidence, phase)), ""),
    )


def _overall(evidence: Evidence, phase: str) -> float | None:
    """The hazard ratio of the whole cohort that its survival implies."""
    ratios = interval_ratios(evidence, phase)
    if not ratios:
        return None
    weights = [1 / one.log_variance for one in ratios]
    return math.exp(
        sum(weight * math.log(one.ratio) for weight, one in zip(weights, ratios, strict=True)) / sum(weights)
    )
