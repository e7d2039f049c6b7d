"""Replicated cohorts: under the cohort's own censoring, and like the cohort where the model is true."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data.simulation.simulate import Truth, simulate_cohort
from inference.adjustments.adjusted import AdjustedSample
from inference.predictive.replicated import replicate_times
from models.baselines import BASELINES, PiecewiseExponential, Weibull

TRUTH = Truth()


def wrapped(*designs):
    return AdjustedSample("none", designs, {}, {})


def true_model(made, cohort, draws=60):
    """A posterior that has nothing but the truth; the baseline is moved from the population's average patient."""
    coefficients = np.array([TRUTH.outcome[term] for term in cohort.outcome.terms])
    shift = (cohort.outcome.means - [60.0, 0.5, 0.2]) @ coefficients
    return made(
        cohort,
        Weibull(),
        draws=draws,
        treatment_effect=TRUTH.log_hazard_ratio,
        outcome_coefficients=coefficients[None, None],
        median_survival=TRUTH.baseline.median * np.exp(-shift / TRUTH.baseline.shape),
        weibull_shape=TRUTH.baseline.shape,
    )


def kaplan_meier(time, event, at, entry=None):
    """Survival at some times, by hand."""
    entry = np.zeros(len(time)) if entry is None else entry
    survival = np.ones(len(at))
    for death in np.unique(time[event]):
        factor = 1 - (event & (time == death)).sum() / ((time >= death) & (entry < death)).sum()
        survival[at >= death] *= factor
    return survival


@pytest.mark.parametrize("baseline", [PiecewiseExponential((12.0, 36.0)), Weibull()], ids=list(BASELINES))
@pytest.mark.parametrize("latest_entry", [0.0, 10.0])
def test_no_replicate_passes_the_patient_s_own_censoring_time(made, baseline, latest_entry):
    cohort = simulate_cohort(Truth(latest_entry=latest_entry), 150, seed=4)
    design = made(cohort, baseline, draws=50)
    replicated = replicate_times(wrapped(design), cohort, 100, np.random.default_rng(1))
    time, event = replicated["time"].to_numpy()[0], replicated["event"].to_numpy()[0].astype(bool)
    assert time.shape == event.shape == (100, 150)
    censored = ~cohort.event
    assert np.all(time[:, censored] <= cohort.time[censored])
    assert np.all((time == cohort.time)[:, censored] == ~event[:, censored])
    assert np.all(time > cohort.entry)
    # who died was under observation until then: no replicate is censored earlier
    assert np.all((time >= cohort.time)[:, cohort.event] | event[:, cohort.event])
    for arm in (cohort.treatment, ~cohort.treatment):
        assert time[:, arm].max() <= cohort.time[arm].max()


@pytest.mark.parametrize("treated", [False, True])
def test_the_curve_of_replicates_is_the_model_s(made, treated):
    """Kaplan-Meier of replicates averages to the mean survival of the arm's patients: censoring does no harm."""
    cohort = simulate_cohort(TRUTH, 500, seed=21)
    design = true_model(made, cohort)
    replicated = replicate_times(wrapped(design), cohort, 120, np.random.default_rng(2))
    at = np.array([6.0, 12.0, 24.0, 36.0, 48.0])
    arm = cohort.treatment == treated
    curves = np.array(
        [
            kaplan_meier(time[arm], event[arm].astype(bool), at)
            for time, event in zip(
                replicated["time"].to_numpy()[0], replicated["event"].to_numpy()[0], strict=True
            )
        ]
    )
    one = {name: value[0, 0] for name, value in design.parameters.items()}
    eta = TRUTH.log_hazard_ratio * treated + cohort.outcome.values[arm] @ one["outcome_coefficients"]
    cumulative = np.log(2) * (at / one["median_survival"]) ** one["weibull_shape"]
    expected = np.exp(-np.multiply.outer(cumulative, np.exp(eta))).mean(axis=1)
    assert_allclose(curves.mean(axis=0), expected, atol=4 * (curves.std(axis=0) / np.sqrt(120)).max())


def test_the_cohort_s_own_curve_lies_among_those_of_a_true_model(made):
    """Over several cohorts: 95 % bands of replicates hold the observed curve about as often as they say."""
    at, inside = np.array([12.0, 24.0, 36.0]), []
    for seed in range(12):
        cohort = simulate_cohort(TRUTH, 200, seed=100 + seed)
        replicated = replicate_times(
            wrapped(true_model(made, cohort, 50)), cohort, 100, np.random.default_rng(seed)
        )
        for treated in (False, True):
            arm = cohort.treatment == treated
            curves = [
                kaplan_meier(time[arm], event[arm].astype(bool), at)
                for time, event in zip(
                    replicated["time"].to_numpy()[0], replicated["event"].to_numpy()[0], strict=True
                )
            ]
            low, high = np.quantile(curves, [0.025, 0.975], axis=0)
            observed = kaplan_meier(cohort.time[arm], cohort.event[arm], at)
            inside += list((low <= observed) & (observed <= high))
    assert np.mean(inside) > 0.85
    assert len(inside) == 72


def test_replicates_are_of_draws_spread_over_all_designs(made, small_cohort):
    designs = [made(small_cohort, Weibull(), draws=20, seed=seed) for seed in range(3)]
    replicated = replicate_times(wrapped(*designs), small_cohort, 30, np.random.default_rng(1))
    assert replicated["time"].dims == ("chain", "draw", "patient")
    assert replicated.sizes == {"chain": 1, "draw": 30, "patient": small_cohort.size}
    assert_array_equal(replicated["patient"], small_cohort.patient)


def test_the_same_seed_gives_the_same_replicates(made, small_cohort):
    one, two = (
        replicate_times(wrapped(made(small_cohort, Weibull())), small_cohort, 5, np.random.default_rng(3))
        for _ in range(2)
    )
    assert one.identical(two)
