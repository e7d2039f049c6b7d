"""Priors as values: every family and its SciPy twin, overrides by name and by term."""

import numpy as np
import pymc as pm
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from data.errors import InputError
from models.families import FAMILIES
from models.priors import Parameter, Prior, PriorSet
from models.specification import check_prior_terms, known_parameters

ARGUMENTS = {
    "Normal": {"mu": -0.4, "sigma": 0.7},
    "StudentT": {"nu": 4.0, "mu": 1.2, "sigma": 0.6},
    "HalfNormal": {"sigma": 0.8},
    "HalfStudentT": {"nu": 3.0, "sigma": 0.5},
    "LogNormal": {"mu": 0.3, "sigma": 0.6},
    "Gamma": {"alpha": 2.5, "beta": 1.7},
    "Exponential": {"lam": 2.2},
}


@pytest.fixture(params=list(FAMILIES))
def prior(request) -> Prior:
    return Prior(request.param, ARGUMENTS[request.param])


def test_the_scipy_twin_has_the_density_of_pymc(prior):
    values = np.array([0.05, 0.4, 1.0, 3.3])
    if prior.family.support == "real":
        values = np.concatenate([-values, values])
    ours = pm.logp(prior.family.pymc.dist(**prior.arguments), values).eval(mode="FAST_COMPILE")
    assert_allclose(prior.frozen.logpdf(values), ours, rtol=0, atol=1e-7)  # PyMC's own rounding


def test_there_is_no_density_outside_the_support(prior):
    outside = prior.frozen.logpdf(-0.5)
    assert np.isneginf(outside) == (prior.family.support == "positive")


def test_quantiles_and_random_values_are_of_the_same_distribution(prior):
    draws = np.asarray(prior.frozen.rvs(size=20_000, random_state=np.random.default_rng(6)))
    for probability in (0.05, 0.5, 0.9):
        share = (draws <= prior.frozen.ppf(probability)).mean()
        assert share == pytest.approx(probability, abs=4 * np.sqrt(probability * (1 - probability) / 20_000))


def test_twins_take_one_argument_for_each_term(prior):
    many = {name: np.array([value, 2 * value]) for name, value in prior.arguments.items()}
    frozen = prior.family.scipy(**many)
    singles = [
        prior.family.scipy(**{name: value[place] for name, value in many.items()}).logpdf(0.7)
        for place in (0, 1)
    ]
    assert_allclose(frozen.logpdf(np.array([0.7, 0.7])), singles)
    assert frozen.rvs(size=(50, 2), random_state=np.random.default_rng(1)).shape == (50, 2)


def test_every_argument_has_a_name_and_the_positive_ones_are_among_them(prior):
    assert set(prior.family.arguments) == set(prior.arguments)
    assert set(prior.family.positive) <= set(prior.family.arguments)


def test_a_prior_reads_as_it_is_written():
    assert str(Prior("Normal", {"mu": 0.0, "sigma": 0.217})) == "Normal(0, 0.217)"


def test_overrides_by_term_come_before_overrides_by_name_before_defaults():
    default, by_name, by_term = (Prior("Normal", {"mu": float(mu), "sigma": 1.0}) for mu in range(3))
    parameter = Parameter("slope", "real", default, "a slope", dim="term")
    assert PriorSet("a").prior(parameter, "age") is default
    assert PriorSet("a", "", {"slope": by_name}).prior(parameter, "age") is by_name
    both = PriorSet("a", "", {"slope": by_name}, {"slope": {"age": by_term}})
    assert both.prior(parameter, "age") is by_term
    assert both.prior(parameter, "grade") is by_name


def test_a_term_that_no_design_has_is_refused():
    priors = PriorSet(
        "mine", "", {}, {"outcome_coefficients": {"agee": Prior("Normal", {"mu": 0, "sigma": 1})}}
    )
    message = (
        r'prior set mine: \[outcome_coefficients."agee"\] must name a term .* known terms: age, grade\[T.II\]'
    )
    with pytest.raises(InputError, match=message):
        check_prior_terms(priors, {"outcome_coefficients": ("age", "grade[T.II]")})
    with pytest.raises(InputError, match="known terms: none"):
        check_prior_terms(priors, {"outcome_coefficients": ()})
    check_prior_terms(priors, {"outcome_coefficients": ("agee",), "propensity_coefficients": ()})


def test_every_parameter_of_the_contract_is_known():
    assert set(known_parameters()) >= {
        "treatment_effect",
        "outcome_coefficients",
        "propensity_intercept",
        "propensity_coefficients",
        "propensity_effect",
        "log_hazard_level",
        "log_hazard_step_sd",
        "log_hazard",
        "median_survival",
        "weibull_shape",
    }


@pytest.mark.parametrize("parameter", known_parameters().values(), ids=list(known_parameters()))
def test_defaults_fit_their_parameter_and_keep_the_promise_of_their_reason(parameter):
    assert FAMILIES[parameter.default.distribution].support == parameter.support
    assert set(parameter.default.arguments) == set(FAMILIES[parameter.default.distribution].arguments)
    assert parameter.meaning
    assert parameter.default.reason


def within(name: str, low: float, high: float) -> float:
    frozen = known_parameters()[name].default.frozen
    return float(frozen.cdf(high) - frozen.cdf(low))


def test_the_reasons_of_the_defaults_are_true():
    """Each number is one that a reason states."""
    assert within("treatment_effect", np.log(0.37), np.log(2.7)) == pytest.approx(0.95, abs=0.01)
    assert within("outcome_coefficients", -np.log(7), np.log(7)) == pytest.approx(0.95, abs=0.01)
    assert within("propensity_coefficients", -np.log(7), np.log(7)) == pytest.approx(0.95, abs=0.01)
    odds = stats.logistic.ppf([0.05, 0.95])
    assert within("propensity_intercept", *odds) == pytest.approx(0.95, abs=0.01)
    assert within("weibull_shape", 0.64, 2.1) == pytest.approx(0.95, abs=0.015)
    assert within("median_survival", 0.1, 13_000) == pytest.approx(0.95, abs=0.01)
    # medians of an exponential: log 2 / hazard
    assert within("log_hazard_level", np.log(np.log(2) / 13_000), np.log(np.log(2) / 0.1)) == pytest.approx(
        0.95, abs=0.01
    )
    # typical step: two thirds of the prior's step sd lie here
    step_sd = known_parameters()["log_hazard_step_sd"].default.frozen
    assert np.exp(step_sd.ppf([0.15, 0.85])) == pytest.approx([1.16, 1.52], abs=0.03)
