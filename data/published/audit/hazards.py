"""Hazard ratios between the printed times, implied by printed survival: do they agree, and with the printed ratio."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from data.published.audit.causes import centre_fits, cox_cause
from data.published.audit.contingency import heterogeneity
from data.published.audit.curves import Point, curve
from data.published.audit.finding import Finding, interval_words, p_words, phase_words, verdict
from data.published.evidence import Evidence
from data.published.evidence_rows import CoxRow
from data.published.printed import Printed
from data.study.study import Study

FAMILY = "hazards"
NORMAL_95 = 1.959964
WIDER = 1.25
"""How much wider than by the deaths a standard error may be where arms are of unequal size."""
SAME_STORY = 5
"""Times by which a P value from a few printed points may differ from that of the log-rank test."""


@dataclass(frozen=True)
class IntervalRatio:
    """A hazard ratio, treated to control, of one interval."""

    phase: str
    # of the interval (start, end]
    start: float
    end: float
    ratio: float
    log_variance: float  # of its logarithm, if nobody were censored: the least it can be

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval, at its narrowest."""
        reach = math.exp(NORMAL_95 * math.sqrt(self.log_variance))
        return self.ratio / reach, self.ratio * reach


def interval_ratios(evidence: Evidence, phase: str) -> tuple[IntervalRatio, ...]:
    """Hazard ratios of the intervals between the times of which both arms' survival is printed.

    With q = S(end) / S(start), the hazard of the interval cumulates to -log q. The variance of its logarithm is
    (1 - q) / (q n log(q)^2), n being the patients alive at the start: Greenwood's formula and the delta method, without
    censoring. Patients who were censored earlier make it larger.

    References
    ----------
    Kalbfleisch, Prentice 2002, section 1.4, doi 10.1002/9781118032985.
    """
    curves = {arm: {one.time: one for one in curve(evidence, arm, phase)} for arm in ("treated", "control")}
    times = sorted(set(curves["treated"]) & set(curves["control"]))
    found = []
    for start, end in zip([0.0, *times], times, strict=False):
        hazards, variance = [], 0.0
        for arm in ("treated", "control"):
            before = curves[arm].get(start, Point(0.0, 1.0, 0.0, "1")).survival
            later = curves[arm][end].survival
            if not 0 < later < before <= 1:
                break
            stay = later / before
            at_risk = evidence.size(arm, phase) * before
            hazards.append(-math.log(stay))
            variance += (1 - stay) / (stay * at_risk * math.log(stay) ** 2)
        if len(hazards) == 2:
            found.append(IntervalRatio(phase, start, end, hazards[0] / hazards[1], variance))
    return tuple(found)


def treatment_row(evidence: Evidence, phase: str) -> CoxRow | None:
    """The univariable Cox row of the treatment, or None where it is not printed."""
    named = {(term.variable, term.level) for term in evidence.names.cox if term.column == "treatment"}
    for row in evidence.cox:
        if row.model == "univariable" and row.phase == phase and (row.variable, row.level) in named:
            return row if row.hazard_ratio is not None and row.hazard_ratio.interval else None
    return None


def printed_ratio(evidence: Evidence, phase: str) -> Printed | None:
    """The printed univariable hazard ratio of the treatment, with its interval."""
    row = treatment_row(evidence, phase)
    return None if row is None else row.hazard_ratio


def check_hazards(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Proportional hazards, the printed hazard ratio, and the log-rank P against the printed survival."""
    for phase in evidence.phases:
        ratios = interval_ratios(evidence, phase)
        if not ratios:
            continue
        logs = np.log([one.ratio for one in ratios])
        pooled, p = heterogeneity(logs, np.array([one.log_variance for one in ratios]))
        error = 1 / math.sqrt(sum(1 / one.log_variance for one in ratios))
        if len(ratios) > 1:
            yield _proportional(study, evidence, phase, ratios, p)
        yield from _against_cox(evidence, phase, pooled)
        yield from _against_log_rank(evidence, phase, pooled, error)


def _proportional(
    study: Study, evidence: Evidence, phase: str, ratios: tuple[IntervalRatio, ...], p: float
) -> Finding:
    constant = p >= 0.05
    where = phase_words(evidence, phase)
    spans = ", ".join(f"{one.ratio:.2f} ({one.start:g}–{one.end:g})" for one in ratios)
    first, last = ratios[0], ratios[-1]
    return verdict(
        (FAMILY, "proportional", phase),
        constant,
        "medium",
        f"proportional hazards, {where}",
        "survival of both arms at " + ", ".join(f"{one.end:g}" for one in ratios) + f" {study.time_unit}",
        f"hazard ratios {spans}; P for one common ratio {p_words(p)}, larger if patients were censored early",
        "The hazard ratios of the intervals are compatible with one common ratio.",
        f"The survival printed {where} implies hazard ratios from {first.ratio:.2f} until {first.end:g} "
        f"{study.time_unit} to {last.ratio:.2f} after {last.start:g}: one hazard ratio does not describe it.",
        kind="design",
    )


def _against_cox(evidence: Evidence, phase: str, pooled: float) -> Iterator[Finding]:
    row = treatment_row(evidence, phase)
    printed = None if row is None else row.hazard_ratio
    if row is None or printed is None or printed.possible_ends is None:
        return
    (lower, _), (_, upper) = printed.possible_ends
    inside = lower <= math.exp(pooled) <= upper
    yield verdict(
        (FAMILY, "cox", phase),
        inside,
        "high",
        f"hazard ratio of the treatment against survival, {phase_words(evidence, phase)}",
        interval_words(printed),
        f"{math.exp(pooled):.2f} over the intervals of the printed survival",
        "The printed hazard ratio is the one that the printed survival implies.",
        f"The printed survival implies a hazard ratio of {math.exp(pooled):.2f}, outside the printed interval.",
        cause="" if centre_fits(printed) else cox_cause(row),
    )


def _against_log_rank(evidence: Evidence, phase: str, pooled: float, error: float) -> Iterator[Finding]:
    printed = evidence.find("contrast", phase, "logrank_p")
    if printed is None:
        return
    deaths = evidence.find("", phase, "deaths")
    # The error is the least there can be, without censoring; the deaths, evenly divided, say how large it is about.
    largest = max(
        error, WIDER * (2 / math.sqrt(deaths.value) if deaths is not None and deaths.value else error)
    )
    least, most = (2 * float(norm.sf(abs(pooled) / one)) for one in (error, largest))
    # The curve's summary need not give the same P, but both should tell the same story.
    low, high = (0.0 if printed.operator == "<" else printed.possible[0]), printed.possible[1]
    agrees = low <= SAME_STORY * most and least / SAME_STORY <= high
    yield verdict(
        (FAMILY, "log rank", phase),
        agrees,
        "medium",
        f"log-rank P, {phase_words(evidence, phase)}",
        f"{'<' if printed.operator == '<' else ''}{printed.text.lstrip('<')}",
        f"about {least:.1e} to {most:.1e} from the printed survival",
        "The log-rank P is of the size that the printed survival implies.",
        "The log-rank P is not of the size that the printed survival implies.",
    )
