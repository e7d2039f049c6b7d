"""What a digitised curve says of survival at a time, within its reading error, and of the effect between two of them."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from data.published.evidence import Evidence
from data.published.published_curves import PublishedCurve

NEAR = 2
"""Smallest differences of time within which a step may have been read."""


def curves_of(evidence: Evidence, phase: str) -> dict[str, PublishedCurve]:
    """The curve of everybody in each arm of a phase; of several figures the first."""
    found: dict[str, PublishedCurve] = {}
    for one in evidence.curves:
        if one.phase == phase and not one.subgroup:
            found.setdefault(one.arm, one)
    return found


def survival_range(curve: PublishedCurve, at: float) -> tuple[float, float] | None:
    """The lowest and the highest survival at a time that the reading allows; None beyond the end of the curve.

    Between two points the curve is somewhere between them, a step may be `NEAR` smallest differences early or late, and a
    reading is known to one smallest difference of survival.
    """
    apart = NEAR * curve.time_resolution
    if at > curve.time[-1] + apart:
        return None
    first = max(int(np.searchsorted(curve.time, at - apart, side="right")) - 1, 0)
    last = min(int(np.searchsorted(curve.time, at + apart, side="left")), len(curve.time) - 1)
    between = curve.survival[first : last + 1]
    high = 1.0 if at - apart <= 0 else float(between.max()) + curve.survival_resolution
    return max(float(between.min()) - curve.survival_resolution, 0.0), min(high, 1.0)


def time_range(curve: PublishedCurve, level: float) -> tuple[float, float]:
    """The earliest and the latest time at which the curve may pass a level; infinity where it does not."""
    apart = NEAR * curve.time_resolution
    low = np.flatnonzero(curve.survival - curve.survival_resolution <= level)
    under = np.flatnonzero(curve.survival + curve.survival_resolution < level)
    earliest = curve.time[max(low[0] - 1, 0)] - apart if len(low) else math.inf
    return float(earliest), float(curve.time[under[0]] + apart) if len(under) else math.inf


def deaths_between(
    at_risk: tuple[float, float], start: tuple[float, float], end: tuple[float, float]
) -> tuple[int, int]:
    """The fewest and the most deaths with which survival can fall so, between two numbers at risk.

    Of N patients at risk, n are left; D die and the others are censored. The Kaplan-Meier estimate falls by the factor (N - D) / N
    if the deaths come first, by n / (n + D) if they come last. The fewest are more than the most where no D does it. `start` and
    `end` are the lowest and highest survival at the first and at the second time.

    Examples
    --------
    >>> deaths_between((100, 80), (1.0, 1.0), (0.89, 0.91))
    (8, 11)
    >>> deaths_between((100, 80), (1.0, 1.0), (0.69, 0.71))  # 29 deaths would be needed, and 20 patients are lost
    (33, 20)
    """
    before, after = at_risk
    steepest = end[0] / start[1] if start[1] > 0 else 0.0
    flattest = min(end[1] / start[0], 1.0) if start[0] > 0 else 1.0
    if flattest <= 0:
        fewest = int(before - after)
    elif after > 0:
        fewest = math.ceil(after / flattest - after - 1e-9)
    else:
        fewest = 0 if flattest >= 1 else 1
    return fewest, min(math.floor(before * (1 - steepest) + 1e-9), int(before - after))


@dataclass(frozen=True)
class CurveEffect:
    """The effect of the treatment by two curves with numbers at risk."""

    # the log hazard ratio, treated to control, and its standard error
    log_ratio: float
    error: float
    reading: float  # how far one smallest difference in the reading of both curves moves the log hazard ratio
    deviate: float  # of the log-rank test, below 0 where the treated fare better


def effect_of(treated: PublishedCurve, control: PublishedCurve) -> CurveEffect | None:
    """The log hazard ratio and the log-rank deviate that two curves imply; None without numbers at risk or without a fall.

    Deaths at each fall are the number at risk times the share by which the curve falls. Between two columns of the risk table the
    number at risk follows the curve and a constant hazard of censoring. The ratio maximises the partial likelihood of these deaths.

    References
    ----------
    Parmar, Torri, Stewart 1998, doi 10.1002/(SICI)1097-0258(19981230)17:24<2815::AID-SIM110>3.0.CO;2-8.
    """
    if min(len(treated.at_risk), len(control.at_risk)) < 2:
        return None
    end = min(treated.time[-1], control.time[-1])
    falls = [_falls(one) for one in (treated, control)]
    times = np.concatenate([one[0] for one in falls])
    of_treated = np.repeat([True, False], [len(one[0]) for one in falls])
    deaths = np.concatenate([one[1] for one in falls])
    inside = times <= end
    times, of_treated, deaths = times[inside], of_treated[inside], deaths[inside]
    if not deaths.sum():
        return None
    first, second = (_at_risk(one, times) for one in (treated, control))
    share = first / (first + second)
    variance = float((deaths * share * (1 - share)).sum())
    deviate = float((deaths * (of_treated - share)).sum()) / math.sqrt(variance)
    log_ratio = 0.0
    for _ in range(30):
        expected = first * math.exp(log_ratio) / (first * math.exp(log_ratio) + second)
        information = float((deaths * expected * (1 - expected)).sum())
        if information <= 0:
            return None
        step = float((deaths * (of_treated - expected)).sum()) / information
        log_ratio += float(np.clip(step, -1, 1))
    reading = math.hypot(*(_moved_by_reading(one, end) for one in (treated, control)))
    return CurveEffect(log_ratio, 1 / math.sqrt(information), reading, deviate)


def _moved_by_reading(curve: PublishedCurve, end: float) -> float:
    """How far one smallest difference of survival moves the log of the hazard that has cumulated until a time."""
    alive = float(_falling(curve)[max(int(np.searchsorted(curve.time, end, side="right")) - 1, 0)])
    return curve.survival_resolution / (alive * -math.log(alive)) if alive < 1 else 0.0


def _falling(curve: PublishedCurve) -> np.ndarray:
    """The readings without rises: the lowest so far."""
    return np.clip(np.minimum.accumulate(curve.survival), 1e-6, 1.0)


def _falls(curve: PublishedCurve) -> tuple[np.ndarray, np.ndarray]:
    """Times at which the curve falls, and the deaths of each."""
    survival = _falling(curve)
    share = 1 - survival[1:] / np.concatenate([[1.0], survival[:-1]])[1:]
    where = share > 0
    times = curve.time[1:][where]
    return times, _at_risk(curve, times) * share[where]


def _at_risk(curve: PublishedCurve, times: np.ndarray) -> np.ndarray:
    """The number at risk just before some times."""
    survival = _falling(curve)

    def before(at: np.ndarray) -> np.ndarray:
        return survival[np.clip(np.searchsorted(curve.time, at, side="left") - 1, 0, None)]

    columns, counts = curve.at_risk_time, np.maximum(curve.at_risk, 0.5)
    steps = []
    for (start, end), (first, last) in zip(pairwise(columns), pairwise(counts), strict=True):
        kept = first * before(np.array([end]))[0] / before(np.array([start]))[0]
        steps.append(max(math.log(kept / last) / (end - start), 0.0))
    place = np.clip(np.searchsorted(columns, times, side="right") - 1, 0, len(columns) - 1)
    hazard = np.array([*steps, steps[-1]])[place]
    start = columns[place]
    return counts[place] * before(times) / before(start) * np.exp(-hazard * (times - start))
