"""The survival text against itself: probabilities fall, medians lie where they pass one half, intervals are symmetric."""

from collections.abc import Iterator

from data.published.audit.curves import curve, curve_cause, falling, median_bounds, median_of
from data.published.audit.finding import Finding, arm_words, identifier, interval_words, phase_words, verdict
from data.published.evidence import Evidence
from data.published.evidence_rows import SurvivalNumber
from data.study.study import Study

FAMILY = "survival"
MEDIANS = {"median_os": "median survival", "median_followup": "median follow-up"}


def check_survival(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Survival probabilities, medians and their intervals."""
    for phase in evidence.phases:
        for arm in ("treated", "control", ""):
            yield from _falls(study, evidence, arm, phase)
            yield from _median(study, evidence, arm, phase)
    yield from _symmetric(study, evidence)


def _falls(study: Study, evidence: Evidence, arm: str, phase: str) -> Iterator[Finding]:
    points = curve(evidence, arm, phase)
    if not points:
        return
    falls = falling(points)
    yield verdict(
        (FAMILY, "falls", arm or "all", phase),
        falls,
        "high",
        f"survival over time, {arm_words(study, arm)}, {phase_words(evidence, phase)}",
        ", ".join(f"{one.time:g}: {one.text}" for one in points),
        "falling" if falls else "not falling",
        "Survival never rises.",
        "Printed survival rises with time or leaves the range of a probability, which is impossible.",
        cause=curve_cause(arm, phase),
    )


def _median(study: Study, evidence: Evidence, arm: str, phase: str) -> Iterator[Finding]:
    median, points = evidence.find(arm, phase, "median_os"), curve(evidence, arm, phase)
    if median is None or not points:
        return
    lower, upper = median_bounds(points)
    fits = lower <= median.value + median.half_digit and median.value - median.half_digit <= upper
    crossing = median_of(points)
    near = (
        "" if crossing is None else f"; about {crossing:.0f} if the hazard is constant between printed times"
    )
    unit = study.time_unit
    yield verdict(
        (FAMILY, "median", arm or "all", phase),
        fits,
        "high",
        f"median survival, {arm_words(study, arm)}, {phase_words(evidence, phase)}",
        f"{median.text} {unit}",
        (f"between {lower:g} and {upper:g} {unit}" if upper < float("inf") else f"after {lower:g} {unit}")
        + near,
        "The median lies where printed survival passes one half.",
        f"The printed survival probabilities put the median between {lower:g} and {upper:g} {unit}, not at "
        f"{median.text}.",
        cause="" if falling(points) else curve_cause(arm, phase),
    )


def _symmetric(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Intervals of medians: estimate ± 1.96 standard errors in most programs, so symmetric."""
    rows = [row for row in evidence.survival if row.quantity in MEDIANS and row.number.interval]
    even = [row for row in rows if _lean(row)[0]]
    for row in rows:
        assert row.number.interval is not None  # those without one are not in rows
        lower, upper = row.number.interval
        symmetric, centre = _lean(row)
        half_width = (upper - lower) / 2
        name = f"{MEDIANS[row.quantity]}, {arm_words(study, row.arm)}, {phase_words(evidence, row.phase)}"
        others = len([one for one in even if one is not row])
        # Other methods give asymmetric intervals; one among symmetric ones is out of line.
        odd_one = not symmetric and others > len(rows) / 2
        yield Finding(
            identifier(FAMILY, "interval", row.quantity, row.arm or "all", row.phase),
            FAMILY,
            "consistent" if symmetric or not even else "medium" if odd_one else "low",
            f"interval of {name}",
            interval_words(row.number),
            f"centre {centre:.2f}"
            + (
                ""
                if symmetric
                else f"; ±{half_width:.1f} around {row.number.text} is "
                f"{row.number.value - half_width:.1f}–{row.number.value + half_width:.1f}"
            ),
            "The interval is symmetric: estimate ± 1.96 standard errors."
            if symmetric
            else f"The interval of {row.number.text} is lopsided, its centre is {centre:.1f}, while {others} of the other "
            f"{len(rows) - 1} intervals are symmetric: the estimate or one end may be misprinted."
            if odd_one
            else "The interval is not symmetric, so it was not made from a standard error"
            + (", as others were." if even else ", nor was any other: log-log intervals are such."),
        )


def _lean(row: SurvivalNumber) -> tuple[bool, float]:
    """Whether an interval is symmetric within rounding, and its centre."""
    assert row.number.interval is not None  # asked only of those that have one
    centre = sum(row.number.interval) / 2
    # Both ends and the estimate are rounded: half a digit for the estimate, the mean of theirs for the centre of the ends.
    slack = row.number.half_digit + sum(row.number.half_digits_of_interval) / 2
    return abs(centre - row.number.value) <= slack + 1e-9, centre
