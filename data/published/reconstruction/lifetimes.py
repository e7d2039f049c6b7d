"""The generative model of a cohort: hazards, effects, frailty and censoring, drawn anew for every cohort.

Where the publication says nothing, cohorts differ as this model says. The survival of each stratum is that of
print; what is drawn: log hazard ratios within their printed standard error, how they differ between the arms, the
frailty, the hazard after the last printed time, the spread of the follow-up, and how many are lost early.
"""

import math
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from data.errors import InputError
from data.published.evidence import Evidence
from data.published.reconstruction.assumptions import Assumptions
from data.published.reconstruction.density import END_WIDTH
from data.published.reconstruction.inversion import LossShape
from data.published.reconstruction.margins import ARMS, Strata, level_number
from data.published.reconstruction.readings import read
from data.published.reconstruction.targets import INTERVAL_WIDTHS, cox_fits
from data.study.study import Study

FRAILTY = (0.05, 0.6)  # variance of the gamma frailty: from nearly none to much
TAIL_SD = 0.35  # of the log hazard after the last printed time, around that before it
LOSSES = (0.08, 0.3)  # share lost at any time, evenly: without it curves step by whole patients
# standard deviation of the follow-up as a share of its median, where no interval is printed
FOLLOWUP_SPREAD = (0.08, 0.23)
SPREAD_FACTOR = (0.75, 1.2)  # around the spread that a printed interval of the median follow-up implies
FOLLOWED = 0.4  # share still followed, alive, near the median follow-up
EARLY_HAZARD = (0.1, 0.9)  # of the later one, where patients expected to die early were excluded
LOWEST, STEP = 0.01, 0.97  # of a survival curve: it ends above zero and falls from knot to knot
MONTHS = {"months": 1.0, "years": 1 / 12, "weeks": 52.1775 / 12, "days": 365.2425 / 12}


class Lifetimes(NamedTuple):
    """The generative model of one cohort, as arrays for the compiled density."""

    stratum: np.ndarray  # (patient,)
    # (patient,) hazard relative to the stratum's baseline; changed where covariates change
    relative: np.ndarray
    effects: np.ndarray  # (stratum, covariate, level) log hazard ratios
    centre: float  # mean of their sum over the pseudo-patients as they were first drawn
    knots: np.ndarray  # (stratum, knot) start of each interval, the first 0
    cumulative: np.ndarray  # (stratum, knot) baseline cumulative hazard there
    hazard: np.ndarray  # (stratum, knot) in the interval from there
    frailty: float  # variance
    followup: np.ndarray  # (stratum,) centre of the censoring times
    spread: np.ndarray  # (stratum,) their standard deviation
    early: float  # share lost at any time
    longest: float  # possible follow-up
    end: np.ndarray  # (stratum,) of the figure that shows its curve; infinite without one
    loss_knots: np.ndarray  # (stratum, loss knot) times from 0 to that end
    loss_reached: np.ndarray  # (stratum, loss knot) cumulative hazard of loss there


def draw_lifetimes(
    study: Study,
    evidence: Evidence,
    strata: Strata,
    covariates: np.ndarray,
    draws: np.random.Generator,
    assumptions: Assumptions,
    losses: Mapping[int, LossShape],
) -> Lifetimes:
    """The generative model of a cohort with these covariates (patient, covariate).

    `losses` is the follow-up of the strata that have a published curve.
    """
    of_patient = strata.of_patient
    effects = _effects(study, evidence, strata, draws, assumptions)
    columns = np.arange(covariates.shape[1])
    predictor = effects[of_patient[:, None], columns, covariates].sum(axis=1)
    centre = float(predictor.mean())
    relative = np.exp(predictor - centre)
    frailty = draws.uniform(*FRAILTY)
    curves = [_curve(study, evidence, strata, number, draws) for number in range(len(strata.sizes))]
    width = max(len(times) for times, _ in curves)
    knots = np.full((len(curves), width), np.inf)
    cumulative, hazard = np.zeros_like(knots), np.ones_like(knots)
    for number, (times, survival) in enumerate(curves):
        own = relative[of_patient == number]
        reached = np.array([_cumulative(own, frailty, value) for value in survival])
        knots[number, : len(times)] = times
        cumulative[number, : len(times)] = reached
        hazard[number, : len(times) - 1] = np.diff(reached) / np.diff(times)
        hazard[number, len(times) - 1] = hazard[number, len(times) - 2] * np.exp(draws.normal(0, TAIL_SD))
    followup, spread = _followup(evidence, strata, [times[-1] for times, _ in curves], draws)
    end = np.array(
        [losses[number].knots[-1] if number in losses else np.inf for number in range(len(curves))]
    )
    width = max((len(one.knots) for one in losses.values()), default=1)
    loss_knots, loss_reached = np.full((2, len(curves), width), np.inf)
    for number, one in losses.items():
        loss_knots[number, : len(one.knots)], loss_reached[number, : len(one.knots)] = one.knots, one.reached
    longest = longest_followup(study, evidence, float(followup.max()), float(spread.max()))
    if losses:
        longest = max(
            end.max(where=end < np.inf, initial=0.0) * (1 + END_WIDTH),
            longest if len(losses) < len(end) else 0.0,
        )
    return Lifetimes(
        of_patient.astype(np.int64), relative, effects, centre, knots, cumulative, hazard, frailty, followup, spread,
        draws.uniform(*LOSSES), longest, end, loss_knots, loss_reached,
    )  # fmt: skip


def longest_followup(study: Study, evidence: Evidence, followup: float, spread: float) -> float:
    """The longest possible follow-up: the accrual window where it is printed, else far beyond the median."""
    for fact in evidence.facts:
        dates = re.findall(r"(\d{4})-(\d{2})", fact.text)
        if fact.quantity == "accrual_window" and len(dates) == 2 and study.time_unit in MONTHS:
            (year, month), (last_year, last_month) = [(int(one), int(other)) for one, other in dates]
            window = (12 * (last_year - year) + last_month - month) * MONTHS[study.time_unit]
            if window > followup:
                return window
    return followup + 4 * spread


def _effects(
    study: Study, evidence: Evidence, strata: Strata, draws: np.random.Generator, assumptions: Assumptions
) -> np.ndarray:
    """Log hazard ratios (stratum, covariate, level): within their printed error, and unlike in the two arms."""
    printed: dict[tuple[str, int], tuple[float, float]] = {}
    for fit, rows, _ in cox_fits(evidence):
        for term, row in zip(fit.terms, rows, strict=True):
            interval = row.hazard_ratio.interval if row.hazard_ratio else None
            if term.column != "treatment" and interval:
                for level in term.levels:
                    error = math.log(interval[1] / interval[0]) / INTERVAL_WIDTHS
                    printed[term.column, level_number(study, term.column, level)] = (term.log_ratio, error)
    levels = [len(covariate.levels or ()) for covariate in study.covariates.values()]
    effects = np.zeros((len(strata.sizes), len(levels), max(levels, default=0)))
    side = np.where(strata.treated, 0.5, -0.5)
    for column, name in enumerate(study.covariates):
        for level in range(1, levels[column]):
            effect = draws.normal(*printed.get((name, level), (0.0, assumptions.effect_sd)))
            effects[:, column, level] = effect + side * draws.normal(0, assumptions.difference_sd)
    return effects


def printed_curve(evidence: Evidence, arm: str, phase: str) -> dict[float, float]:
    """The printed survival of an arm by time, the median among them; of a figure where there is one."""
    for curve in evidence.curves:
        if (curve.arm, curve.phase, curve.subgroup) == (arm, phase, ""):
            return read(curve).knots
    points = {0.0: 1.0}
    for row in evidence.survival:
        if (row.arm, row.phase) == (arm, phase):
            if row.time is not None:
                points[row.time] = row.number.value * (0.01 if row.number.unit == "percent" else 1.0)
            elif row.quantity == "median_os":
                points[row.number.value] = 0.5
    if len(points) == 1 and phase == "after":
        return printed_curve(evidence, arm, "before")
    if len(points) == 1:
        raise InputError(
            f"{evidence.folder / 'survival.csv'}: must give a median or a survival probability of both arms, but "
            f"finds none of the {arm} {phase} matching; add it."
        )
    return dict(sorted(points.items()))


def _curve(
    study: Study, evidence: Evidence, strata: Strata, number: int, draws: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Knots of a stratum's survival curve: print of the matched; outside of them what is left of print."""
    arm = ARMS[int(strata.treated[number])]
    before = printed_curve(evidence, arm, "before")
    points = before
    if strata.matched[number]:
        points = printed_curve(evidence, arm, "after")
    elif "after" in evidence.phases:
        after = printed_curve(evidence, arm, "after")
        size, size_after = evidence.size(arm, "before"), evidence.size(arm, "after")
        points = {
            time: (size * _read(before, time) - size_after * _read(after, time)) / (size - size_after)
            for time in before
        }
    times, survival = np.array(list(points)), np.clip(list(points.values()), LOWEST, 1.0)
    for place in range(1, len(survival)):
        survival[place] = min(survival[place], STEP * survival[place - 1])
    excluded = [re.fullmatch(r"exclusion_survival_lt_(\d+)m", fact.quantity) for fact in evidence.facts]
    for found in excluded:
        early = float(found[1]) * MONTHS.get(study.time_unit, 1.0) if found else math.inf
        if 0 < early < times[1]:
            ratio = draws.uniform(*EARLY_HAZARD)
            share = early * ratio / (early * ratio + times[1] - early)
            times, survival = np.insert(times, 1, early), np.insert(survival, 1, survival[1] ** share)
    return times, survival


def _read(points: dict[float, float], time: float) -> float:
    """Survival between printed times, at a constant hazard; after the last, at that of the last interval."""
    listed = list(points.items())
    for (start, one), (end, other) in pairwise(listed):
        if time <= end or (end, other) == listed[-1]:
            one, other = max(one, LOWEST), max(min(other, one), LOWEST)
            return one * (other / one) ** ((time - start) / (end - start))
    return 1.0


def _cumulative(relative: np.ndarray, frailty: float, survival: float) -> float:
    """The baseline cumulative hazard at which the survival of pseudo-patients of unlike risk is on average as given."""
    if survival >= 1:
        return 0.0

    def excess(log_hazard: float) -> float:
        return float(np.mean((1 + frailty * relative * math.exp(log_hazard)) ** (-1 / frailty))) - survival

    return math.exp(brentq(excess, -20, 20))


def _followup(
    evidence: Evidence, strata: Strata, last: list[float], draws: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Centre and spread of the censoring times of every stratum."""
    before, after = (evidence.find("", phase, "median_followup") for phase in ("before", "after"))
    centre = before.value if before else 1.2 * max(last)
    matched = after.value if after else centre
    # the median of all is near the mean of those in and outside the matched set
    share = strata.sizes[strata.matched].sum() / strata.sizes.sum()
    outside = max((centre - share * matched) / (1 - share), 0.5 * centre) if share < 1 else centre
    followup = np.where(strata.matched, matched, outside)
    spread = np.empty(2)
    for inside, number, size in (
        (0, before, strata.sizes.sum()),
        (1, after or before, strata.sizes[strata.matched].sum()),
    ):
        if number and number.interval:
            # se(median) = se(S) / f with S = 1/2 and the density f = 0.4 / sd of a normal distribution at its centre
            error = (number.interval[1] - number.interval[0]) / INTERVAL_WIDTHS
            spread[inside] = 0.8 * error * math.sqrt(FOLLOWED * size) * draws.uniform(*SPREAD_FACTOR)
        else:
            spread[inside] = (matched if inside else outside) * draws.uniform(*FOLLOWUP_SPREAD)
    return followup, spread[strata.matched.astype(int)]
