"""The spline of a propensity score: against SciPy's natural spline, in the density of a model, and with nothing to curve."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.interpolate import CubicSpline

from data.simulation.simulate import Truth, simulate_cohort
from data.study.subcohorts import some_patients
from inference.sampling.posterior import Posterior, structure_of
from models.assembly import build_model, covariate_predictor
from models.baselines import Weibull
from models.effects import EFFECTS
from models.exposures.tempered import Tempered
from models.priors import PriorSet
from models.propensity import propensity_score
from models.score_spline import PROPENSITY_CURVATURE, QUANTILES, curvature, score_spline
from models.specification import ModelSpec

MODE = "FAST_COMPILE"
DEFAULT = PriorSet("default")
STRAIGHT = ModelSpec(Weibull(), EFFECTS["constant"](), "latent")
COEFFICIENTS = np.array([0.04, 0.5, 1.1])  # of age and two grades in the treatment model


def scores(scale=1.0):
    """Skewed scores of 300 patients."""
    return scale * (np.random.default_rng(1).gamma(3.0, 0.5, 300) - 1.5)


def curve(spline, coefficients, at):
    return curvature({"propensity_curvature": np.asarray(coefficients)}, spline.arrays, at, np)


@pytest.fixture(scope="module")
def cohort():
    whole = simulate_cohort(Truth(), 80, seed=2)
    return some_patients(whole, np.ones(80, dtype=bool), outcome_terms=False)


@pytest.fixture(scope="module")
def curved(cohort):
    score = propensity_score({"propensity_coefficients": COEFFICIENTS}, cohort.propensity.values, np)
    return dataclasses.replace(STRAIGHT, spline=score_spline(score))


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_it_is_the_natural_spline_through_its_own_values_at_the_knots(scale):
    score = scores(scale)
    spline, coefficients = score_spline(score), [0.4, -0.3, 0.2]
    assert_allclose(spline.knots, np.quantile(score, QUANTILES))
    inside = np.linspace(spline.knots[0], spline.knots[-1], 101)
    natural = CubicSpline(spline.knots, curve(spline, coefficients, spline.knots), bc_type="natural")
    assert_allclose(curve(spline, coefficients, inside), natural(inside), atol=1e-10)
    # Beyond them, the straight lines that SciPy's spline ends with.
    for end in (spline.knots[0], spline.knots[-1]):
        beyond = end + np.sign(end) * scale * np.array([0.5, 2.0, 9.0])
        line = natural(end) + natural(end, 1) * (beyond - end)
        assert_allclose(curve(spline, coefficients, beyond), line, atol=1e-8)


def test_columns_are_standard_and_uncorrelated_with_the_score_and_each_other():
    score = scores()
    columns = np.stack([curve(score_spline(score), row, score) for row in np.eye(3)])
    assert_allclose(columns.mean(axis=1), 0.0, atol=1e-12)
    everything = np.vstack([columns, score / score.std()])
    assert_allclose(np.cov(everything, bias=True), np.eye(4), atol=1e-10)


def test_every_smooth_function_of_the_score_is_near_a_spline():
    score = scores()
    columns = np.stack([curve(score_spline(score), row, score) for row in np.eye(3)])
    design = np.column_stack([np.ones(300), score, columns.T])
    wanted = np.log1p(np.exp(3 * score))
    _, (left,), *_ = np.linalg.lstsq(design, wanted, rcond=None)
    _, (straight,), *_ = np.linalg.lstsq(design[:, :2], wanted, rcond=None)
    assert left < 0.005 * straight


def test_a_score_of_few_values_has_as_many_columns_as_can_be_told_apart():
    assert score_spline(np.repeat([0.0, 1.0], 50)) is None
    assert score_spline(np.r_[np.zeros(99), 1.0]) is None  # all knots coincide
    three = np.repeat([-1.0, 0.2, 1.0], [30, 40, 30])
    spline = score_spline(three)
    assert spline.columns == ("1",)
    assert np.unique(curve(spline, [1.0], three)).size == 3
    assert_allclose(curve(spline, [1.0], three).std(), 1.0)


def test_draws_come_first():
    spline, score = score_spline(scores()), scores()[:5]
    draws = np.random.default_rng(2).normal(size=(2, 4, 3))
    found = curve(spline, draws, score)
    assert found.shape == (2, 4, 5)
    assert_allclose(found[1, 2], curve(spline, draws[1, 2], score))
    of_each = curve(spline, draws, np.broadcast_to(score, (2, 4, 5)))  # a score that differs between draws
    assert_allclose(of_each, found)


def point_of(cohort, spec, **values):
    """A point of a model in its unconstrained coordinates, as compiled densities take it."""
    model = build_model(cohort, spec, DEFAULT)
    point = model.initial_point() | {"propensity_coefficients": COEFFICIENTS + 0.1}
    return model, point | {name: np.asarray(value) for name, value in values.items()}


def test_without_curvature_the_likelihood_is_that_of_a_straight_line(cohort, curved):
    straight, point = point_of(cohort, STRAIGHT, propensity_effect=0.7)
    flat, bent = point_of(cohort, curved, propensity_effect=0.7, propensity_curvature=np.zeros(3))
    of_times = [
        model.compile_logp(vars=[model["time"]], sum=False, mode=MODE)(at)[0]
        for model, at in ((straight, point), (flat, bent))
    ]
    assert_allclose(of_times[1], of_times[0], rtol=1e-12)
    bent["propensity_curvature"] = np.array([0.3, -0.2, 0.1])
    moved = flat.compile_logp(vars=[flat["time"]], sum=False, mode=MODE)(bent)[0]
    assert np.abs(moved - of_times[0]).max() > 0.05
    prior = stats.norm(0.0, PROPENSITY_CURVATURE.default.arguments["sigma"])
    of_prior = flat.compile_logp(vars=[flat["propensity_curvature"]], mode=MODE)(bent)
    assert_allclose(of_prior, prior.logpdf([0.3, -0.2, 0.1]).sum())


def test_a_latent_score_and_the_same_score_given_are_curved_alike(cohort, curved):
    parameters = {
        "propensity_effect": np.array(0.5),
        "propensity_curvature": np.array([0.3, -0.2, 0.1]),
        "propensity_coefficients": 1.3 * COEFFICIENTS,
    }
    score = propensity_score(parameters, cohort.propensity.values, np)
    latent = Posterior(cohort, curved, DEFAULT)
    given = Posterior(cohort, dataclasses.replace(curved, score="given"), DEFAULT, score)
    expected = 0.5 * score + curve(curved.spline, [0.3, -0.2, 0.1], score)
    for posterior in (latent, given):
        content = posterior.content(posterior.blocks)
        assert_allclose(covariate_predictor(parameters, content, np), expected, rtol=1e-12)


@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_the_gradient_is_that_of_finite_differences(cohort, curved, eta, differences):
    spec = dataclasses.replace(curved, exposure=Tempered(eta))
    bent = {"propensity_effect": 0.7, "propensity_curvature": np.array([0.3, -0.2, 0.1])}
    model, point = point_of(cohort, spec, **bent)
    numeric = differences(model, point)
    assert_allclose(model.compile_dlogp(mode=MODE)(point), numeric, rtol=2e-4, atol=2e-3)
    assert np.abs(numeric).min() > 1e-2  # of every parameter something depends


def test_a_straight_line_and_a_spline_are_compiled_apart(cohort, curved):
    keys = []
    for spec in (STRAIGHT, curved):
        posterior = Posterior(cohort, spec, DEFAULT)
        keys.append(structure_of(posterior, posterior.blocks, posterior.content(posterior.blocks)))
    assert keys[0] != keys[1]
