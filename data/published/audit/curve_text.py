"""A digitised curve against what the text says of it: survival, medians, follow-up, hazard ratio and log-rank P.

False alarms over the 193 two-arm curves of kmdata, published as pixels of a figure of 10 cm with true numbers beside them
(tests/data/audit/test_false_alarms.py): hazard ratio 1 and log-rank P 1 of 193, survival, medians and follow-up
none. Read by hand at 60 places: survival 7 of 386 curves, medians 1 of 268, the others none.
"""

import math
from collections.abc import Iterator

import numpy as np
from scipy.stats import norm

from data.published.audit.finding import Finding, arm_words, interval_words, phase_words, verdict
from data.published.audit.hazards import treatment_row
from data.published.audit.readings import NEAR, CurveEffect, curves_of, effect_of, survival_range, time_range
from data.published.evidence import Evidence
from data.published.published_curves import PublishedCurve
from data.study.study import Study

FAMILY = "curve"
NEAR_ENOUGH = 0.5
"""Standard errors by which a log hazard ratio or a log-rank deviate by curves and seven numbers at risk may differ from that of
the patients. Over kmdata half differ by less than 0.04, one in a hundred by 0.44; trials in which few die differ most."""


def check_curve_text(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """What the text says of each curve, and of both."""
    for phase in evidence.phases:
        curves = curves_of(evidence, phase)
        for arm, curve in curves.items():
            yield from _survival(study, evidence, curve)
            yield from _median(study, evidence, curve)
            yield from _not_reached(study, evidence, arm, curve)
        yield from _follow_up(study, evidence, phase, curves)
        if set(curves) == {"treated", "control"}:
            effect = effect_of(curves["treated"], curves["control"])
            if effect is not None:
                yield from _hazard_ratio(evidence, phase, effect)
                yield from _log_rank(evidence, phase, effect)


def _survival(study: Study, evidence: Evidence, curve: PublishedCurve) -> Iterator[Finding]:
    rows = [
        row
        for row in evidence.survival
        if row.time is not None and (row.arm, row.phase) == (curve.arm, curve.phase)
    ]
    off, checked = [], []
    for row in rows:
        found = survival_range(curve, row.time or 0.0)
        if found is None:
            continue
        scale = 100 if row.number.unit == "percent" else 1
        low, high = (one / scale for one in row.number.possible)
        checked.append(row.number.text)
        if low > found[1] or high < found[0]:
            off.append(
                f"{row.number.text} at {row.time:g}: the curve has {scale * found[0]:.1f} to {scale * found[1]:.1f}"
            )
    if checked:
        yield verdict(
            (FAMILY, "survival", curve.curve, curve.arm, curve.phase),
            not off,
            "high",
            f"survival in the text against the curve, {arm_words(study, curve.arm)}, {phase_words(evidence, curve.phase)}",
            ", ".join(checked),
            "; ".join(off) or "on the curve",
            "The survival of the text lies on the curve.",
            "The text gives another survival than the curve has at that time.",
        )


def _median(study: Study, evidence: Evidence, curve: PublishedCurve) -> Iterator[Finding]:
    median = evidence.find(curve.arm, curve.phase, "median_os")
    if median is None:
        return
    earliest, latest = time_range(curve, 0.5)
    fits = median.possible[0] <= latest and earliest <= median.possible[1]
    if math.isinf(earliest) and median.value > curve.time[-1]:
        return  # beyond the end of the figure
    unit = study.time_unit
    crossing = f"{earliest:.4g} to {'the end' if math.isinf(latest) else f'{latest:.4g}'} {unit}"
    yield verdict(
        (FAMILY, "median", curve.curve, curve.arm, curve.phase),
        fits,
        "high",
        f"median against the curve, {arm_words(study, curve.arm)}, {phase_words(evidence, curve.phase)}",
        f"{median.text} {unit}",
        "the curve does not fall to one half"
        if math.isinf(earliest)
        else f"the curve passes one half at {crossing}",
        "The curve passes one half at the printed median.",
        "The curve does not pass one half at the printed median.",
    )


def _not_reached(study: Study, evidence: Evidence, arm: str, curve: PublishedCurve) -> Iterator[Finding]:
    stated = [
        one for one in evidence.facts if (one.quantity, one.arm, one.phase) == ("median_os", arm, curve.phase)
    ]
    if not stated:
        return
    passed = time_range(curve, 0.5)[1]
    reached = not math.isinf(passed)
    yield verdict(
        (FAMILY, "not reached", curve.curve, arm, curve.phase),
        not reached,
        "high",
        f"median against the curve, {arm_words(study, arm)}, {phase_words(evidence, curve.phase)}",
        stated[0].text,
        f"below one half at {passed:.4g} {study.time_unit}" if reached else "never below one half",
        "The curve stays above one half.",
        "By the text the median is not reached, but the curve falls below one half.",
    )


def _follow_up(
    study: Study, evidence: Evidence, phase: str, curves: dict[str, PublishedCurve]
) -> Iterator[Finding]:
    """Half of the patients are followed for longer than the median: nobody is, where the curves have ended with nobody at risk."""
    followed = evidence.find("", phase, "median_followup")
    ended = [
        float(one.time[-1]) + NEAR * one.time_resolution
        for one in curves.values()
        if len(one.at_risk) and one.at_risk[-1] == 0 and one.at_risk_time[-1] >= one.time[-1]
    ]
    if followed is None or len(ended) < 2:
        return
    end = max(ended)
    fits = followed.possible[0] <= end
    yield verdict(
        (FAMILY, "follow-up", phase),
        fits,
        "high",
        f"median follow-up against the end of the curves, {phase_words(evidence, phase)}",
        f"{followed.text} {study.time_unit}",
        f"nobody at risk after {end:.4g} {study.time_unit}",
        "The curves go on beyond the median follow-up.",
        "By the text half of the patients were followed for longer than any curve goes on.",
    )


def _hazard_ratio(evidence: Evidence, phase: str, effect: CurveEffect) -> Iterator[Finding]:
    row = treatment_row(evidence, phase)
    ratio = None if row is None else row.hazard_ratio
    if ratio is None:
        return
    reach = NEAR_ENOUGH * effect.error + effect.reading
    low, high = math.exp(effect.log_ratio - reach), math.exp(effect.log_ratio + reach)
    fits = ratio.possible[0] <= high and low <= ratio.possible[1]
    yield verdict(
        (FAMILY, "hazard ratio", phase),
        fits,
        "high",
        f"hazard ratio of the treatment against the curves, {phase_words(evidence, phase)}",
        interval_words(ratio),
        f"{math.exp(effect.log_ratio):.2f} by curves and numbers at risk",
        "The printed hazard ratio is that of the curves.",
        f"Curves and numbers at risk give a hazard ratio of {math.exp(effect.log_ratio):.2f}: the printed one is adjusted, of "
        "other patients, or misprinted.",
    )


def _log_rank(evidence: Evidence, phase: str, effect: CurveEffect) -> Iterator[Finding]:
    printed = evidence.find("contrast", phase, "logrank_p")
    if printed is None:
        return
    reach = NEAR_ENOUGH + effect.reading / effect.error
    deviates = np.abs([effect.deviate - reach, effect.deviate + reach])
    nearest = 0.0 if abs(effect.deviate) < reach else float(deviates.min())
    least, most = (2 * float(norm.sf(one)) for one in (deviates.max(), nearest))
    fits = printed.meets(least, most)
    yield verdict(
        (FAMILY, "log-rank", phase),
        fits,
        "medium",
        f"log-rank P against the curves, {phase_words(evidence, phase)}",
        f"{'<' if printed.operator == '<' else ''}{printed.text.lstrip('<')}",
        f"{2 * float(norm.sf(abs(effect.deviate))):.2g} by curves and numbers at risk",
        "The log-rank P is that of the curves.",
        "Curves and numbers at risk give another log-rank P.",
    )
