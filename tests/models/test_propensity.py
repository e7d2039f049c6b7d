"""The treatment model: a logistic regression, as statsmodels and SciPy know it."""

import numpy as np
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats

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
