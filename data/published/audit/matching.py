"""Matched patients are a part of all patients: no count may be larger after matching than before."""

from collections.abc import Iterator
from itertools import pairwise

from data.published.audit.causes import counts_fit, deaths_cause, deaths_fit, table_cause
from data.published.audit.curves import curve, curve_cause, falling
from data.published.audit.finding import Finding, arm_words, verdict
from data.published.audit.margins import margins
from data.published.evidence import Evidence
from data.study.study import Study

FAMILY = "matching"
SLACK = 0.03
"""Censoring keeps survival of a whole from being the exact mean of its parts."""


def check_matching(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Counts, deaths and survival after matching against those before."""
    if set(evidence.phases) != {"before", "after"}:
        return
    yield from _counts(study, evidence)
    yield from _deaths(evidence)
    for arm in ("treated", "control"):
        yield from _unmatched_survival(study, evidence, arm)


def _counts(study: Study, evidence: Evidence) -> Iterator[Finding]:
    found = {(one.name, one.phase): one for one in margins(evidence)}
    for (name, phase), after in found.items():
        before = found.get((name, "before"))
        if phase != "after" or before is None:
            continue
        wrong = []
        for arm in ("treated", "control"):
            earlier = dict(zip(before.levels, getattr(before, arm), strict=True))
            for level, count in zip(after.levels, getattr(after, arm), strict=True):
                if count > earlier.get(level, count):
                    wrong.append(f"{level}, {arm_words(study, arm)}: {count} after, {earlier[level]} before")
        yield verdict(
            (FAMILY, name),
            not wrong,
            "medium",
            f"{name}, after matching against before",
            "; ".join(wrong) or "no count larger after matching",
            "at most the count before",
            "Matched patients are a part of all patients.",
            f"More matched patients have a level of {name} than there were before matching, which is impossible.",
            cause=table_cause(evidence, name, "before" if counts_fit(evidence, name, "after") else "after")
            if not (counts_fit(evidence, name, "before") and counts_fit(evidence, name, "after"))
            else "",
        )


def _deaths(evidence: Evidence) -> Iterator[Finding]:
    before, after = (evidence.find("", phase, "deaths") for phase in ("before", "after"))
    if before is None or after is None:
        return
    sizes = [evidence.patients(phase) for phase in ("before", "after")]
    rest, dead = sizes[0] - sizes[1], int(before.value - after.value)
    possible = 0 <= dead <= rest
    yield verdict(
        (FAMILY, "deaths"),
        possible,
        "high",
        "deaths before and after matching",
        f"{before.text} of {sizes[0]} and {after.text} of {sizes[1]}",
        f"{dead} of {rest} unmatched",
        "The unmatched patients can have died as often as the difference says.",
        f"{dead} deaths among {rest} unmatched patients are impossible.",
        cause=next(
            (deaths_cause(phase) for phase in ("after", "before") if not deaths_fit(evidence, phase)), ""
        ),
    )


def _unmatched_survival(study: Study, evidence: Evidence, arm: str) -> Iterator[Finding]:
    """Survival of the unmatched: what is left of all patients' survival without the matched patients'."""
    before = {one.time: one for one in curve(evidence, arm, "before")}
    after = {one.time: one for one in curve(evidence, arm, "after")}
    times = sorted(set(before) & set(after))
    whole, matched = evidence.size(arm, "before"), evidence.size(arm, "after")
    if not times or whole <= matched:
        return
    left = [(whole * before[t].survival - matched * after[t].survival) / (whole - matched) for t in times]
    steps = [1.0, *left, 0.0]
    possible = all(later <= earlier + SLACK for earlier, later in pairwise(steps))
    yield verdict(
        (FAMILY, "survival", arm),
        possible,
        "medium",
        f"survival before and after matching, {arm_words(study, arm)}",
        "; ".join(f"{t:g}: {before[t].text} and {after[t].text}" for t in times),
        "unmatched " + ", ".join(f"{t:g}: {100 * share:.0f} %" for t, share in zip(times, left, strict=True)),
        "What is left for the unmatched patients is a possible survival curve.",
        "No survival of the unmatched patients makes both printed curves true.",
        cause=next(
            (
                curve_cause(arm, phase)
                for phase in ("after", "before")
                if not falling(curve(evidence, arm, phase))
            ),
            "",
        ),
    )
