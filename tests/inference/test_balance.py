"""Balance, weights and overlap against hand calculations and the exact balance of overlap weights."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats

from inference.frequentist.balance import (
    effective_sample_size,
    iptw_weights,
    largest_by_chance,
    overlap_weights,
    share_outside_common_range,
    standardised_differences,
)


@pytest.fixture(scope="module")
def patients():
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(400, 2))
    treatment = rng.random(400) < 1 / (1 + np.exp(-columns @ [0.8, -0.5]))
    fitted = sm.Logit(treatment.astype(float), sm.add_constant(columns)).fit(disp=0)
    return SimpleNamespace(columns=columns, treatment=treatment, propensity=fitted.predict())


def test_difference_by_hand():
    covariates = pd.DataFrame({"age": [50.0, 60.0, 40.0, 44.0]})
    table = standardised_differences(covariates, [True, True, False, False], weights=[3, 1, 1, 1])
    deviation = np.sqrt((50 + 8) / 2)
    row = table.iloc[0]
    assert row["term"] == "age"
    assert_allclose(row["difference_before"], (55 - 42) / deviation)
    assert_allclose(row["difference_after"], (52.5 - 42) / deviation)


def test_every_level_of_a_category_is_a_row():
    grade = pd.Categorical(["I", "II", "II", "I"], categories=["I", "II", "III"])
    table = standardised_differences(pd.DataFrame({"grade": grade}), [True, True, False, False])
    assert table["term"].tolist() == ["grade[I]", "grade[II]", "grade[III]"]
    assert table["difference_before"].tolist() == [0, 0, 0]
    assert table["difference_after"].isna().all()


def test_difference_without_spread_is_zero_or_infinite():
    covariates = pd.DataFrame({"same": [0.1] * 6, "apart": [0.3, 0.3, 0.3, 0.1, 0.1, 0.1]})
    table = standardised_differences(covariates, [True] * 3 + [False] * 3)
    assert table["difference_before"].tolist() == [0, np.inf]


def test_a_design_and_its_columns_agree_whatever_the_unit(patients):
    design = SimpleNamespace(terms=("a", "b"), values=patients.columns - patients.columns.mean(axis=0))
    covariates = pd.DataFrame(patients.columns * 10 + 3, columns=["a", "b"])
    from_design = standardised_differences(design, patients.treatment)
    from_columns = standardised_differences(covariates, patients.treatment)
    assert_allclose(from_design["difference_before"], from_columns["difference_before"], rtol=1e-10)


def test_overlap_weights_of_a_logistic_fit_balance_exactly(patients):
    weights = overlap_weights(patients.propensity, patients.treatment)
    table = standardised_differences(pd.DataFrame(patients.columns), patients.treatment, weights)
    assert table["difference_before"].abs().min() > 0.2
    assert_allclose(table["difference_after"], 0, atol=1e-7)


def test_weights_by_hand_and_over_draws():
    propensity, treatment = np.array([[0.2, 0.8, 0.5], [0.4, 0.4, 0.4]]), [True, True, False]
    stabilised = iptw_weights(propensity, treatment)
    assert_allclose(stabilised[0], [2 / 3 / 0.2, 2 / 3 / 0.8, 1 / 3 / 0.5])
    by_draw = iptw_weights(propensity, treatment, share=[0.5, 0.25])
    assert_allclose(by_draw[1], [0.25 / 0.4, 0.25 / 0.4, 0.75 / 0.6])
    assert_allclose(overlap_weights(propensity, treatment)[0], [0.8, 0.2, 0.5])


def test_stabilised_weights_of_a_logistic_fit_average_about_one(patients):
    weights = iptw_weights(patients.propensity, patients.treatment)
    assert_allclose(weights.mean(), 1, atol=0.05)


def test_effective_sample_size_is_the_number_of_equal_weights_and_less_otherwise():
    assert effective_sample_size(np.full(7, 0.3)) == pytest.approx(7)
    assert effective_sample_size([1.0, 0.0, 0.0]) == 1
    assert_allclose(effective_sample_size([[1.0, 1.0], [3.0, 1.0], [0.0, 0.0]]), [2, 1.6, 0])


def test_share_outside_common_range_by_hand():
    found = share_outside_common_range(
        [0.1, 0.4, 0.6, 0.5, 0.7, 0.9], [False, False, False, True, True, True]
    )
    assert found["lower"] == 0.5
    assert found["upper"] == 0.6
    assert_allclose(found[["all", "treated", "control"]], [4 / 6, 2 / 3, 2 / 3])


def test_impossible_inputs_are_refused():
    with pytest.raises(ValueError, match="propensities must lie between 0 and 1, but found 1 that do not"):
        overlap_weights([0.5, 1.5], [True, False])
    with pytest.raises(ValueError, match="weights must be 2 finite numbers"):
        standardised_differences(pd.DataFrame({"a": [1.0, 2.0]}), [True, False], [-1.0, 1.0])
    with pytest.raises(ValueError, match="above 0 for somebody in both arms"):
        standardised_differences(pd.DataFrame({"a": [1.0, 2.0]}), [True, False], [0.0, 1.0])
    with pytest.raises(ValueError, match="both arms"):
        standardised_differences(pd.DataFrame({"a": [1.0, 2.0]}), [True, True])


def test_the_imbalance_of_chance_is_that_of_random_signs():
    """One covariate: 1.96 standard errors of the mean of signed differences; many independent ones: the quantile of their maximum."""
    rng = np.random.default_rng(3)
    pair, treatment = np.repeat(np.arange(300), 2), np.tile([True, False], 300)
    for terms in (1, 22):
        values = rng.normal(size=(600, terms))
        apart = values[::2] - values[1::2]
        error = np.sqrt((apart**2).mean() / 300)
        expected = stats.norm.ppf((1 + 0.95 ** (1 / terms)) / 2) * error
        shuffled = rng.permutation(600)
        found = largest_by_chance(values[shuffled], treatment[shuffled], pair[shuffled], np.ones(terms))
        assert found == pytest.approx(expected, rel=0.06)
        halved = largest_by_chance(values, treatment, pair, np.full(terms, 2.0))
        assert halved == pytest.approx(found / 2)


def test_twins_leave_nothing_to_chance():
    values = np.repeat(np.arange(8.0), 2)[:, None]
    found = largest_by_chance(values, np.tile([True, False], 8), np.repeat(np.arange(8), 2), np.ones(1))
    assert found == 0.0
