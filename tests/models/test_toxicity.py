"""The toxicity model is the binomial model that it says it is."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

from data.published.printed import printed
from data.published.toxicity import ArmCount, CountReading, HistoricalRange
from models.priors import Prior
from models.toxicity import MEANINGS, arms_of, build_toxicity_model, toxicity_priors

HISTORICAL = HistoricalRange("E1", 0.06, 0.11, 3, "necrosis", "")


def arm(exposure, cases, size):
    return ArmCount("", exposure, printed("50"), cases, size)


READINGS = [
    CountReading((arm("concurrent", 2, 4), arm("sequential", 2, 7)), 1),
    CountReading((arm("any", 9, 23), arm("none", 1, 22)), 0),
]


def test_arms_are_coded_by_exposure():
    arms = arms_of(READINGS)
    np.testing.assert_array_equal(arms.series, [0, 0, 1, 1])
    np.testing.assert_array_equal(arms.exposed, [1, 1, 1, 0])
    np.testing.assert_array_equal(arms.timing, [0.5, -0.5, 0, 0])
    np.testing.assert_array_equal(arms.cases, [2, 2, 9, 1])
    np.testing.assert_array_equal(arms.size, [4, 7, 23, 22])


def test_the_density_is_priors_times_binomials():
    priors = toxicity_priors(HISTORICAL)
    model = build_toxicity_model(arms_of(READINGS), priors)
    values = {"typical_log_odds": -2.2, "drug_effect": 1.3, "timing_effect": 0.4}
    sd, standard = 0.5, np.array([0.7, -0.2])
    log_odds = -2.2 + sd * standard[[0, 0, 1, 1]] + np.array([1.3 + 0.2, 1.3 - 0.2, 1.3, 0.0])
    expected = stats.binom.logpmf([2, 2, 9, 1], [4, 7, 23, 22], expit(log_odds)).sum()
    expected += sum(priors[name].frozen.logpdf(value) for name, value in values.items())
    expected += priors["between_series_sd"].frozen.logpdf(sd) + np.log(sd)  # sampled on the log scale
    expected += stats.norm.logpdf(standard).sum()
    point = values | {"between_series_sd_log__": np.log(sd), "series_standard": standard}
    assert model.compile_logp()(point) == pytest.approx(expected)


def test_priors_are_those_of_the_historical_range():
    priors = toxicity_priors(HISTORICAL)
    assert set(priors) == set(MEANINGS)
    level = priors["typical_log_odds"]
    assert level.arguments["mu"] == pytest.approx(logit([0.06, 0.11]).mean(), abs=1e-3)
    between = np.exp(priors["between_series_sd"].arguments["mu"])
    assert level.arguments["sigma"] == pytest.approx(2 * between / np.sqrt(3), rel=3e-3)
    # Three series of that spread span the range on average.
    draws = np.random.default_rng(1).normal(0, between, (200_000, 3))
    assert np.ptp(draws, axis=1).mean() == pytest.approx(np.ptp(logit([0.06, 0.11])), rel=0.01)
    assert all(isinstance(prior, Prior) and prior.reason for prior in priors.values())
