"""The printed survival curve of an arm: a few points, and what lies between them at a constant hazard."""

import math
from dataclasses import dataclass
from itertools import pairwise

from data.published.audit.finding import identifier
from data.published.evidence import Evidence


@dataclass(frozen=True)
class Point:
    """A printed survival probability."""

    time: float  # in the study's unit
    survival: float  # between 0 and 1
    half_digit: float  # half a unit of its last printed digit
    text: str  # as printed


def curve(evidence: Evidence, arm: str, phase: str) -> tuple[Point, ...]:
    """The printed survival probabilities of an arm by time; empty where none is printed."""
    points = []
    for row in evidence.survival:
        if row.time is not None and (row.arm, row.phase) == (arm, phase):
            scale = 100 if row.number.unit in ("percent", "%") else 1
            points.append(
                Point(row.time, row.number.value / scale, row.number.half_digit / scale, row.number.text)
            )
    return tuple(sorted(points, key=lambda one: one.time))


def falling(points: tuple[Point, ...]) -> bool:
    """Whether printed survival is a probability at every time and never rises."""
    return all(0 <= one.survival <= 1 for one in points) and all(
        later.survival <= earlier.survival for earlier, later in pairwise(points)
    )


def curve_cause(arm: str, phase: str) -> str:
    """What is at fault where a printed curve cannot be one."""
    return identifier("cause", "curve", arm or "all", phase)


def survival_at(points: tuple[Point, ...], time: float) -> float | None:
    """Survival at any time, the hazard being constant between printed times and after the last.

    Returns
    -------
    float or None
        None where no curve is printed, or it has reached 0 or rises.
    """
    if not points or any(not 0 < one.survival < 1 for one in points):
        return None
    known = [(0.0, 0.0), *((one.time, -math.log(one.survival)) for one in points)]
    for (start, low), (end, high) in pairwise(known):
        if high < low:
            return None
        if time <= end or end == known[-1][0]:
            return math.exp(-(low + (high - low) * (time - start) / (end - start)))
    return None


def median_of(points: tuple[Point, ...]) -> float | None:
    """The time at which the curve passes one half, the hazard being constant between printed times."""
    time, hazard = 0.0, 0.0
    for one in points:
        if not 0 < one.survival < 1:
            return None
        later = -math.log(one.survival)
        if later >= math.log(2):
            return time + (math.log(2) - hazard) / (later - hazard) * (one.time - time)
        time, hazard = one.time, later
    return None


def median_bounds(points: tuple[Point, ...]) -> tuple[float, float]:
    """The printed times between which the curve passes one half, rounding allowed for; infinity where it does not."""
    lower = max((one.time for one in points if one.survival - one.half_digit > 0.5), default=0.0)
    upper = min((one.time for one in points if one.survival + one.half_digit < 0.5), default=math.inf)
    return lower, upper
