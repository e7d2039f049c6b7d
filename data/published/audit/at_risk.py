"""Numbers at risk against themselves, the curve above them, events and censorings beside them, and the marks on the curve.

No false alarm over both arms of the 193 two-arm curves of kmdata, published as pixels of a figure of 10 cm with marks and a risk
table of seven columns (tests/data/audit/test_false_alarms.py).
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from data.published.audit.finding import Finding, arm_words, phase_words, verdict
from data.published.audit.readings import NEAR, deaths_between, survival_range
from data.published.evidence import Evidence
from data.published.published_curves import PublishedCurve
from data.study.study import Study

FAMILY = "at_risk"


def check_at_risk(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Numbers at risk that grow, start at another number, fall by less than the curve does, or by less than is marked."""
    for curve in evidence.curves:
        if not len(curve.at_risk):
            continue
        who = f"{curve.curve}, {arm_words(study, curve.arm)}, {phase_words(evidence, curve.phase)}"
        who += f", {curve.subgroup}" if curve.subgroup else ""
        subject = (curve.curve, curve.arm, curve.phase, curve.subgroup)
        yield _grows(curve, who, subject)
        yield from _starts(evidence, curve, who, subject)
        yield from _adds_up(curve, who, subject)
        if (np.diff(curve.at_risk) <= 0).all():
            yield _falls(curve, who, subject)
            if len(curve.censor_marks):
                yield _marks(curve, who, subject)


def _grows(curve: PublishedCurve, who: str, subject: tuple[str, ...]) -> Finding:
    more = [
        f"{last:.0f} at {end:g} after {first:.0f} at {start:g}"
        for (start, end), (first, last) in zip(
            pairwise(curve.at_risk_time), pairwise(curve.at_risk), strict=True
        )
        if last > first
    ]
    return verdict(
        (FAMILY, "grows", *subject),
        not more,
        "medium",
        f"numbers at risk, {who}",
        ", ".join(f"{one:.0f}" for one in curve.at_risk),
        "; ".join(more) or "falling",
        "Numbers at risk never grow.",
        "Numbers at risk grow, which they cannot unless patients enter late.",
    )


def _starts(
    evidence: Evidence, curve: PublishedCurve, who: str, subject: tuple[str, ...]
) -> Iterator[Finding]:
    """The number at risk at time 0 against the number of patients in the text."""
    printed = evidence.find(curve.arm, curve.phase, "n")
    if printed is None or curve.subgroup or curve.at_risk_time[0] != 0:
        return
    same = int(printed.value) == int(curve.at_risk[0])
    yield verdict(
        (FAMILY, "start", *subject),
        same,
        "medium",
        f"number at risk at time 0, {who}",
        f"{curve.at_risk[0]:.0f}",
        f"{printed.text} patients in the text",
        "The curve starts with the patients of the text.",
        "The curve starts with another number of patients than the text has.",
    )


def _adds_up(curve: PublishedCurve, who: str, subject: tuple[str, ...]) -> Iterator[Finding]:
    """At risk, events and censored add up to the patients at every column where all three are printed."""
    whole = curve.at_risk + curve.events + curve.censored
    known = ~np.isnan(whole)
    if known.sum() < 2:
        return
    off = np.flatnonzero(known & (whole != curve.at_risk[0]))
    yield verdict(
        (FAMILY, "sum", *subject),
        not len(off),
        "medium",
        f"at risk, events and censored, {who}",
        ", ".join(f"{curve.at_risk[k]:.0f} + {curve.events[k]:.0f} + {curve.censored[k]:.0f}" for k in off)
        or f"{known.sum()} columns",
        f"{curve.at_risk[0]:.0f} patients",
        "Those at risk, with events and censored add up to all in every column.",
        f"At {', '.join(f'{curve.at_risk_time[k]:g}' for k in off)} those at risk, with events and censored do not add up to all.",
    )


def _falls(curve: PublishedCurve, who: str, subject: tuple[str, ...]) -> Finding:
    """Between two columns the curve falls as some number of deaths among those lost makes it."""
    impossible, checked = [], 0
    for place, (start, end) in enumerate(pairwise(curve.at_risk_time.tolist())):
        ranges = survival_range(curve, start), survival_range(curve, end)
        if ranges[0] is None or ranges[1] is None:
            continue
        checked += 1
        counts = (float(curve.at_risk[place]), float(curve.at_risk[place + 1]))
        fewest, most = deaths_between(counts, ranges[0], ranges[1])
        events = float(curve.events[place + 1] - curve.events[place])
        beyond = not np.isnan(events) and not fewest <= events <= most
        if fewest > most or beyond:
            stated = f"{events:.0f} events" if beyond else f"{counts[0] - counts[1]:.0f} lost in all"
            impossible.append(
                f"from {start:g} to {end:g}: survival {ranges[0][1]:.3f} to {ranges[1][0]:.3f} with {stated}, of {counts[0]:.0f}"
            )
    return verdict(
        (FAMILY, "curve", *subject),
        not impossible,
        "medium",
        f"curve against numbers at risk, {who}",
        "; ".join(impossible) or f"{checked} intervals",
        "no number of deaths among the patients lost gives this fall" if impossible else "possible",
        "The curve falls as the numbers at risk allow.",
        "The curve falls as no number of deaths among those who left the risk set makes it: the numbers at risk are of another "
        "arm or time, or the curve was read from another.",
    )


def _marks(curve: PublishedCurve, who: str, subject: tuple[str, ...]) -> Finding:
    """No more patients are marked as censored than leave the risk set alive."""
    apart = NEAR * curve.time_resolution
    surplus = []
    for place, (start, end) in enumerate(pairwise(curve.at_risk_time.tolist())):
        lost = curve.at_risk[place] - curve.at_risk[place + 1]
        ranges = survival_range(curve, start), survival_range(curve, end)
        fewest = 0
        if ranges[0] is not None and ranges[1] is not None:
            counts = (float(curve.at_risk[place]), float(curve.at_risk[place + 1]))
            fewest = max(deaths_between(counts, ranges[0], ranges[1])[0], 0)
        inside = (curve.censor_marks > start + apart) & (curve.censor_marks < end - apart)
        if inside.sum() > lost - min(fewest, lost):
            surplus.append(f"{inside.sum()} marks from {start:g} to {end:g}, {lost:.0f} lost")
    return verdict(
        (FAMILY, "marks", *subject),
        not surplus,
        "medium",
        f"marks of censored patients against numbers at risk, {who}",
        "; ".join(surplus) or f"{len(curve.censor_marks)} marks",
        "more than leave the risk set alive" if surplus else "possible",
        "No more patients are marked as censored than leave the risk set alive.",
        "More patients are marked as censored than leave the risk set alive.",
    )
