"""The treatment model, as statsmodels and SciPy know it: its density, and its maximum under weights."""

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats
from scipy.optimize import minimize

from models.maximisers.score import WIDE, WIDE_INTERCEPT, maximise_score
from models.propensity import probability_of_treatment, propensity_score, treatment_log_likelihood

RNG = np.random.default_rng(5)
DESIGN = RNG.normal(size=(40, 2))
PARAMETERS = {
    "propensity_intercept": RNG.normal(size=(3, 4)),
    "propensity_coefficients": RNG.normal(size=(3, 4, 2)),
}


def test_probabilities_are_those_of_a_logistic_regression():
    columns = sm.add_constant(DESIGN)
    ours = probability_of_treatment(PARAMETERS, DESIGN)
    assert ours.shape == (3, 4, 40)
    for at in np.ndindex(3, 4):
        coefficients = np.r_[
            PARAMETERS["propensity_intercept"][at], PARAMETERS["propensity_coefficients"][at]
        ]
        assert_allclose(ours[at], sm.Logit(np.ones(40), columns).predict(coefficients), rtol=1e-12)


def test_the_likelihood_is_bernoulli():
    probability = probability_of_treatment(PARAMETERS, DESIGN)
    log_odds = PARAMETERS["propensity_intercept"][..., None] + propensity_score(PARAMETERS, DESIGN, np)
    treatment = (RNG.random(40) < 0.5).astype(float)
    ours = treatment_log_likelihood(treatment, log_odds, np)
    assert_allclose(ours, stats.bernoulli(probability).logpmf(treatment), rtol=1e-9)


def test_certain_treatment_has_a_finite_likelihood():
    ours = treatment_log_likelihood(np.array([1.0, 0.0, 1.0]), np.array([800.0, 800.0, -800.0]), np)
    assert_allclose(ours, [0.0, -800.0, -800.0])


def test_without_columns_everybody_has_the_same_probability():
    alone = {"propensity_intercept": np.array([0.0, 1.0])}
    assert np.all(propensity_score(alone, np.zeros((5, 0)), np) == 0)
    assert_allclose(
        probability_of_treatment(alone, np.zeros((5, 0))), [[0.5] * 5, [1 / (1 + np.exp(-1))] * 5]
    )


@pytest.fixture(scope="module")
def patients():
    rng = np.random.default_rng(4)
    values = np.column_stack([rng.normal(0, 3, 5000), rng.random(5000) < 0.2])
    treatment = rng.random(5000) < 1 / (1 + np.exp(0.3 - 0.2 * values[:, 0] - 0.8 * values[:, 1]))
    return values - values.mean(axis=0), treatment


def together(found):
    return np.column_stack([found["propensity_intercept"], found["propensity_coefficients"]])


def test_many_patients_give_the_regression_of_statsmodels(patients):
    """The prior's pull is its precision over the information: under a thousandth of a standard error here."""
    values, treatment = patients
    weights = np.random.default_rng(1).standard_exponential((3, len(values)))
    for row, own in zip(together(maximise_score(values, treatment, weights)), weights, strict=True):
        model = sm.GLM(
            treatment.astype(float),
            sm.add_constant(values),
            sm.families.Binomial(),
            freq_weights=own / own.mean(),
        )
        reference = model.fit(tol=1e-12)
        assert np.all(np.abs(row - reference.params) < 0.005 * reference.bse)


def test_few_patients_give_the_penalised_maximum(patients):
    """Against a general minimiser of the same objective, where the prior matters."""
    values, treatment = patients[0][:25] - patients[0][:25].mean(axis=0), patients[1][:25]
    weights = np.random.default_rng(2).standard_exponential((4, 25))
    scale = values.std(axis=0)

    def loss(place, own):
        eta = place[0] + values @ place[1:]
        prior = (place[0] / WIDE_INTERCEPT) ** 2 + ((place[1:] * scale / WIDE) ** 2).sum()
        return own @ (np.logaddexp(0, eta) - treatment * eta) + prior / 2

    for row, own in zip(together(maximise_score(values, treatment, weights)), weights, strict=True):
        reference = minimize(loss, np.zeros(3), args=(own / own.mean(),), options={"gtol": 1e-9})
        assert_allclose(row, reference.x, rtol=1e-4, atol=1e-5)


def test_the_unit_of_a_column_and_the_scale_of_weights_do_not_matter(patients):
    values, treatment = patients[0][:200] - patients[0][:200].mean(axis=0), patients[1][:200]
    weights = np.random.default_rng(3).standard_exponential((2, 200))
    plain = maximise_score(values, treatment, weights)
    other = maximise_score(values * [1000.0, 1e-3], treatment, 7 * weights)
    assert_allclose(
        other["propensity_coefficients"] * [1000.0, 1e-3], plain["propensity_coefficients"], rtol=1e-9
    )
    assert_allclose(other["propensity_intercept"], plain["propensity_intercept"], rtol=1e-9)


@pytest.mark.parametrize("extreme", [1.0, 1e6])
def test_a_covariate_that_determines_treatment_has_a_finite_coefficient(extreme):
    """Without the prior the maximum is at infinity; an extreme weight, or a far patient, does not stop the search."""
    treatment = np.arange(40) < 15
    values = np.where(treatment, 1.0, -0.6)[:, None] * np.where(np.arange(40) == 0, extreme, 1.0)[:, None]
    weights = np.ones((2, 40))
    weights[1, 3] = 1e5
    centred = values - values.mean()
    scale = centred.std()
    for row, own in zip(together(maximise_score(centred, treatment, weights)), weights, strict=True):
        residual = own / own.mean() * (treatment - 1 / (1 + np.exp(-row[0] - centred[:, 0] * row[1])))
        score = [
            residual.sum() - row[0] / WIDE_INTERCEPT**2,
            residual @ centred[:, 0] / scale - row[1] * scale / WIDE**2,
        ]
        assert_allclose(score, 0, atol=1e-5)


def test_without_columns_the_intercept_is_the_weighted_share():
    treatment = np.array([True, False, False, True])
    found = maximise_score(np.zeros((4, 0)), treatment, np.array([[3.0, 1.0, 2.0, 1.0]]))
    assert set(found) == {"propensity_intercept"}
    # 4 of 7 by weight; the prior's precision of 1/100 against an information of 4 x 0.57 x 0.43 pulls by 1 %
    assert found["propensity_intercept"][0] == pytest.approx(np.log(4 / 3), rel=0.012)


def test_draws_in_parts_are_those_one_by_one(patients, monkeypatch):
    """Four of 30 draws at a time, so that the last part is a short one."""
    monkeypatch.setattr("models.arrays.TOGETHER", 4 * 60)
    values, treatment = patients[0][:60] - patients[0][:60].mean(axis=0), patients[1][:60]
    weights = np.random.default_rng(5).standard_exponential((30, 60))
    at_once = together(maximise_score(values, treatment, weights))
    one_by_one = [together(maximise_score(values, treatment, own[None]))[0] for own in weights]
    assert_allclose(at_once, one_by_one, rtol=1e-5, atol=1e-6)
