"""The survival text of a paper: deaths, medians with their intervals, survival at times, log-rank tests, follow-up."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import chi2

from data.published.evidence import Evidence
from inference.predictive.replicates.risk_sets import log_rank_chi_square
from inference.published.reanalysis.lines import PHASE_WORDS, Line, PseudoPatients, arm_words, end_of
from inference.published.reanalysis.normal_median import GroupCurve

FAMILY = "Survival"


def survival_lines(pseudo: PseudoPatients, evidence: Evidence) -> Iterator[Line]:
    """Yield every number of the survival text, in its order."""
    curves: dict[tuple[str, str, bool], GroupCurve] = {}

    def curve(arm: str, phase: str, *, reverse: bool = False) -> GroupCurve:
        key = (arm, phase, reverse)
        if key not in curves:
            inside = pseudo.inside(phase, arm)
            event = pseudo.cohort.event[inside]
            curves[key] = GroupCurve(pseudo.cohort.time[inside], ~event if reverse else event)
        return curves[key]

    for row in evidence.survival:
        arm = "" if row.arm == "contrast" else row.arm
        where = f"{arm_words(evidence, arm)} {PHASE_WORDS[row.phase]}"
        inside = pseudo.inside(row.phase, arm)
        number, unit = row.number, row.number.unit
        if row.quantity == "n":
            yield Line(FAMILY, f"size, {where}", number, float(inside.sum()), "pseudo-patients")
        elif row.quantity == "deaths":
            yield Line(FAMILY, f"deaths, {where}", number, float(pseudo.cohort.event[inside].sum()), "deaths")
        elif row.quantity == "deaths_percent":
            share = 100 * float(pseudo.cohort.event[inside].mean())
            yield Line(FAMILY, f"deaths, {where}, percent", number, share, unit)
        elif row.quantity in ("median_os", "median_followup"):
            reverse = row.quantity == "median_followup"
            name = "median follow-up" if reverse else "median survival"
            estimate = curve(arm, row.phase, reverse=reverse).median_interval()
            yield Line(FAMILY, f"{name}, {where}", number, estimate[0], unit)
            for side, end in (("lower", estimate[1]), ("upper", estimate[2])):
                limit = end_of(number, side)
                if limit is not None:
                    yield Line(FAMILY, f"{name}, {where}, {side} end", limit, end, unit)
        elif row.time is not None:
            at = 100 * float(curve(arm, row.phase).at(row.time))
            yield Line(FAMILY, f"survival at {row.time:g}, {where}", number, at, unit)
        elif row.quantity == "logrank_p":
            yield Line(
                FAMILY, f"log-rank P {PHASE_WORDS[row.phase]}", number, log_rank_p(pseudo, inside), "P"
            )


def log_rank_p(pseudo: PseudoPatients, inside: np.ndarray) -> float:
    """Return the P value of the log-rank test of the arms among some pseudo-patients; NaN where there is no test."""
    cohort = pseudo.cohort
    statistic = log_rank_chi_square(
        cohort.time[inside], cohort.event[inside], cohort.treatment[inside], cohort.entry[inside]
    )
    return float(chi2.sf(statistic, 1))
