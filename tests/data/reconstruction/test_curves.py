"""Cohorts from curves and numbers at risk: counts, the density under a curve, the filter, and the patients behind a figure."""

import dataclasses
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from data.published.publish import publish_curve
from data.published.reconstruction.cohorts import draw_cohort, first_state, plan_of
from data.published.reconstruction.curve_targets import CALIBRATION_SD
from data.published.reconstruction.density import END_WIDTH, log_density
from data.published.reconstruction.inversion import arm_of
from data.published.reconstruction.readings import READING_SD, read
from data.published.reconstruction.statistics import read_curve
from data.published.reconstruction.target import CURVE
from inference.benchmark.trials import Reading, Trial, measure, publication_of, quantities

ALL, NO_TABLE, FEW = Reading(True), Reading(False), Reading(True, 20)


def trial_of(size: int, seed: int, ratio: float = 0.7) -> Trial:
    """A trial of two arms with entry over three years, few early losses and hazards that change."""
    draws = np.random.default_rng(seed)
    first = np.arange(size) < size // 2
    died = 18 * draws.weibull(1.3, size) * np.where(first, 1 / ratio, 1.0)
    left = np.minimum(draws.uniform(20, 56, size), draws.exponential(400, size))
    return Trial("simulated", "months", np.round(np.minimum(died, left), 2) + 0.01, died <= left, first)


@pytest.fixture(scope="module")
def trial():
    return trial_of(240, 3)


def test_counts_along_a_curve_are_those_of_the_cohort(trial):
    order = np.argsort(trial.time, kind="stable")
    checkpoints = np.quantile(trial.time, [0.1, 0.5, 0.5, 0.9])
    passed = np.empty((3, 4))
    role = trial.first.astype(np.int32)
    read_curve(role, role.sum(), 0, order, trial.time, trial.event.astype(np.int64), checkpoints, passed)
    for place, at in enumerate(checkpoints):
        assert passed[1, place] == (trial.first & (trial.time > at)).sum()
        assert passed[2, place] == (trial.first & (trial.time <= at) & trial.event).sum()


@pytest.mark.parametrize("reading", [ALL, NO_TABLE, FEW])
def test_the_density_under_a_curve_is_one_in_total(trial, reading):
    """Deaths and losses up to the end of the figure, and those followed beyond it."""
    state = first_state(plan_of(*publication_of(trial, reading)), np.random.default_rng(1))
    for patient in (0, trial.first.sum()):
        stratum = state.lifetimes.stratum[patient]
        end = state.lifetimes.end[stratum]
        edges = [state.lifetimes.knots[stratum], state.lifetimes.loss_knots[stratum]]
        points = np.unique(np.concatenate([one[(one >= 0) & (one <= end)] for one in edges]))
        total = 0.0
        for event in (0, 1):

            def density(at, patient=patient, event=event):
                return np.exp(log_density(patient, at, event, state.lifetimes))

            total += sum(quad(density, a + 1e-12, b - 1e-12)[0] for a, b in pairwise(points))
        beyond = np.exp(log_density(patient, end * (1 + END_WIDTH / 2), 0, state.lifetimes)) * END_WIDTH * end
        assert total + beyond == pytest.approx(1, abs=1e-6)


def test_a_figure_of_few_patients_gives_them_back(trial):
    """Of 120 patients every step is several pixels: times of death are known to a pixel, and all numbers at risk.

    After the last column of the risk table few are left, and it is open how many of them die.
    """
    curve = publication_of(trial, ALL)[1].curves[0]
    arm = arm_of(read(curve), 120, np.zeros(2), CALIBRATION_SD, np.random.default_rng(2))
    until = curve.at_risk_time[curve.at_risk_time < trial.time[trial.first].max()][-1]
    deaths, own = (
        np.sort(time[died & (time < until)])
        for time, died in ((arm.time, arm.event == 1), (trial.time[trial.first], trial.event[trial.first]))
    )
    assert len(deaths) == len(own) > 70
    assert np.abs(deaths - own).max() <= curve.time_resolution
    for at, number in zip(curve.at_risk_time, curve.at_risk, strict=True):
        assert (arm.time >= at).sum() == number


def test_a_fall_at_the_very_end_of_a_curve_is_read():
    """The last death is later than the last whole pixel column."""
    time, event = np.array([3.0, 7.0, 9.99]), np.array([1, 0, 1])
    curve = publish_curve(time, event, axis=12.0)
    assert curve.survival[-1] == 0.0
    assert abs(curve.time[-1] - 9.99) <= curve.time_resolution / 2
    assert curve.survival[-2] == pytest.approx(2 / 3, abs=curve.survival_resolution / 2)


def test_somebody_is_followed_to_the_end_of_a_curve(trial):
    study, evidence = publication_of(trial, NO_TABLE)
    plan = plan_of(study, evidence)
    ends = [target for target in plan.targets if target.operator == ">"]
    assert [target.time for target in ends] == [
        one.time[-1] - one.time_resolution / 2 for one in evidence.curves if one.survival[-1] > 0
    ]
    assert [ends[0].deviation(value) for value in (0.0, 1.0, 7.0)] == [-2.0, 0.0, 0.0]
    state = first_state(plan, np.random.default_rng(1))
    values = state.values[[plan.targets.index(target) for target in ends]]
    assert (values >= 1).all()


@pytest.mark.parametrize("reading", [ALL, NO_TABLE, FEW])
def test_every_printed_point_and_count_is_met(trial, reading):
    plan = plan_of(*publication_of(trial, reading))
    cohort = draw_cohort(plan, 1, 1)
    assert cohort.conflicts == ()
    off = [abs(target.deviation(value)) for target, value in zip(plan.targets, cohort.values, strict=True)]
    assert max(off) <= 1


def test_a_shift_of_an_axis_moves_what_was_read(trial):
    state = first_state(plan_of(*publication_of(trial, ALL)), np.random.default_rng(1))
    axes, layout = state.axes, state.layout
    axes.errors[:] = 0
    axes.place(layout)
    before = layout.aim[axes.target].copy()
    axes.errors[0] = (0, 0, 0, 2.0)
    axes.place(layout)
    step = axes.resolution[0, 1]
    assert layout.aim[axes.target] - before == pytest.approx(2 * step * axes.survival)
    first = layout.checkpoint_first
    for group in range(len(layout.reverse)):
        assert (np.diff(layout.checkpoints[first[group] : first[group + 1]]) >= 0).all()


def test_a_wobbly_reading_is_inference(trial):
    """Errors of half a point of a hundred, stated as such: no point is dropped, and the ratio is that of the patients."""
    study, evidence = publication_of(trial, ALL)
    draws = np.random.default_rng(4)
    wobbly = []
    for curve in evidence.curves:
        kept = np.arange(0, len(curve.time), 15)
        survival = np.clip(curve.survival[kept] + draws.normal(0, 0.005, len(kept)), 0, 1)
        read = {"time": curve.time[kept], "survival": survival, "survival_resolution": 0.005 / READING_SD}
        wobbly.append(dataclasses.replace(curve, **read))
    assert any((np.diff(one.survival) > 0).any() for one in wobbly)
    plan = plan_of(study, dataclasses.replace(evidence, curves=tuple(wobbly)))
    assert sum(target.family == CURVE for target in plan.targets) > 40
    cohort = draw_cohort(plan, 1, 1)
    assert cohort.conflicts == ()
    horizon = min(trial.time[trial.first].max(), trial.time[~trial.first].max())
    truth = quantities(trial.time, trial.event, trial.first, horizon)
    treated = plan.strata.treated[plan.strata.of_patient]
    found = quantities(cohort.time, cohort.event == 1, treated, horizon)
    assert found["log_hazard_ratio"] == pytest.approx(truth["log_hazard_ratio"], abs=0.06)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("reading", [ALL, NO_TABLE, FEW])
def test_intervals_over_cohorts_hold_the_patients(reading):
    """Of 40 trials of 60 to 800 patients, 36 or more intervals of each quantity hold what the patients have."""
    rows = pd.concat(
        [
            pd.DataFrame(measure(trial_of(int(60 * 13.3 ** (seed / 39)), seed), reading, 5, 1))
            for seed in range(40)
        ]
    )
    held = (rows["lower"] <= rows["truth"]) & (rows["truth"] <= rows["upper"])
    for name in ("log_hazard_ratio", "rmst_difference"):
        assert held[rows["quantity"] == name].sum() >= 36, name
