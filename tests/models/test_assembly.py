"""Models against densities computed without PyMC; everything that a cohort or a prior set changes is swappable data."""

import dataclasses
import itertools

import numpy as np
import pymc as pm
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import log_expit

from data.simulation.simulate import Truth, simulate_cohort
from inference.predictive.pointwise import pointwise_log_likelihood
from inference.sampling.posterior import Posterior
from models.assembly import (
    build_model,
    linear_predictor,
    parameter_names,
)
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.priors import Prior, PriorSet
from models.propensity import probability_of_treatment
from models.specification import ModelSpec, known_parameters

MODE = "FAST_COMPILE"
DEFAULT = PriorSet("default")
OTHER = PriorSet(
    "other",
    "",
    {
        "treatment_effect": Prior("Normal", {"mu": -0.4, "sigma": 0.2}),
        "outcome_coefficients": Prior("Normal", {"mu": 0.1, "sigma": 0.3}),
        "log_hazard_level": Prior("Normal", {"mu": -3.0, "sigma": 0.7}),
        "log_hazard_step_sd": Prior("LogNormal", {"mu": -1.0, "sigma": 0.2}),
        "log_hazard": Prior("Normal", {"mu": -3.0, "sigma": 0.7}),
        "median_survival": Prior("LogNormal", {"mu": 3.0, "sigma": 0.4}),
        "weibull_shape": Prior("LogNormal", {"mu": 0.0, "sigma": 0.1}),
        "propensity_coefficients": Prior("Normal", {"mu": 0.2, "sigma": 2.0}),
        "propensity_intercept": Prior("Normal", {"mu": 0.2, "sigma": 3.0}),
        "propensity_effect": Prior("Normal", {"mu": 0.2, "sigma": 0.1}),
    },
)
MIXED = PriorSet(
    "mixed",
    "",
    {"weibull_shape": Prior("Gamma", {"alpha": 3.0, "beta": 2.5})},
    {
        "outcome_coefficients": {
            "grade[T.II]": Prior("StudentT", {"nu": 3.0, "mu": 0.2, "sigma": 0.4}),
            "grade[T.III]": Prior("Normal", {"mu": 0.5, "sigma": 0.1}),
        }
    },
)
BASELINES = {
    "walk": PiecewiseExponential((12.0, 36.0)),
    "independent": PiecewiseExponential((12.0, 36.0), "independent"),
    "exponential": PiecewiseExponential(),
    "weibull": Weibull(),
}
SCORES = ("absent", "latent", "given")
every_model = pytest.mark.parametrize(("baseline", "score"), list(itertools.product(BASELINES, SCORES)))


@pytest.fixture(scope="module")
def cohorts():
    """One with delayed entry of some patients; one of another size, with times at cut points."""
    first = simulate_cohort(Truth(latest_entry=6.0), 60, seed=1)
    entry = np.where(np.arange(60) % 2, first.entry, 0.0)
    second = simulate_cohort(Truth(latest_entry=6.0), 41, seed=2)
    return dataclasses.replace(first, entry=entry), second


def posterior_of(cohort, baseline, score, priors=DEFAULT) -> Posterior:
    given = np.random.default_rng(7).normal(size=cohort.size) if score == "given" else None
    return Posterior(cohort, ModelSpec(BASELINES[baseline], EFFECTS["constant"](), score), priors, given)


def random_point(model, seed=3):
    """A random value of each variable, on the scale that the model holds it."""
    rng = np.random.default_rng(seed)
    point = {}
    for name, value in model.initial_point().items():
        centre = -3.0 if name.startswith("log_hazard") and "step" not in name else 0.3
        point[name] = np.asarray(rng.normal(centre, 0.4, np.shape(value)))
    return point


def natural(point, posterior):
    """The named parameters at a point, with chain and draw in front, by hand."""
    values = {}
    for name, value in point.items():
        positive = name.endswith("_log__")
        values[name.removesuffix("_log__")] = np.exp(value) if positive else value
    if "log_hazard_steps" in values:
        level = values["log_hazard_level"]
        values["log_hazard"] = np.r_[level, level + np.cumsum(values["log_hazard_steps"])]
    elif "log_hazard_level" in values:
        values["log_hazard"] = values["log_hazard_level"][None]
    return {name: value[None, None] for name, value in values.items()}


def log_prior(point, posterior):
    """The log density of all variables at a point, on the model's scale, with SciPy."""
    total = 0.0
    for listed in posterior.blocks.values():
        for block in listed[1]:
            if block.variable in point:
                total += np.sum(block.frozen.logpdf(point[block.variable]))
            else:
                value = point[f"{block.variable}_log__"]
                total += np.sum(block.frozen.logpdf(np.exp(value)) + value)
    if "log_hazard_steps" in point:
        step_sd = np.exp(point["log_hazard_step_sd_log__"])
        total += stats.norm(0, step_sd).logpdf(point["log_hazard_steps"]).sum()
    return total


@every_model
def test_the_density_of_each_patient_is_that_of_the_draws(cohorts, baseline, score):
    posterior = posterior_of(cohorts[0], baseline, score)
    model = posterior.build()
    point = random_point(model)
    expected = pointwise_log_likelihood(posterior, natural(point, posterior))
    assert set(expected) == {variable.name for variable in model.observed_RVs}
    for name, values in expected.items():
        ours = model.compile_logp(vars=[model[name]], sum=False, mode=MODE)(point)
        assert_allclose(ours[0], values[0, 0], rtol=1e-10, atol=1e-10)


@every_model
@pytest.mark.parametrize("priors", [DEFAULT, MIXED], ids=["default", "by term"])
def test_the_density_is_prior_times_likelihood(cohorts, baseline, score, priors):
    posterior = posterior_of(cohorts[0], baseline, score, priors)
    model = posterior.build()
    point = random_point(model)
    named = natural(point, posterior)
    if priors is MIXED:  # terms: age, grade[T.II], grade[T.III]; the second has a family of its own
        (age, third), (second,) = (
            point[f"outcome_coefficients_{family}"] for family in ("Normal", "StudentT")
        )
        named["outcome_coefficients"] = np.array([age, second, third])[None, None]
    likelihood = sum(values.sum() for values in pointwise_log_likelihood(posterior, named).values())
    ours = model.compile_logp(mode=MODE)(point)
    assert float(ours) == pytest.approx(log_prior(point, posterior) + likelihood, rel=1e-9)


@pytest.mark.parametrize("baseline", BASELINES)
def test_the_gradient_is_finite_and_right_where_entry_is_zero(cohorts, baseline, differences):
    model = posterior_of(cohorts[0], baseline, "latent").build()
    assert set(np.sign(cohorts[0].entry)) == {0.0, 1.0}
    point = random_point(model)
    slopes = model.compile_dlogp(mode=MODE)(point)
    assert np.all(np.isfinite(slopes))
    assert_allclose(slopes, differences(model, point), rtol=1e-5, atol=1e-4)


def test_everybody_under_observation_from_the_start_has_a_finite_gradient():
    cohort = simulate_cohort(Truth(), 30, seed=4)
    for baseline in BASELINES:
        model = posterior_of(cohort, baseline, "absent").build()
        assert np.all(np.isfinite(model.compile_dlogp(mode=MODE)(random_point(model))))


@every_model
def test_swapped_data_give_the_density_of_a_fresh_model(cohorts, baseline, score):
    """Another cohort, of another size, with another prior of every parameter: nothing is left in the graph."""
    before = posterior_of(cohorts[0], baseline, score)
    after = posterior_of(cohorts[1], baseline, score, OTHER)
    model, fresh = before.build(), after.build()
    point = random_point(fresh)
    density = model.compile_logp(mode=MODE)
    stale = float(density(point))
    with model:
        pm.set_data(after.content(after.blocks))
    expected = float(fresh.compile_logp(mode=MODE)(point))
    assert float(density(point)) == pytest.approx(expected, rel=1e-12)
    assert stale != pytest.approx(expected, rel=1e-3)


def test_the_treatment_model_is_a_logistic_regression(cohorts):
    model = build_model(cohorts[0], None, DEFAULT)
    point = random_point(model)
    log_odds = point["propensity_intercept"] + cohorts[0].propensity.values @ point["propensity_coefficients"]
    expected = log_expit(np.where(cohorts[0].treatment, log_odds, -log_odds))
    ours = model.compile_logp(vars=[model["treatment"]], sum=False, mode=MODE)(point)[0]
    assert_allclose(ours, expected, rtol=1e-10, atol=1e-12)
    prior = log_prior(point, Posterior(cohorts[0], None, DEFAULT))
    assert float(model.compile_logp(mode=MODE)(point)) == pytest.approx(prior + expected.sum())


@pytest.mark.parametrize("score", SCORES)
def test_without_columns_there_is_no_score_and_no_coefficient(cohort_of, score):
    cohort = cohort_of([3, 5, 8, 13], [1, 0, 1, 1], [0, 1, 0, 1], [0, 1, 0, 7.5])
    posterior = posterior_of(cohort, "weibull", score)
    model = posterior.build()
    names = {variable.name for variable in model.free_RVs}
    expected = {"median_survival", "weibull_shape", "treatment_effect"}
    assert names == expected | ({"propensity_intercept"} if score == "latent" else set())
    point = random_point(model)
    values = pointwise_log_likelihood(posterior, natural(point, posterior))
    ours = model.compile_logp(vars=[model["time"]], sum=False, mode=MODE)(point)[0]
    assert_allclose(ours, values["time"][0, 0], rtol=1e-10)


@every_model
def test_parameters_are_those_of_the_contract_with_their_dimensions(cohorts, baseline, score):
    posterior = posterior_of(cohorts[0], baseline, score)
    model = posterior.build()
    declared = {parameter.name for parameter in parameter_names(cohorts[0], posterior.spec)}
    assert declared <= set(known_parameters())
    assert declared <= set(model.named_vars)
    assert list(model.coords["term"]) == ["age", "grade[T.II]", "grade[T.III]"]
    assert model.named_vars_to_dims["outcome_coefficients"] == ("term",)
    if "interval" in model.coords:
        assert model.named_vars_to_dims["log_hazard"] == ("interval",)
        assert len(model.coords["interval"]) == len(BASELINES[baseline].cutpoints) + 1
    assert ("propensity_effect" in declared) == (score != "absent")
    assert ("propensity_coefficients" in declared) == (score == "latent")
    assert {variable.name for variable in model.data_vars} == set(posterior.content(posterior.blocks))


@pytest.mark.parametrize("score", SCORES)
def test_the_linear_predictor_is_effect_covariates_and_score(cohorts, score):
    rng = np.random.default_rng(9)
    effect, slopes, of_treatment, of_score = -0.4, rng.normal(size=3), rng.normal(size=3), 0.7
    posterior = posterior_of(cohorts[0], "weibull", score)
    parameters = {"treatment_effect": np.array([effect, 0.0]), "outcome_coefficients": np.stack([slopes] * 2)}
    expected = effect * cohorts[0].treatment + cohorts[0].outcome.values @ slopes
    if score != "absent":
        of_patients = {"propensity_coefficients": np.stack([of_treatment] * 2)}
        parameters |= of_patients | {"propensity_effect": np.full(2, of_score)}
        latent = cohorts[0].propensity.values @ of_treatment
        expected = expected + of_score * (latent if score == "latent" else posterior.score)
    content = posterior.content(posterior.blocks)
    ours = linear_predictor(parameters, content, posterior.spec, np)
    assert_allclose(
        ours, np.stack([expected, expected - effect * cohorts[0].treatment]), rtol=1e-12, atol=1e-12
    )
    untreated = linear_predictor(parameters, {**content, "treated": np.zeros(60)}, posterior.spec, np)
    assert_allclose(untreated[0], ours[1], rtol=1e-12, atol=1e-12)


def test_a_term_without_a_column_is_refused(cohorts):
    priors = PriorSet(
        "mine", "", {}, {"propensity_coefficients": {"bone": Prior("Normal", {"mu": 0, "sigma": 1})}}
    )
    with pytest.raises(ValueError, match=r'propensity_coefficients."bone".*known terms: age'):
        build_model(cohorts[0], posterior_of(cohorts[0], "weibull", "absent").spec, priors)


@pytest.mark.parametrize("baseline", ["walk", "weibull"])
def test_the_model_s_own_random_times_have_its_distribution(cohorts, baseline):
    posterior = posterior_of(cohorts[0], baseline, "absent")
    model = posterior.build()
    of_walk = {"log_hazard_level": -3.5, "log_hazard_step_sd": 0.3, "log_hazard_steps": 0.2}
    of_weibull = {"median_survival": 20.0, "weibull_shape": 1.4}
    values = of_walk | of_weibull | {"treatment_effect": -0.5, "outcome_coefficients": 0.1}
    start = model.initial_point()
    fixed = {
        variable.name: np.full(np.shape(start[model.rvs_to_values[variable].name]), values[variable.name])
        for variable in model.free_RVs
    }
    drawn = pm.draw(pm.do(model, fixed)["time"], 400, random_seed=2, mode=MODE)
    assert drawn.shape == (400, 60)
    assert np.all(drawn > cohorts[0].entry)
    values = {name: value[None, None] for name, value in fixed.items()}
    if baseline == "walk":
        values["log_hazard"] = np.array([-3.5, -3.3, -3.1])[None, None]
    one = {name: value[0, 0] for name, value in values.items()}
    hazards = BASELINES[baseline]
    eta = -0.5 * cohorts[0].treatment + cohorts[0].outcome.values @ np.full(3, 0.1)
    spent = np.exp(eta) * np.stack(
        [hazards.cumulative_hazard(one, hazards.basis(row, cohorts[0].entry), np) for row in drawn]
    )
    assert stats.kstest(spent.ravel(), "expon").pvalue > 1e-3


def test_the_model_s_own_random_treatments_have_its_probabilities(cohorts):
    model = build_model(cohorts[0], None, DEFAULT)
    fixed = {"propensity_intercept": np.array(0.5), "propensity_coefficients": np.array([0.05, 0.5, -0.5])}
    drawn = pm.draw(pm.do(model, fixed)["treatment"], 4000, random_seed=2, mode=MODE)
    probability = probability_of_treatment(fixed, cohorts[0].propensity.values)
    assert_allclose(drawn.mean(axis=0), probability, atol=4.5 * 0.5 / np.sqrt(4000))
