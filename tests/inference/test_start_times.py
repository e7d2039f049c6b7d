"""Start-time scenarios against SciPy's distributions, and bins against moments known in closed form."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from inference.sensitivity.start_times import (
    DELAYS,
    UNITS_PER_MONTH,
    AtStart,
    EarlyOrLater,
    Exponential,
    LastThird,
    Uniform,
    delayed,
    scenarios_of,
)

LAWS = {
    "uniform": (Uniform("", "", 12.0), stats.uniform(0, 12)),
    "exponential": (Exponential("", "", 7.0), stats.expon(scale=7)),
}
MIXED = EarlyOrLater("", "", 0.3, 8.0, 2.0)
END = np.array([0.4, 1.9, 2.0, 6.0, 30.0, 90.0])
EVERY = [*(scenario for scenario, _ in LAWS.values()), MIXED, LastThird("", ""), AtStart("", "")]


@pytest.mark.parametrize("name", list(LAWS))
def test_distributions_are_those_of_scipy(name):
    scenario, law = LAWS[name]
    probability = np.linspace(0, 0.999, 40)
    assert_allclose(scenario.cdf(END), law.cdf(END), atol=1e-14)
    assert_allclose(scenario.quantile(probability), law.ppf(probability), rtol=1e-12, atol=1e-14)


def test_the_mixture_is_its_two_parts():
    expected = 0.3 * stats.uniform(0, 2).cdf(END) + 0.7 * stats.expon(scale=8).cdf(END)
    assert_allclose(MIXED.cdf(END), expected, atol=1e-14)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.97, 1.0])
@pytest.mark.parametrize("mean", [0.3, 8.0, 60.0])
def test_quantiles_of_the_mixture_undo_its_distribution(share, mean):
    scenario = EarlyOrLater("", "", share, mean, 2.0)
    probability = np.concatenate([[0.0], np.linspace(0.001, 0.999, 200)])
    start = scenario.quantile(probability)
    assert_allclose(scenario.cdf(start), probability, atol=1e-12)
    assert (np.diff(start) >= 0).all()


@pytest.mark.parametrize("scenario", EVERY, ids=lambda scenario: type(scenario).__name__)
def test_bins_lie_before_the_end_and_sum_to_the_chance_of_a_start(scenario):
    starts, weights = scenario.bins(END, 16)
    count = 1 if isinstance(scenario, AtStart) else 16
    assert starts.shape == weights.shape == (len(END), count)
    assert (starts >= 0).all()
    assert (starts <= END[:, None]).all()
    assert (weights > 0).all()
    assert_allclose(weights.sum(axis=1), scenario.cdf(END), rtol=1e-12)


def test_bins_have_the_mean_of_the_starts_before_the_end():
    """E[R; R < t], by its integral: half of t^2 / 12 evenly over 12; m - (t + m) e^(-t/m) for an exponential."""
    starts, weights = Uniform("", "", 12.0).bins(END, 16)
    assert_allclose((starts * weights).sum(axis=1), np.minimum(END, 12.0) ** 2 / 24.0, rtol=1e-10)
    starts, weights = Exponential("", "", 7.0).bins(END, 60)
    assert_allclose((starts * weights).sum(axis=1), 7 - (END + 7) * np.exp(-END / 7), rtol=2e-4)
    starts, weights = LastThird("", "").bins(END, 16)
    assert_allclose((starts * weights).sum(axis=1), END * 5 / 6, rtol=1e-12)


@pytest.mark.parametrize("scenario", EVERY[:3], ids=lambda scenario: type(scenario).__name__)
def test_draws_follow_the_distribution(scenario):
    drawn = scenario.draw(np.full(4000, 5.0), np.random.default_rng(1))
    assert stats.kstest(drawn, scenario.cdf).pvalue > 0.001


def test_the_last_third_follows_the_patients_own_time():
    end = np.random.default_rng(2).exponential(20, (4, 1000))
    share = LastThird("", "").draw(end, np.random.default_rng(1)) / end
    assert stats.kstest(share.ravel(), stats.uniform(2 / 3, 1 / 3).cdf).pvalue > 0.001
    assert not AtStart("", "").draw(end, np.random.default_rng(1)).any()


@pytest.mark.parametrize("unit", list(UNITS_PER_MONTH))
def test_scenarios_mean_the_same_in_every_unit(unit):
    """Six months are six months, however they are counted."""
    month = {"months": 1, "days": 365.25 / 12, "weeks": 365.25 / 12 / 7, "years": 1 / 12}[unit]
    ours, months = (scenarios_of(one, np.random.default_rng(3), 2) for one in (unit, "months"))
    at = np.array([0.5, 6.0, 20.0])
    for own, other in zip([*ours, *delayed(unit)], [*months, *delayed("months")], strict=True):
        assert (own.name, own.label) == (other.name, other.label)
        assert_allclose(own.cdf(at * month), other.cdf(at), rtol=1e-12)


def test_the_elicited_scenario_is_drawn_from_its_prior():
    drawn = [one for one in scenarios_of("months", np.random.default_rng(5), 3000) if one.name == "elicited"]
    assert len(drawn) == 3000
    shares = [one.share for one in drawn]
    means = [np.log(one.mean) for one in drawn]
    assert stats.kstest(shares, stats.beta(2, 2).cdf).pvalue > 0.001
    assert stats.kstest(means, stats.norm(np.log(8), 0.8).cdf).pvalue > 0.001
    assert {one.window for one in drawn} == {2.0}


def test_names_are_one_for_each_scenario_and_delays_begin_at_zero():
    names = [one.name for one in scenarios_of("days", np.random.default_rng(0))]
    assert names == ["at_start", "elicited", "uniform_12", "uniform_24", "last_third"]
    assert isinstance(delayed("days")[0], AtStart)
    assert_allclose([one.mean for one in delayed("years")[1:]], np.array(DELAYS[1:]) / 12)
