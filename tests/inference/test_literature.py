"""Hazard ratios that printed medians and survival imply."""

import numpy as np
import pytest
from scipy.stats import norm

from data.published.evidence import load_evidence
from data.study.study import load_study
from inference.published.implied_hazard_ratios import implied_ratios, standard_error


@pytest.fixture(scope="module")
def ratios():
    return implied_ratios(load_evidence(load_study("li2024")), "antiher2_survival", "BCBM").set_index("id")


def test_rows_are_the_comparisons_of_overall_survival(ratios):
    assert list(ratios.index) == ["E035", "E043", "E068", "E070"]


def test_ratios_are_those_of_constant_hazards(ratios):
    """Two exponential curves with these hazards have the printed medians, or the printed survival."""
    for row, treated, control in (("E043", 26.8, 12.9), ("E070", 34.0, 8.0)):
        hazard = np.log(2) / control
        assert np.exp(-hazard * ratios.loc[row, "hazard_ratio"] * treated) == pytest.approx(0.5)
    hazard = -np.log(0.33) / 3
    assert np.exp(-hazard * ratios.loc["E035", "hazard_ratio"] * 3) == pytest.approx(0.49)


def test_intervals_give_the_printed_p_value_back(ratios):
    for row, p in (("E035", 0.03), ("E043", 0.008), ("E070", 0.001)):
        centre, low, high = np.log(ratios.loc[row, ["hazard_ratio", "lower", "upper"]].astype(float))
        assert (low + high) / 2 == pytest.approx(centre)
        z = abs(centre) / ((high - low) / (2 * norm.ppf(0.975)))
        assert 2 * norm.sf(z) == pytest.approx(p)


def test_words_and_ranges_imply_nothing(ratios):
    assert ratios.loc["E068", ["hazard_ratio", "lower", "upper"]].isna().all()
    assert np.isnan(standard_error(-0.4, ""))
    assert np.isnan(standard_error(-0.4, "<0.001"))
