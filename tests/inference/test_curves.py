"""Marginal curves and what comes of them, against sums over patients, integrals, roots and closed forms."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.optimize import brentq

from data.simulation.simulate import NormalCovariate, PiecewiseHazard, Truth, simulate_cohort, true_survival
from inference.adjustments.adjusted import flat_draws
from inference.estimands import ESTIMANDS
from inference.estimands.curves import (
    ARMS,
    DISPLAY_POINTS,
    POPULATIONS,
    population_weights,
    standardise,
    time_grid,
)
from models.baselines import PiecewiseExponential, Weibull
from models.exposures import Naive, TimeSplit

HORIZON, TIMES, LAST = 60.0, (12.0, 36.0, 60.0), 72.0
BASELINES = {
    "piecewise": PiecewiseExponential((6.0, 12.0, 24.0, 36.0)),
    "two intervals": PiecewiseExponential((5.0,)),
    "exponential": PiecewiseExponential(),
    "weibull": Weibull(),
}


@pytest.fixture(scope="module")
def nobody_differs(cohort_of):
    """A cohort without covariates."""
    rng = np.random.default_rng(1)
    return cohort_of(rng.uniform(1, LAST, 40), rng.random(40) < 0.7, np.arange(40) % 2)


def grid_of(baseline, horizon=HORIZON, last=LAST):
    return time_grid(baseline.cutpoints, horizon, TIMES, last)


class Exact:
    """The curves of one draw as a sum over patients, at any time."""

    def __init__(self, design, cohort, weights, draw):
        flat = flat_draws(design.parameters)
        self.one = {name: value[[draw]] for name, value in flat.items()}
        self.baseline = design.posterior.spec.baseline
        coefficients = self.one.get("outcome_coefficients", np.zeros((1, 0)))[0]
        self.risk = np.exp(cohort.outcome.values @ coefficients)
        self.weights = weights[:, draw]
        self.ratio = np.exp([0.0, self.one["treatment_effect"][0]])

    def cumulative(self, time):
        basis = self.baseline.basis(np.atleast_1d(np.asarray(time, dtype=float)))
        return self.baseline.cumulative_hazard(self.one, basis, np)[0]

    def survival(self, time, population, arm):
        each = np.exp(-np.multiply.outer(self.cumulative(time) * self.ratio[arm], self.risk))
        return each @ self.weights[population]

    def hazard(self, time, population, arm):
        each = np.exp(-np.multiply.outer(self.cumulative(time) * self.ratio[arm], self.risk))
        at = self.baseline.basis(np.atleast_1d(np.asarray(time, dtype=float)))
        rate = np.exp(self.baseline.log_hazard(self.one, at, np)[0]) * self.ratio[arm]
        return rate * (each @ (self.weights[population] * self.risk)) / (each @ self.weights[population])

    def integral(self, function):
        edges = [0.0, *(cut for cut in self.baseline.cutpoints if cut < HORIZON), HORIZON]
        return sum(quad(function, a, b, epsabs=1e-10, limit=300)[0] for a, b in pairwise(edges))

    def restricted_mean(self, population, arm):
        return self.integral(lambda at: self.survival(at, population, arm)[0])

    def median(self, population, arm):
        if self.survival(LAST, population, arm)[0] > 0.5:
            return np.inf
        return brentq(lambda at: self.survival(at, population, arm)[0] - 0.5, 1e-9, LAST)

    def average_hazard_ratio(self, population):
        def weighted(at, arm):
            surviving = self.survival(at, population, 0) * self.survival(at, population, 1)
            return (self.hazard(at, population, arm) * surviving)[0]

        return self.integral(lambda at: weighted(at, 1)) / self.integral(lambda at: weighted(at, 0))


def computed(made, cohort, baseline, **options):
    """Curves, and the exact ones of each draw: the same bootstrap weights."""
    design = made(cohort, baseline, **options)
    curves = standardise(design, cohort, grid_of(baseline), np.random.default_rng(9))
    draws = curves.log_hazard_ratio.size
    weights = population_weights(design.propensity, cohort.treatment, draws, np.random.default_rng(9))
    return curves, [Exact(design, cohort, weights, draw) for draw in range(draws)]


@pytest.fixture(scope="module", params=list(BASELINES))
def both(request, made, small_cohort):
    return computed(made, small_cohort, BASELINES[request.param])


def each(exact):
    """Every draw, population and arm."""
    return [
        (draw, population, arm)
        for draw in range(len(exact))
        for population in range(len(POPULATIONS))
        for arm in range(len(ARMS))
    ]


def test_survival_is_the_sum_over_patients(both):
    curves, exact = both
    assert curves.survival.shape == (3, 2, len(exact), len(curves.grid.time))
    for draw, population, arm in each(exact):
        ours = curves.survival[population, arm, draw]
        assert_allclose(ours, exact[draw].survival(curves.grid.time, population, arm), rtol=0, atol=1e-6)


def test_the_marginal_hazard_is_that_of_the_survivors(both):
    curves, exact = both
    positive = curves.grid.time > 0
    for draw, population, arm in each(exact):
        ours = curves.hazard[population, arm, draw][positive]
        assert_allclose(ours, exact[draw].hazard(curves.grid.time[positive], population, arm), rtol=1e-4)
    assert np.all(np.isfinite(curves.hazard))


def test_the_restricted_mean_is_the_integral_of_survival(both):
    curves, exact = both
    ours = [ESTIMANDS[f"rmst_{arm}"].draws(curves)[:, 0] for arm in ARMS]
    for draw, population, arm in each(exact)[::5]:
        expected = exact[draw].restricted_mean(population, arm)
        assert ours[arm][population, draw] == pytest.approx(expected, abs=1e-4)


def test_survival_at_the_study_s_times(both):
    curves, exact = both
    for arm, name in enumerate(ARMS):
        ours = ESTIMANDS[f"survival_{name}"].draws(curves)
        for draw in range(len(exact)):
            assert_allclose(ours[0, :, draw], exact[draw].survival(TIMES, 0, arm), rtol=0, atol=1e-6)


def test_medians_are_roots_of_the_curve(both):
    curves, exact = both
    ours = [ESTIMANDS[f"median_{arm}"].draws(curves)[:, 0] for arm in ARMS]
    for draw, population, arm in each(exact):
        assert ours[arm][population, draw] == pytest.approx(exact[draw].median(population, arm), rel=1e-3)


def test_the_marginal_hazard_ratio_is_the_average_of_kalbfleisch_and_prentice(both):
    curves, exact = both
    ours = ESTIMANDS["marginal_hazard_ratio"].draws(curves)[:, 0]
    for draw in (0, 5):
        for population in range(len(POPULATIONS)):
            expected = exact[draw].average_hazard_ratio(population)
            assert ours[population, draw] == pytest.approx(expected, rel=2e-4)


def test_the_hazard_ratio_at_a_time_is_that_of_the_slopes_of_the_exact_curves(both):
    curves, exact = both
    ours = ESTIMANDS["hazard_ratio_at"].draws(curves)
    step = 1e-4
    for place, time in enumerate(TIMES):
        for draw in (0, 5):
            for population in range(len(POPULATIONS)):
                slopes = [
                    np.log(
                        exact[draw].survival(time - step, population, arm)
                        / exact[draw].survival(time, population, arm)
                    )
                    for arm in (0, 1)
                ]
                assert ours[population, place, draw] == pytest.approx(slopes[1] / slopes[0], rel=1e-3)


def test_averaging_over_patients_pulls_the_hazard_ratio_to_one(both):
    """Non-collapsibility: the marginal ratio lies between the conditional one and 1."""
    curves, _ = both
    marginal = ESTIMANDS["marginal_hazard_ratio"].draws(curves)[:, 0]
    conditional = np.exp(curves.log_hazard_ratio[0])
    assert np.all(np.abs(np.log(marginal)) < np.abs(np.log(conditional)))
    assert np.all(np.sign(np.log(marginal)) == np.sign(np.log(conditional)))


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=list(BASELINES))
def test_without_differences_the_marginal_ratio_is_the_common_one(made, nobody_differs, baseline):
    curves, _ = computed(made, nobody_differs, baseline)
    ours = ESTIMANDS["marginal_hazard_ratio"].draws(curves)[:, 0]
    assert_allclose(ours, np.broadcast_to(np.exp(curves.log_hazard_ratio[0]), ours.shape), rtol=1e-8)
    ratio = curves.hazard[:, 1] / curves.hazard[:, 0]
    assert_allclose(
        ratio, np.broadcast_to(np.exp(curves.log_hazard_ratio[0])[:, None], ratio.shape), rtol=1e-8
    )


def test_closed_forms_of_the_exponential(made, nobody_differs):
    baseline = PiecewiseExponential()
    curves, _ = computed(made, nobody_differs, baseline, log_hazard=np.full((1, 1, 1), np.log(0.03)))
    rate = 0.03 * np.exp([np.zeros(12), curves.log_hazard_ratio[0]])
    for arm, name in enumerate(ARMS):
        rmst = ESTIMANDS[f"rmst_{name}"].draws(curves)[0, 0]
        assert_allclose(rmst, (1 - np.exp(-rate[arm] * HORIZON)) / rate[arm], rtol=1e-9)
        assert_allclose(ESTIMANDS[f"median_{name}"].draws(curves)[0, 0], np.log(2) / rate[arm], rtol=1e-9)
        survival = np.exp(-np.multiply.outer(np.array(TIMES), rate[arm]))
        assert_allclose(ESTIMANDS[f"survival_{name}"].draws(curves)[0], survival, rtol=1e-9)


@pytest.mark.parametrize(
    ("cutpoints", "median"), [((), 5.0), ((12.0,), 10.0), ((6.0, 12.0), 5.0), ((1.0,), 2.0)]
)
def test_the_restricted_mean_is_right_however_few_the_cut_points(made, nobody_differs, cutpoints, median):
    """The last interval may be much wider than the time in which most die."""
    baseline, rate = PiecewiseExponential(cutpoints), np.log(2) / median
    log_hazard = np.full((1, 1, len(cutpoints) + 1), np.log(rate))
    curves, _ = computed(made, nobody_differs, baseline, log_hazard=log_hazard, treatment_effect=0.0)
    expected = (1 - np.exp(-rate * HORIZON)) / rate
    assert_allclose(ESTIMANDS["rmst_control"].draws(curves), expected, rtol=1e-4)


def test_equal_rates_shape_one_and_one_interval_give_the_same_curves(made, small_cohort):
    """On one grid: piecewise, Weibull and exponential in survival, hazard, restricted mean and median."""
    rates = np.random.default_rng(2).uniform(0.01, 0.05, (2, 6))
    variants = [
        (BASELINES["piecewise"], {"log_hazard": np.log(rates)[..., None] * np.ones(5)}),
        (BASELINES["exponential"], {"log_hazard": np.log(rates)[..., None]}),
        (BASELINES["weibull"], {"median_survival": np.log(2) / rates, "weibull_shape": 1.0}),
    ]
    shared = made(small_cohort, BASELINES["weibull"]).parameters
    common = {name: shared[name] for name in ("treatment_effect", "outcome_coefficients")}
    grid = grid_of(BASELINES["piecewise"])
    first, *others = [
        standardise(
            made(small_cohort, baseline, **own, **common, propensity=np.full((1, small_cohort.size), 0.4)),
            small_cohort,
            grid,
            np.random.default_rng(4),
        )
        for baseline, own in variants
    ]
    for other in others:
        assert_allclose(other.survival, first.survival, rtol=0, atol=1e-9)
        assert_allclose(other.hazard, first.hazard, rtol=1e-7)
        for name in ("rmst_difference", "median_treated", "median_control", "marginal_hazard_ratio"):
            assert_allclose(ESTIMANDS[name].draws(other), ESTIMANDS[name].draws(first), rtol=1e-7)


def test_no_effect_gives_equal_arms(made, small_cohort):
    curves, _ = computed(made, small_cohort, BASELINES["weibull"], treatment_effect=0.0)
    assert_allclose(curves.survival[:, 0], curves.survival[:, 1], rtol=1e-12)


def test_weights_of_the_populations():
    propensity, treatment = np.array([[0.2, 0.5, 0.9], [0.4, 0.4, 0.4]]), np.array([True, False, True])
    weights = population_weights(propensity, treatment, 2, np.random.default_rng(3))
    everybody = np.random.default_rng(3).standard_exponential((2, 3))
    assert weights.shape == (3, 2, 3)
    assert_allclose(weights.sum(axis=-1), 1.0)
    for number, factor in enumerate(
        [np.ones((2, 3)), treatment * np.ones((2, 1)), propensity * (1 - propensity)]
    ):
        expected = everybody * factor
        assert_allclose(weights[number], expected / expected.sum(axis=1, keepdims=True))
    assert np.all(weights[1][:, ~treatment] == 0)


def test_bootstrap_weights_are_dirichlet():
    weights = population_weights(np.full((1, 5), 0.5), np.ones(5, bool), 40_000, np.random.default_rng(1))[0]
    assert_allclose(weights.mean(axis=0), 0.2, atol=0.004)
    assert_allclose(weights.var(axis=0), 0.2 * 0.8 / 6, rtol=0.05)


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=list(BASELINES))
@pytest.mark.parametrize(("horizon", "last"), [(60.0, 72.0), (60.0, 60.0), (60.0, 41.3)])
def test_a_grid_holds_what_is_asked_for(baseline, horizon, last):
    grid = grid_of(baseline, horizon, last)
    assert grid.time[0] == 0
    assert np.all(np.diff(grid.time) > 0)
    assert grid.time[-1] == max(horizon, last)
    assert [grid.time[grid.at(time)] for time in TIMES] == list(TIMES)
    assert np.all(np.isin(baseline.cutpoints, grid.time))
    assert grid.quadrature.sum() == pytest.approx(horizon)
    assert np.all(grid.quadrature[grid.time > horizon] == 0)
    for power in range(1, 8):  # exact for polynomials
        assert grid.quadrature @ grid.time**power == pytest.approx(horizon ** (power + 1) / (power + 1))
    shown = grid.time[grid.display]
    assert_allclose(shown[[0, -1]], [0, max(horizon, last)])
    assert np.diff(shown).max() <= max(horizon, last) / DISPLAY_POINTS * (1 + 1e-9)
    for cut in [cut for cut in baseline.cutpoints if cut < shown[-1]]:
        assert cut in shown  # and a time just beyond it, so that a hazard's jump is drawn upright
        assert np.nextafter(cut, np.inf) in shown


def test_a_median_beyond_the_last_follow_up_is_not_reached(made, nobody_differs):
    """Infinite in one arm makes the difference infinite; in both, undetermined."""
    medians = np.array([[20.0, 50.0, 90.0]] * 2)
    design = made(
        nobody_differs,
        BASELINES["weibull"],
        draws=3,
        median_survival=medians,
        weibull_shape=1.0,
        treatment_effect=np.log(0.5),
    )
    curves = standardise(design, nobody_differs, grid_of(BASELINES["weibull"]), np.random.default_rng(1))
    control, treated, difference = (
        ESTIMANDS[f"median_{name}"].draws(curves)[0, 0] for name in ("control", "treated", "difference")
    )
    assert_allclose(control, [20, 50, np.inf] * 2, rtol=1e-9)
    assert_allclose(treated, [40, np.inf, np.inf] * 2, rtol=1e-9)
    assert_allclose(difference, [20, np.inf, np.nan] * 2, rtol=1e-8)


@pytest.mark.parametrize("median", [0.05, 41.2, 41.29])
def test_a_median_just_after_the_start_or_before_the_last_follow_up_is_found(made, nobody_differs, median):
    """The last follow-up lies before the horizon, between two times of display."""
    baseline = PiecewiseExponential()
    rate = np.full((1, 1, 1), np.log(np.log(2) / median))
    design = made(nobody_differs, baseline, log_hazard=rate, treatment_effect=0.0)
    curves = standardise(design, nobody_differs, grid_of(baseline, last=41.3), np.random.default_rng(1))
    assert_allclose(ESTIMANDS["median_control"].draws(curves), median, rtol=1e-6)


@pytest.mark.parametrize("exposure", [Naive(), TimeSplit()], ids=lambda one: one.name)
def test_with_delayed_entry_the_population_is_that_at_time_zero(made, exposure):
    """Those seen are survivors: at the true parameters, curves of all are those of everybody, not of who was seen.

    60,000 patients; the bootstrap's standard error of a mean is about 0.06 months. Averaged over those seen alone, both
    restricted means are more than a month too long.
    """
    truth = Truth(
        log_hazard_ratio=-0.7,
        baseline=PiecewiseHazard((12.0,), (0.025, 0.025)),
        covariates={"x": NormalCovariate()},
        outcome={"x": 0.8},
        treatment={"x": 0.8},
        latest_entry=36.0,
        mean_delay=9.0 if exposure.name == "time_split" else 0.0,
    )
    cohort = simulate_cohort(truth, 60_000, seed=3)
    average = np.log(0.025) + 0.8 * cohort.outcome.means[0]
    design = made(
        cohort,
        PiecewiseExponential((12.0,)),
        draws=2,
        treatment_effect=[[-0.7]],
        log_hazard=np.full((1, 1, 2), average),
        outcome_coefficients=np.full((1, 1, 1), 0.8),
        propensity=np.full((1, cohort.size), 0.5),
    )
    design = replace(
        design, posterior=replace(design.posterior, spec=replace(design.posterior.spec, exposure=exposure))
    )
    grid = time_grid((12.0,), 60.0, (), 96.0)
    time = np.linspace(0.0, 60.0, 1201)
    expected = [np.trapezoid(true_survival(truth, time, treated), time) for treated in (False, True)]
    curves = standardise(design, cohort, grid, np.random.default_rng(1))
    for arm, name in enumerate(("rmst_control", "rmst_treated")):
        assert ESTIMANDS[name].draws(curves)[0, 0] == pytest.approx(expected[arm], abs=0.35)
    seen = replace(cohort, entry=np.zeros(cohort.size))
    biased = standardise(design, seen, grid, np.random.default_rng(1))
    for arm, name in enumerate(("rmst_control", "rmst_treated")):
        assert np.all(ESTIMANDS[name].draws(biased)[0, 0] > expected[arm] + 1.0)
