"""Risks, contrasts and exact intervals from draws that are written down."""

import numpy as np
import pytest
from scipy.special import logit
from statsmodels.stats.proportion import proportion_confint

from inference.published.toxicity_summaries import contrast_table, exact_interval, risk


def draws(without, drug, timing=0.0, shift=0.0):
    size = np.size(without)
    return {
        "typical_log_odds": logit(np.broadcast_to(without, size)),
        "drug_effect": np.broadcast_to(np.asarray(drug, dtype=float), size),
        "timing_effect": np.full(size, timing),
        "series_shift": np.full((size, 1), shift),
    }


def test_risks_add_on_the_log_odds_scale():
    made = draws(np.array([0.2]), np.log(4), timing=np.log(2), shift=np.log(3))
    # Odds 1/4; with the drug 1; together 1 sqrt(2), in sequence 1 / sqrt(2); in the series three times as many.
    assert risk(made, "none")[0] == pytest.approx(0.2)
    assert risk(made, "any")[0] == pytest.approx(0.5)
    assert risk(made, "concurrent")[0] == pytest.approx(np.sqrt(2) / (1 + np.sqrt(2)))
    assert risk(made, "sequential")[0] == pytest.approx(1 / (1 + np.sqrt(2)))
    assert risk(made, "any", 0)[0] == pytest.approx(0.75)
    assert risk(made, "none", 0)[0] == pytest.approx(0.75 / 1.75)


def test_contrasts_of_known_risks():
    table = contrast_table(draws(np.full(100, 0.2), np.log(4))).set_index(["contrast", "quantity"])["median"]
    assert table["drug", "risk_difference"] == pytest.approx(0.3)
    assert table["drug", "risk_ratio"] == pytest.approx(2.5)
    assert table["drug", "odds_ratio"] == pytest.approx(4.0)
    assert table["drug", "number_needed_to_harm"] == pytest.approx(1 / 0.3)


def test_no_number_is_needed_where_the_difference_may_be_zero():
    drug = np.linspace(-0.5, 2.5, 1001)
    table = contrast_table(draws(np.full(1001, 0.2), drug)).set_index(["contrast", "quantity"])
    assert np.isnan(table.loc[("drug", "number_needed_to_harm"), "median"])
    assert table.loc[("drug", "risk_difference"), "probability_of_harm"] == pytest.approx(5 / 6, abs=2e-3)


@pytest.mark.parametrize(("cases", "size"), [(0, 5), (5, 5), (9, 23), (1, 22)])
def test_exact_intervals_are_those_of_statsmodels(cases, size):
    expected = proportion_confint(cases, size, method="beta")
    np.testing.assert_allclose(exact_interval(cases, size), expected)
