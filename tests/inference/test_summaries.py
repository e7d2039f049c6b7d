"""Summaries of draws against ArviZ and by hand; simultaneous bands; Rubin's rules."""

import arviz as az
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi2

from inference.diagnostics.summaries import COLUMNS, probability_of_benefit, simultaneous_band, summarise
from inference.frequentist.rubin import pool

CHAINS, DRAWS = 4, 250


@pytest.fixture(scope="module")
def draws():
    """Five rows of autocorrelated draws, one with chains that disagree."""
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(5, CHAINS, DRAWS))
    for step in range(1, DRAWS):
        noise[:, :, step] += 0.6 * noise[:, :, step - 1]
    noise[3, 0] += 2.0
    return noise[..., None]


def test_convergence_of_one_posterior_is_that_of_arviz(draws):
    summary = summarise(draws)
    assert set(summary) == set(COLUMNS)
    for row in range(5):
        one = draws[row, :, :, 0]
        assert_allclose(summary["rhat"][row], az.rhat(one), rtol=1e-12)
        assert_allclose(summary["ess_bulk"][row], az.ess(one, method="bulk"), rtol=1e-12)
        assert_allclose(summary["ess_tail"][row], az.ess(one, method="tail", prob=(0.05, 0.95)), rtol=1e-12)
        assert_allclose(summary["mcse"][row], az.mcse(one, method="mean"), rtol=1e-12)
    assert summary["rhat"][3] > 1.1


def test_numbers_by_hand(draws):
    summary = summarise(draws)
    flat = draws.reshape(5, -1)
    assert_allclose(summary["mean"], flat.mean(axis=1))
    assert_allclose(summary["sd"], flat.std(axis=1, ddof=1))
    for name, level in (("lower", 0.025), ("median", 0.5), ("upper", 0.975)):
        assert_allclose(summary[name], np.quantile(flat, level, axis=1))


def test_designs_are_pooled_with_the_largest_rhat_and_the_sum_of_effective_sizes(draws):
    rng = np.random.default_rng(4)
    designs = np.concatenate([draws, rng.normal(1, 2, draws.shape), rng.normal(size=draws.shape)], axis=-1)
    pooled, alone = summarise(designs), [summarise(designs[..., [number]]) for number in range(3)]
    assert_allclose(pooled["rhat"], np.max([one["rhat"] for one in alone], axis=0))
    for name in ("ess_bulk", "ess_tail"):
        assert_allclose(pooled[name], np.sum([one[name] for one in alone], axis=0))
    means = np.array([one["mean"] for one in alone])
    assert_allclose(pooled["mean"], means.mean(axis=0))
    assert_allclose(pooled["mcse"], means.std(axis=0, ddof=1) / np.sqrt(3))
    flat = designs.reshape(5, -1)
    assert_allclose(pooled["sd"], flat.std(axis=1, ddof=1))
    assert_allclose(pooled["upper"], np.quantile(flat, 0.975, axis=1))


def test_a_quantity_that_never_varies_has_converged():
    summary = summarise(np.full((1, CHAINS, DRAWS, 1), 0.25))
    assert {name: float(value[0]) for name, value in summary.items()} == {
        "mean": 0.25,
        "sd": 0.0,
        "median": 0.25,
        "lower": 0.25,
        "upper": 0.25,
        "mcse": 0.0,
        "ess_bulk": CHAINS * DRAWS,
        "ess_tail": CHAINS * DRAWS,
        "rhat": 1.0,
    }


def with_share(values, share, value):
    """Draws of which a share, spread evenly, is replaced."""
    flat = values.reshape(-1).copy()
    flat[np.linspace(0, flat.size - 1, round(share * flat.size)).astype(int)] = value
    return flat.reshape(values.shape)


@pytest.mark.parametrize(
    ("share", "median", "upper"), [(0.01, 1, 1), (0.2, 1, np.inf), (0.7, np.inf, np.inf)]
)
def test_a_median_that_is_not_reached_in_some_draws(share, median, upper):
    """No mean, no sd; quantiles are infinite as soon as the share reaches into them."""
    finite = np.random.default_rng(3).uniform(10, 20, (1, CHAINS, DRAWS, 1))
    summary = {name: value[0] for name, value in summarise(with_share(finite, share, np.inf)).items()}
    assert np.isnan([summary[name] for name in ("mean", "sd", "mcse")]).all()
    assert 10 < summary["lower"] < 20
    assert np.isinf(summary["median"]) == np.isinf(median)
    assert np.isinf(summary["upper"]) == np.isinf(upper)
    assert summary["rhat"] == pytest.approx(1.0, abs=0.02)
    assert summary["ess_bulk"] > 500


def test_never_reached_is_infinite_and_converged():
    summary = {name: value[0] for name, value in summarise(np.full((1, CHAINS, DRAWS, 1), np.inf)).items()}
    assert np.isinf([summary[name] for name in ("lower", "median", "upper")]).all()
    assert np.isnan(summary["mean"])
    assert summary["rhat"] == 1.0


@pytest.mark.parametrize(("share", "known"), [(0.02, True), (0.05, False), (1.0, False)])
def test_undetermined_draws_are_left_out_while_they_are_few(share, known):
    values = np.random.default_rng(3).uniform(10, 20, (1, CHAINS, DRAWS, 1))
    draws = with_share(values, share, np.nan)
    summary = {name: value[0] for name, value in summarise(draws).items()}
    assert np.isnan([summary["mean"], summary["sd"]]).all()
    assert np.isfinite([summary[name] for name in ("lower", "median", "upper")]).all() == known
    if known:
        rest = draws[~np.isnan(draws)]
        assert summary["median"] == np.quantile(rest, 0.5, method="inverted_cdf")
    assert np.isnan(probability_of_benefit(draws, 12.0, 1)[0]) != known


def test_infinite_draws_do_not_touch_other_rows():
    rng = np.random.default_rng(3)
    clean = rng.normal(size=(1, CHAINS, DRAWS, 1))
    both = np.concatenate([clean, with_share(clean, 0.3, np.inf)])
    for name, value in summarise(clean).items():
        assert_allclose(summarise(both)[name][0], value[0])


def test_the_probability_of_benefit_counts_draws_on_the_better_side():
    ratios = np.array([0.5, 0.8, 1.0, 1.3]).reshape(1, 2, 2, 1)
    assert probability_of_benefit(ratios, 1.0, -1).tolist() == [0.5]
    assert probability_of_benefit(ratios, 1.0, 1).tolist() == [0.25]
    assert np.isnan(probability_of_benefit(ratios, None, 0)).all()


def test_a_time_not_reached_is_later_than_any_other():
    differences = np.array([np.inf, -np.inf, 3.0, -1.0]).reshape(1, 2, 2, 1)
    assert probability_of_benefit(differences, 0.0, 1).tolist() == [0.5]


TIME = np.linspace(0.0, 60.0, 61)
POINTWISE = (0.025, 0.975)


def survival_of(log_cumulative):
    return np.exp(-np.exp(log_cumulative))


def weibull(seed, draws):
    """Curves of which both level and shape are uncertain and skewed, flat up to a landmark."""
    rng = np.random.default_rng(seed)
    shape = rng.lognormal(0.2, 0.3, (draws, 1))
    return np.exp(-rng.gamma(4.0, 0.25, (draws, 1)) * (np.maximum(TIME - 6.0, 0.0) / 30.0) ** shape)


def inside(curves, band):
    return np.mean(np.all((band[0] <= curves) & (curves <= band[1]), axis=-1))


def test_95_percent_of_the_curves_lie_inside_and_of_others_of_the_same_posterior():
    drawn = weibull(1, 2000)
    band = simultaneous_band(drawn)
    assert inside(drawn, band) == pytest.approx(0.95, abs=1e-9)
    assert inside(weibull(2, 4000), band) == pytest.approx(0.95, abs=0.02)
    lower, upper = np.quantile(drawn, POINTWISE, axis=0)
    assert inside(drawn, np.stack([lower, upper])) < 0.93
    later = TIME > 6.0
    assert np.all(band[0][later] < lower[later])
    assert np.all(band[1][later] > upper[later])
    assert_allclose(band[:, ~later], 1.0)


def test_a_turning_gaussian_process_has_the_quantile_of_its_radius():
    """Its largest deviation is the length of a standard normal vector of the plane, whose square is chi-square with 2 degrees."""
    angle = np.linspace(0.0, 2 * np.pi, 60)
    first, second = np.random.default_rng(3).standard_normal((2, 20_000, 1))
    band = simultaneous_band(survival_of(first * np.cos(angle) + second * np.sin(angle)))
    expected = np.sqrt(chi2.ppf(0.95, 2))
    limits = np.log(-np.log(band))
    assert_allclose(limits[0], expected, rtol=0.04)
    assert_allclose(limits[1], -expected, rtol=0.04)


def test_with_one_parameter_it_is_the_interval_at_each_time():
    hazard = np.random.default_rng(4).gamma(20.0, 0.001, (2, 3, 1001, 1))
    band = simultaneous_band(np.exp(-hazard * TIME))
    assert_allclose(band, np.quantile(np.exp(-hazard * TIME), POINTWISE, axis=-2), rtol=1e-9)


def test_three_cohorts_by_hand():
    pooled = pool([1.0, 2.0, 3.0], [1.0, 0.5, 1.5])  # W = 1, B = 1, T = 1 + 4/3
    assert (pooled.cohorts, pooled.estimate, pooled.within_sd, pooled.between_sd) == (3, 2.0, 1.0, 1.0)
    assert pooled.error == pytest.approx((7 / 3) ** 0.5)
    assert pooled.fraction_of_missing_information == pytest.approx(4 / 7)
    assert (pooled.lower, pooled.upper) == pytest.approx((2 - 2.993894, 2 + 2.993894), abs=1e-6)


def test_one_cohort_has_no_variance_between():
    pooled = pool([0.3], [0.04])
    assert (pooled.error, pooled.fraction_of_missing_information) == pytest.approx((0.2, 0.0))


def test_an_array_is_pooled_number_by_number():
    draws = np.random.default_rng(5)
    estimates, variances = draws.normal(size=(6, 4)), draws.exponential(size=(6, 4))
    together = pool(estimates, variances)
    for place in range(4):
        alone = pool(estimates[:, place], variances[:, place])
        assert together.lower[place] == pytest.approx(alone.lower)
        assert together.fraction_of_missing_information[place] == pytest.approx(
            alone.fraction_of_missing_information
        )
