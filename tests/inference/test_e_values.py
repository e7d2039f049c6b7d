"""E-values against published and hand-computed ones, the bound they rest on, and measured covariates read as conditions."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.optimize import brentq

from inference.sensitivity.e_values import benchmarks, bias_factor, e_value, e_values, risk_ratio


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (3.9, 7.26),  # the first two: worked examples of VanderWeele and Ding 2017, doi 10.7326/M16-2607
        (1.8, 3.0),
        (0.80, 1.81),
        (0.91, 1.43),
        (2.0, 2 + np.sqrt(2)),
        (1.0, 1.0),
    ],
)
def test_known_e_values(ratio, expected):
    assert e_value(ratio) == pytest.approx(expected, abs=0.005)
    assert e_value(1 / ratio) == pytest.approx(e_value(ratio))


def test_hazard_ratios_become_risk_ratios_of_a_common_outcome():
    # By hand: (1 - 0.5 ** 2) / (1 - 0.5 ** 0.5) of a hazard ratio of 4, and its inverse of 0.25.
    assert risk_ratio(4.0) == pytest.approx(0.75 / (1 - 0.70710678))
    assert risk_ratio(0.25) == pytest.approx((1 - 0.70710678) / 0.75)
    assert risk_ratio(0.56) == pytest.approx(0.40470 / 0.60396, abs=1e-4)
    assert e_value(risk_ratio(0.56)) == pytest.approx(2.35, abs=0.005)
    assert risk_ratio(1.0) == pytest.approx(1.0)
    # Nearer to 1 than the hazard ratio itself: risks of a common outcome cannot differ as much as hazards.
    ratios = np.linspace(1.05, 8, 50)
    assert np.all((risk_ratio(ratios) > 1) & (risk_ratio(ratios) < ratios))


def test_an_e_value_is_the_strength_of_which_the_bias_factor_is_the_ratio():
    ratios = np.array([1.1, 1.5, 2.4, 6.0])
    assert_allclose(bias_factor(e_value(ratios), e_value(ratios)), ratios)


def test_no_binary_confounder_shifts_a_risk_ratio_by_more_than_its_bias_factor():
    """Risks averaged over U at random prevalences; the bound is met where all of one arm have U."""
    rng = np.random.default_rng(1)
    fewer, more = np.sort(rng.uniform(0, 1, (2, 5000)), axis=0)
    harm = 1 + rng.exponential(3, 5000)
    spurious = (1 + more * (harm - 1)) / (1 + fewer * (harm - 1))
    bound = bias_factor(more / fewer, harm)
    assert np.all(spurious <= bound * (1 + 1e-12))
    everybody = harm / (1 + fewer * (harm - 1))
    assert_allclose(bias_factor(1 / fewer, harm), everybody)


def test_the_posterior_follows_the_draws_and_harm_is_no_benefit():
    """The E-value falls with the hazard ratio, so that its quantiles are those of the hazard ratio, turned round."""
    mean, sd = -0.3, 0.25
    draws = np.exp(stats.norm(mean, sd).ppf((np.arange(100_000) + 0.5) / 100_000)).reshape(4, -1)
    measured = pd.DataFrame({"term": ["weak", "strong"], "e_value": [1.2, 2.0]})
    found = e_values(draws, measured)
    low, middle, high = np.exp(stats.norm(mean, sd).ppf([0.025, 0.5, 0.975]))
    assert found.median == pytest.approx(e_value(risk_ratio(middle)), abs=1e-4)
    assert found.upper == pytest.approx(e_value(risk_ratio(low)), abs=1e-3)
    assert high > 1
    assert found.lower == 1.0
    assert found.classic == pytest.approx(found.median, abs=1e-4)
    assert found.classic_limit == 1.0
    for term, strength in (("weak", 1.2), ("strong", 2.0)):
        turning = brentq(
            lambda ratio, strength=strength: e_value(risk_ratio(ratio)) - strength, 0.1, 1 - 1e-12
        )
        assert found.probability_above[term] == pytest.approx(
            stats.norm.cdf(np.log(turning), mean, sd), abs=1e-4
        )


@pytest.mark.parametrize("mean", [-0.6, 0.6])
def test_the_classic_limit_is_that_of_the_end_nearer_to_one(mean):
    draws = np.exp(stats.norm(mean, 0.1).ppf((np.arange(20_000) + 0.5) / 20_000))
    nearer = np.exp(np.sign(mean) * (0.6 - 1.959964 * 0.1))
    found = e_values(draws)
    assert found.classic_limit == pytest.approx(e_value(risk_ratio(nearer)), abs=1e-3)
    assert found.probability_above.empty
    if mean > 0:
        assert (found.lower, found.median, found.upper) == (1, 1, 1)
    else:
        assert found.lower == pytest.approx(found.classic_limit, abs=1e-3)


def arms(size):
    return np.arange(size) % 2


def test_columns_of_zero_and_one_are_conditions_in_their_harmful_coding(cohort_of):
    """Eight patients written down: prevalences can be counted."""
    rare, common = np.array([1, 0, 1, 0, 0, 0, 0, 0]), np.array([1, 1, 1, 1, 0, 1, 0, 1])
    cohort = cohort_of(np.arange(1, 9), np.ones(8), arms(8), rare=rare, common=common)
    rows = benchmarks([cohort], np.log([2.0, 0.5])).set_index("term")
    assert rows.loc["rare", "coding"] == "present"
    # Row order alternates untreated, treated: two of four untreated have `rare`, none of the treated.
    assert tuple(rows.loc["rare", ["prevalence_treated", "prevalence_control", "difference"]]) == (
        0,
        0.5,
        0.5,
    )
    assert rows.loc["rare", "hazard_ratio"] == pytest.approx(2)
    assert rows.loc["rare", "e_value"] == pytest.approx(e_value(risk_ratio(2.0)))
    # `common` halves the hazard: what harms is its absence, in two of four untreated and none of the treated.
    assert rows.loc["common", "coding"] == "absent"
    assert tuple(rows.loc["common", ["prevalence_treated", "prevalence_control"]]) == (0, 0.5)
    assert rows.loc["common", "hazard_ratio"] == pytest.approx(2)


def test_the_strength_does_not_ask_which_arm_has_it_more_often(cohort_of):
    column = np.array([1, 0, 1, 0, 1, 1, 0, 0, 0, 0])
    rows = [
        benchmarks([cohort_of(np.arange(1, 11), np.ones(10), treated, site=column)], np.log([1.8])).iloc[0]
        for treated in (arms(10), 1 - arms(10))
    ]
    assert rows[0]["difference"] == pytest.approx(-rows[1]["difference"])
    assert rows[0]["difference"] == pytest.approx(3 / 5 - 1 / 5)
    expected = e_value(bias_factor(0.6 / 0.2, risk_ratio(1.8)))
    assert_allclose([row["e_value"] for row in rows], expected)


@pytest.mark.parametrize(("slope", "coding"), [(0.7, "1 sd above the mean"), (-0.7, "1 sd below the mean")])
def test_a_continuous_column_is_a_condition_of_its_harmful_end(cohort_of, slope, coding):
    """Of a standard normal column: a share of 0.159, and means of both sides that are known in closed form."""
    size = 20_000
    column = stats.norm.ppf((np.arange(size) + 0.5) / size)
    treated = np.random.default_rng(2).integers(0, 2, size)
    row = benchmarks(
        [cohort_of(np.ones(size), np.ones(size), treated, score=column)], np.array([slope])
    ).iloc[0]
    beyond = stats.norm.sf(1.0)
    gap = stats.norm.pdf(1.0) / beyond + stats.norm.pdf(1.0) / (1 - beyond)
    assert row["coding"] == coding
    assert row["hazard_ratio"] == pytest.approx(np.exp(0.7 * gap), rel=1e-3)
    assert row["prevalence_treated"] == pytest.approx(beyond, abs=0.012)
    assert row["prevalence_control"] == pytest.approx(beyond, abs=0.012)


def test_a_skewed_column_without_a_far_end_is_cut_at_its_mean(cohort_of):
    column = np.array([0.0, 0, 0, 0, 0, 0, 0, 0, 3, 90])
    cohort = cohort_of(np.arange(1, 11), np.ones(10), arms(10), marker=column)
    row = benchmarks([cohort], np.array([-0.01])).iloc[0]
    assert row["coding"] == "below the mean"
    assert row["hazard_ratio"] == pytest.approx(np.exp(0.01 * (90 - 3 / 9)))


def test_several_cohorts_are_averaged(cohort_of):
    columns = ([1, 0, 1, 0, 0, 0, 0, 1], [1, 1, 0, 1, 0, 0, 0, 0])
    cohorts = [cohort_of(np.arange(1, 9), np.ones(8), arms(8), site=np.array(one)) for one in columns]
    row = benchmarks(cohorts, np.log([[2.0], [4.5]])).iloc[0]
    assert row["hazard_ratio"] == pytest.approx(3.0)  # the mean of the logs
    assert row["prevalence_control"] == pytest.approx((2 / 4 + 1 / 4) / 2)
    assert row["prevalence_treated"] == pytest.approx((1 / 4 + 2 / 4) / 2)
