"""The arms as they were observed: their Kaplan-Meier curves, and who is at risk when."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from data.study.cohort import Cohort
from data.study.study import Study
from data.study.subcohorts import landmark_cohort
from inference.adjustments import ADJUSTMENTS
from inference.adjustments.weighting import effective_sizes
from inference.fits.requests import (
    TIME_SPLIT,
    FitRequest,
    cohorts_of,
    landmark_of,
    problem_of,
    request_of_cohort,
)
from inference.frequentist.pooled import mean_curve
from inference.frequentist.survival import KaplanMeier, kaplan_meier, weighted_kaplan_meier
from inference.report.figures.risk_table import Followed, together
from inference.report.figures.weighted_survival import WeightedArm
from models.episodes import episodes_of

ARMS = {"treated": True, "control": False}
SHOWN = 400  # times of a mean curve


def arm_curves(cohorts: Sequence[Cohort], exposure: str = "naive") -> dict[str, KaplanMeier]:
    """Return the Kaplan-Meier curve of each arm: at every time at which it may step, or the mean of several cohorts'.

    With exposure "time_split" who is treated counts in the untreated arm until treatment begins, and in the treated arm from
    then on (Simon and Makuch 1984, doi 10.1002/sim.4780030106); with that of a landmark those left then count, in the arms that they were
    in, from the landmark on.
    """
    curves = {}
    last = min(float(cohort.time.max()) for cohort in cohorts)
    for arm, episodes in _by_arm(cohorts, exposure).items():
        parts = []
        for own in episodes:
            entry = own.entry if np.any(own.entry > 0) else None
            steps = np.linspace(0.0, last, SHOWN) if len(cohorts) > 1 else np.unique(np.append(0.0, own.time))
            parts.append(kaplan_meier(own.time, own.event, entry, steps))
        curves[arm] = mean_curve(parts)
    return curves


def followed_by_arm(cohorts: Sequence[Cohort], exposure: str = "naive") -> dict[str, Followed]:
    """Return the times at risk of each arm, all cohorts together, counted as in `arm_curves`; of counts, by interval."""
    counts = cohorts[0].counts
    if counts is not None:
        return {arm: _followed_counts(cohorts[0], treated) for arm, treated in ARMS.items()}
    found = {arm: together(episodes) for arm, episodes in _by_arm(cohorts, exposure).items()}
    left = "Censored, or treated" if exposure == TIME_SPLIT else "Censored"
    return found | {"control": replace(found["control"], left=left)}


def followed_by_state(cohorts: Sequence[Cohort]) -> dict[str, Followed]:
    """Return the times at risk of all, and before and after treatment begins."""
    by_state = _by_arm(cohorts, TIME_SPLIT)
    return {
        "all": together(Followed(one.entry, one.time, one.event) for one in cohorts),
        "untreated": together(by_state["control"]),
        "treated": together(by_state["treated"]),
    }


def _followed_counts(cohort: Cohort, treated: bool) -> Followed:
    """Return the patients of an arm of a table of counts, who leave within an interval: right at cut points alone."""
    assert cohort.counts is not None, "a cohort of counts is asked for"
    exits, cuts = cohort.counts.exits, cohort.counts.cutpoints
    ends = np.array([*cuts, cuts[-1] + 1.0 if cuts else 1.0])
    middle = (ends + np.array([0.0, *cuts])) / 2
    own = cohort.treatment[exits.row] == treated
    time, patients = middle[exits.interval[own]], exits.patients[own].astype(float)
    return Followed(np.zeros(time.size), time, exits.event[own], weight=patients)


def _by_arm(cohorts: Sequence[Cohort], exposure: str) -> dict[str, list[Followed]]:
    found: dict[str, list[Followed]] = {arm: [] for arm in ARMS}
    landmark = landmark_of(exposure)
    for cohort in cohorts if landmark is None else [landmark_cohort(one, landmark) for one in cohorts]:
        episodes = episodes_of(cohort, time_split=exposure == TIME_SPLIT)
        for arm, treated in ARMS.items():
            inside = episodes.treated == treated
            found[arm].append(Followed(episodes.entry[inside], episodes.time[inside], episodes.event[inside]))
    return found


def weighted_arms(study: Study, cohorts: Sequence[Cohort], request: FitRequest) -> dict[str, WeightedArm]:
    """Return the arms under the weights of a fit's designs, at the score that fits best; means over cohorts, and over sets of pairs.

    Weights of an arm add up to its patients, those of pairs to the patients in pairs.
    """
    kind = ADJUSTMENTS[request.adjustment]
    assert kind.weighted_designs is not None, "the adjustment makes the arms alike"
    pooled = cohorts_of(request, cohorts)
    times = np.linspace(0.0, min(float(one.time.max()) for one in pooled), SHOWN)
    parts: dict[str, list[WeightedArm]] = {arm: [] for arm in ARMS}
    for number, cohort in enumerate(pooled):
        problem = problem_of(study, cohort, request_of_cohort(request, number))
        left = problem.cohort
        each = np.stack([design.weights for design in kind.weighted_designs(problem)])
        weights, sizes = each.mean(axis=0), effective_sizes(each, left.treatment)
        for arm, treated in ARMS.items():
            own = left.treatment == treated
            scale = 1.0 if kind.several_designs else own.sum() / weights[own].sum()
            history = left.entry[own], left.time[own], left.event[own]
            survival = weighted_kaplan_meier(history[1], history[2], history[0], weights[own], times)
            followed = Followed(*history, weight=weights[own] * scale)
            parts[arm].append(WeightedArm(times, survival, followed, float(sizes[arm].mean())))
    return {
        arm: WeightedArm(
            times,
            np.mean([one.survival for one in own], axis=0),
            together(one.followed for one in own),
            float(np.mean([one.effective for one in own])),
        )
        for arm, own in parts.items()
    }
