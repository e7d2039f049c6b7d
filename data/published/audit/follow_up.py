"""Deaths and follow-up against the curves: could so many have died, and could follow-up be so alike."""

import math
import re
from collections.abc import Iterator

from data.published.audit.causes import deaths_cause, deaths_fit
from data.published.audit.curves import curve, survival_at
from data.published.audit.finding import Finding, identifier, interval_words, phase_words, verdict
from data.published.audit.hazards import NORMAL_95
from data.published.evidence import Evidence
from data.study.study import Study
from data.study.time_units import UNITS_PER_MONTH

FAMILY = "follow_up"


def check_follow_up(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Numbers of deaths, the precision of the median follow-up, and follow-up before and after matching."""
    for phase in evidence.phases:
        yield from _deaths(study, evidence, phase)
        yield from _precision(study, evidence, phase)
    yield from _longer(evidence)


def _deaths(study: Study, evidence: Evidence, phase: str) -> Iterator[Finding]:
    """Deaths between the fewest and the most that curves and median follow-up allow.

    Half of the patients could have been observed beyond the median follow-up m (reverse Kaplan-Meier). At the fewest, the
    other half was censored at once; at the most, half was observed until m and half until death: between F(m) / 2 and
    (1 + F(m)) / 2 of the patients. If all were observed for m, F(m) of them died (Schemper, Smith 1996,
    doi 10.1016/0197-2456(96)00075-X).
    """
    deaths, followed = evidence.find("", phase, "deaths"), evidence.find("", phase, "median_followup")
    if deaths is None or followed is None:
        return
    died, size = 0.0, 0
    for arm in ("treated", "control"):
        alive = survival_at(curve(evidence, arm, phase), followed.value)
        if alive is None:
            return
        patients = evidence.size(arm, phase)
        died, size = died + patients * (1 - alive), size + patients
    fewest, most = died / 2, (size + died) / 2
    possible = math.floor(fewest) <= deaths.value <= math.ceil(most)
    yield verdict(
        (FAMILY, "deaths", phase),
        possible,
        "high",
        f"deaths against curves and follow-up, {phase_words(evidence, phase)}",
        f"{deaths.text} of {size}, median follow-up {followed.text} {study.time_unit}",
        f"{died:.0f} if all were observed for {followed.text} {study.time_unit}; {fewest:.0f} to {most:.0f} possible",
        "The number of deaths fits the curves and the follow-up.",
        f"With the printed curves and follow-up between {fewest:.0f} and {most:.0f} patients can have died, not "
        f"{deaths.text}.",
        cause="" if deaths_fit(evidence, phase) else deaths_cause(phase),
    )


def _precision(study: Study, evidence: Evidence, phase: str) -> Iterator[Finding]:
    """The interval of the median follow-up against accrual at an even pace over the printed window.

    If patients entered evenly over a window of length w and were observed until one day, follow-up has density 1 / w, and
    the standard error of its median is at least w sqrt(1 / (4 n)).
    """
    followed, window = evidence.find("", phase, "median_followup"), _window(study, evidence)
    if followed is None or followed.interval is None or not window:
        return
    size = evidence.patients(phase)
    error = (followed.interval[1] - followed.interval[0]) / (2 * NORMAL_95)
    least = window * math.sqrt(0.25 / size)
    spread = error >= 0.5 * least
    yield verdict(
        (FAMILY, "precision", phase),
        spread,
        "low",
        f"interval of the median follow-up, {phase_words(evidence, phase)}",
        f"{interval_words(followed)}: standard error {error:.2f}",
        f"at least {least:.1f} if patients entered evenly over {window:.0f} {study.time_unit}",
        "The interval of the median follow-up is as wide as accrual over the printed window makes it.",
        "Follow-up is much more alike between patients than even accrual over the printed window would make it, so "
        "accrual was concentrated, or observation ended at a set time after the start.",
        kind="design",
        cause=identifier("cause", "follow-up"),
    )


def _window(study: Study, evidence: Evidence) -> float:
    """Length of the accrual window in the study's time unit, 0 where none is printed."""
    for fact in evidence.facts:
        dates = re.findall(r"(\d{4})-(\d{2})", fact.text)
        if "accrual" in fact.quantity and len(dates) == 2 and study.time_unit in UNITS_PER_MONTH:
            (year, month), (later, last) = [(int(one), int(two)) for one, two in dates]
            return (12 * (later - year) + last - month) * UNITS_PER_MONTH[study.time_unit]
    return 0.0


def _longer(evidence: Evidence) -> Iterator[Finding]:
    """Follow-up of the matched patients against that of all patients, of whom they are a part."""
    before, after = (evidence.find("", phase, "median_followup") for phase in ("before", "after"))
    if before is None or after is None or before.interval is None or after.interval is None:
        return
    overlap = after.interval[0] <= before.interval[1] and before.interval[0] <= after.interval[1]
    side = "longer" if after.value > before.value else "shorter"
    yield verdict(
        (FAMILY, "matched against all"),
        overlap,
        "low",
        "median follow-up before and after matching",
        f"{interval_words(before)} and {interval_words(after)}",
        "intervals overlap" if overlap else "intervals do not overlap",
        "Matched patients were followed about as long as all patients.",
        f"Matched patients were followed {side} than all patients, of whom they are a part, and the intervals do "
        f"not overlap: follow-up of the unmatched must differ, which the text does not explain.",
        kind="design",
    )
