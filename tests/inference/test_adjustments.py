"""Adjustments for confounding: what each samples, and that nothing feeds back into the cut."""

import arviz as az
import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose, assert_array_equal

from data.simulate import Truth, simulate_cohort
from inference.adjustments import ADJUSTMENTS
from inference.adjustments.adjusted import compare_modes
from inference.engine import SamplerSettings, sample
from inference.geometry import NormalFit
from inference.tasks import Task
from models.prior_files import read_prior_set
from models.propensity import probability_of_treatment
from models.specification import known_parameters

CHAINS, DRAWS = 2, 250
pytestmark = pytest.mark.slow


@pytest.fixture(params=list(ADJUSTMENTS))
def fit(request, tiny_fits):
    return request.param, *tiny_fits[request.param][:2]


def test_samples_have_chains_draws_and_finite_values(fit, small_cohort):
    name, question, adjusted = fit
    assert adjusted.adjustment == name
    assert len(adjusted.designs) == (question.designs if name == "cut" else 1)
    for design in adjusted.designs:
        assert {"treatment_effect", "log_hazard", "outcome_coefficients"} <= set(design.parameters)
        assert ("propensity_effect" in design.parameters) == (name != "none")
        assert design.propensity.shape[1] == small_cohort.size
        assert np.all((design.propensity > 0) & (design.propensity < 1))
        for value in design.parameters.values():
            assert value.shape[:2] == (CHAINS, DRAWS)
            assert np.all(np.isfinite(value))
    trailing = (question.designs,) if name == "cut" else ()
    for value in adjusted.statistics.values():
        assert value.shape == (CHAINS, DRAWS, *trailing)


def test_every_adjustment_reports_the_treatment_model_fitted_alone(tiny_fits, small_cohort):
    question = tiny_fits["cut"][0]
    alone = sample(Task(small_cohort, None, question.priors), question.settings).parameters
    assert set(alone) == {"propensity_intercept", "propensity_coefficients"}
    for _, adjusted, _ in tiny_fits.values():
        for name, value in alone.items():
            assert_array_equal(adjusted.treatment[name], value)


def test_the_cut_conditions_on_draws_of_the_treatment_model(tiny_fits, small_cohort):
    _, adjusted, _ = tiny_fits["cut"]
    intercept = adjusted.treatment["propensity_intercept"].reshape(-1)
    coefficients = adjusted.treatment["propensity_coefficients"].reshape(len(intercept), -1)
    assert len(set(adjusted.design_draws)) == 3
    for draw, design in zip(adjusted.design_draws, adjusted.designs, strict=True):
        score = small_cohort.propensity.values @ coefficients[draw]
        assert_allclose(design.task.score, score, rtol=1e-12)
        assert_allclose(design.propensity[0], 1 / (1 + np.exp(-intercept[draw] - score)), rtol=1e-12)


def test_the_joint_model_s_propensity_is_its_own(tiny_fits, small_cohort):
    design = tiny_fits["joint"][1].designs[0]
    expected = probability_of_treatment(design.parameters, small_cohort.propensity.values)
    assert_allclose(design.propensity, expected.reshape(CHAINS * DRAWS, -1), rtol=1e-12)
    assert tiny_fits["joint"][1].modes.separation < 0.1
    assert tiny_fits["none"][1].modes is None


def test_progress_is_told_and_never_exceeds_the_whole(tiny_fits):
    for name, adjust in ADJUSTMENTS.items():
        told = []
        adjust.sample(tiny_fits[name][0], lambda *step, told=told: told.append(step))
        assert told
        assert all(0 <= done <= whole for _, done, whole in told)
        assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_under_vague_priors_the_treatment_model_is_the_logistic_regression_of_statsmodels():
    cohort = simulate_cohort(Truth(), 3000, seed=6)
    priors = read_prior_set("vague", known_parameters())
    drawn = sample(Task(cohort, None, priors), SamplerSettings(chains=4, draws=1000, seed=2)).parameters
    logit = sm.Logit(cohort.treatment.astype(float), sm.add_constant(cohort.propensity.values)).fit(disp=0)
    coefficients = drawn["propensity_coefficients"]
    columns = [
        drawn["propensity_intercept"],
        *(coefficients[..., term] for term in range(coefficients.shape[-1])),
    ]
    for draws, estimate, error in zip(columns, logit.params, logit.bse, strict=True):
        assert draws.mean() == pytest.approx(estimate, abs=0.05 * error + 4 * az.mcse(draws, method="mean"))
        assert draws.std() == pytest.approx(error, rel=0.05)


def test_modes_are_compared_in_standard_deviations_of_the_first():
    first = NormalFit(np.array([1.0, 2.0]), np.diag([0.5, 2.0]), -3.0)
    second = NormalFit(np.array([2.0, 2.0]), np.eye(2), -5.0)
    modes = compare_modes(first, second)
    assert modes.separation == pytest.approx(2.0)
    assert modes.log_mass_ratio == pytest.approx(-2.0)
    assert compare_modes(first, first).separation == 0.0
