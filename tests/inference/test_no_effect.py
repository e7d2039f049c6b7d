"""Cohorts without effect: the share treated, immortal time in closed form, and Cox models against lifelines."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from numpy.testing import assert_allclose
from scipy.special import expit

from data.simulation.simulate import PiecewiseHazard, Truth, simulate_cohort
from inference.sensitivity.no_effect import (
    Followed,
    candidate_intercept,
    follow,
    naive_log_hazard_ratio,
    naive_under_no_effect,
    split_log_hazard_ratio,
    without_effect,
)
from inference.sensitivity.start_times import AtStart, Exponential, LastThird, Uniform
from models.baselines import PiecewiseExponential
from models.effects import EFFECTS
from models.priors import Prior, PriorSet
from models.specification import ModelSpec

RATE, MEAN_DELAY = 0.05, 10.0


@pytest.fixture(scope="module")
def cohort():
    """600 patients, no covariate matters, half treated."""
    truth = Truth(
        baseline=PiecewiseHazard((), (RATE,)),
        outcome={},
        treatment={},
        log_hazard_ratio=0.0,
        accrual=0.0,
        closing=400.0,
    )
    return simulate_cohort(truth, 600, seed=5)


def alike(cohort, replicates, seed=1):
    """Exponential lives, nobody censored, everybody the same score."""
    time = np.random.default_rng(seed).exponential(1 / RATE, (replicates, cohort.size))
    return Followed(time, np.ones(time.shape, bool), np.zeros(time.shape))


def test_the_expected_share_treated_is_met():
    rng = np.random.default_rng(0)
    score, possible = rng.normal(size=(20, 300)), rng.random((20, 300)) < 0.8
    found = candidate_intercept(score, possible, 0.55)
    assert_allclose(np.mean(expit(found + score) * possible), 0.55, atol=1e-10)
    assert np.isnan(candidate_intercept(score, possible, possible.mean() + 0.001))


def test_who_lives_to_the_start_and_who_must_be_a_candidate(cohort):
    """P(R < T) = rate of starts / (rate of starts + hazard) for two exponentials; q is the share treated over that."""
    shown = naive_under_no_effect(
        cohort,
        alike(cohort, 60),
        [AtStart("zero", ""), Exponential("late", "", MEAN_DELAY)],
        (),
        np.random.default_rng(2),
    )
    lives = (1 / MEAN_DELAY) / (1 / MEAN_DELAY + RATE)
    assert_allclose(shown["reachable"], [1.0, lives], atol=0.01)
    share = cohort.treatment.mean()
    assert_allclose(shown["candidates"], [share, share / lives], atol=0.01)


def test_timing_alone_lowers_the_naive_ratio_and_known_starts_mend_it(cohort):
    """Survival by arm in closed form: T of the treated is R plus a residual life; the sum of two exponentials."""
    at = 20.0
    scenarios = [
        AtStart("zero", ""),
        Exponential("late", "", MEAN_DELAY),
        LastThird("last", ""),
        Uniform("never", "", 1e9),
    ]
    shown = naive_under_no_effect(cohort, alike(cohort, 60), scenarios, (at,), np.random.default_rng(3))
    mean = shown[["naive", "naive_adjusted", "split"]].mean("replicate")
    error = 0.1 / np.sqrt(60)  # of a log hazard ratio, about 0.08 for one cohort
    assert_allclose(mean["naive"][[0, 2]], 0.0, atol=4 * error)
    assert_allclose(mean["naive_adjusted"][[0, 2]], 0.0, atol=4 * error)
    assert_allclose(mean["split"][:2], 0.0, atol=4 * error)
    assert mean["naive"][1] < -0.4
    assert mean["split"][2] > 1.5  # treating the dying looks harmful
    starts = 1 / MEAN_DELAY
    total = starts + RATE
    # min(R, T) is exponential with the total rate and independent of which comes first; a residual life follows.
    treated = (total * np.exp(-RATE * at) - RATE * np.exp(-total * at)) / (total - RATE)
    candidates = float(shown["candidates"][1])
    share = candidates * starts / total
    everybody = np.exp(-RATE * at)
    untreated = (everybody - share * treated) / (1 - share)
    found = shown["survival"].isel(run=1, time=0).mean("replicate")
    assert_allclose(found, [untreated, treated], atol=0.012)
    assert np.isnan(shown["naive"][3]).all()
    assert np.isnan(shown["candidates"][3])
    assert_allclose(shown["median"].isel(run=0).mean("replicate"), np.log(2) / RATE, rtol=0.06)


def test_cox_models_are_those_of_lifelines():
    rng = np.random.default_rng(4)
    size = 200
    time, event, treated = rng.exponential(20, size), rng.random(size) < 0.8, rng.random(size) < 0.5
    start = np.where(treated, time * rng.random(size), np.nan)
    covariate = rng.normal(size=(size, 1))
    table = pd.DataFrame(
        {"time": time, "event": event, "treated": treated.astype(float), "age": covariate[:, 0]}
    )
    alone = CoxPHFitter().fit(table[["time", "event", "treated"]], "time", "event").params_["treated"]
    both = CoxPHFitter().fit(table, "time", "event").params_["treated"]
    assert_allclose(naive_log_hazard_ratio(time, event, treated), alone, atol=1e-5)
    assert_allclose(naive_log_hazard_ratio(time, event, treated, covariate), both, atol=1e-5)
    rows = []
    for one in range(size):
        if treated[one]:
            rows += [(one, 0.0, start[one], 0, 0.0), (one, start[one], time[one], int(event[one]), 1.0)]
        else:
            rows.append((one, 0.0, time[one], int(event[one]), 0.0))
    episodes = pd.DataFrame(rows, columns=["id", "start", "stop", "event", "treated"]).drop(columns="id")
    varying = CoxPHFitter().fit(episodes, "stop", "event", entry_col="start").params_["treated"]
    assert_allclose(split_log_hazard_ratio(time, event, treated, np.nan_to_num(start)), varying, atol=1e-5)


def test_replicated_cohorts_follow_the_model_and_the_censoring():
    truth = Truth(treatment_intercept=0.3)
    cohort = simulate_cohort(truth, 400, seed=8)
    baseline = PiecewiseExponential((12.0,))
    spec = ModelSpec(baseline, EFFECTS["constant"]())
    parameters = {
        "log_hazard": np.tile(np.log([0.02, 0.04]), (10, 1)),
        "outcome_coefficients": np.tile([0.02, 0.3, -0.4], (10, 1)),
        "propensity_intercept": np.zeros(10),
        "propensity_coefficients": np.tile([0.01, 0.2, 0.5], (10, 1)),
        "treatment_effect": np.full(10, -9.0),  # not to be read: there is no effect
    }
    followed = follow(cohort, spec, parameters, 200, np.random.default_rng(1))
    risk = np.exp(cohort.outcome.values @ [0.02, 0.3, -0.4])
    spent = 0.02 * np.minimum(followed.time, 12) + 0.04 * np.maximum(followed.time - 12, 0)
    # Deaths minus cumulative hazard is a martingale: its mean is 0 whatever the censoring.
    residual = (followed.event - risk * spent).mean(axis=0)
    assert abs(residual.mean()) < 4 * np.sqrt(followed.event.mean() / followed.event.size)
    assert_allclose(residual, 0.0, atol=5 * np.sqrt(1.0 / 200))
    censored = ~cohort.event
    assert (followed.time[:, censored] <= cohort.time[censored]).all()
    assert_allclose(followed.score[3], cohort.propensity.values @ [0.01, 0.2, 0.5])


def test_priors_without_effect_keep_all_else():
    given = PriorSet("own", "", {"log_hazard_level": Prior("Normal", {"mu": -3.0, "sigma": 1.0})})
    changed = without_effect(given)
    assert changed.overrides["log_hazard_level"] is given.overrides["log_hazard_level"]
    assert abs(changed.overrides["treatment_effect"].frozen.ppf([0.001, 0.999])).max() < 0.01
