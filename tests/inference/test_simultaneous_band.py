"""Simultaneous bands: the share of curves inside, the interval at each time inside, and processes whose band is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi2

from inference.diagnostics.summaries import simultaneous_band

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
