"""Adjustments for confounding: what each samples, and that nothing feeds back into the cut."""

from dataclasses import replace

import arviz as az
import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose, assert_array_equal

from data.errors import InputError
from data.simulation.simulate import Truth, simulate_cohort
from data.study.subcohorts import some_patients
from inference.adjustments import ADJUSTMENTS
from inference.adjustments.adjusted import compare_modes
from inference.adjustments.matched import matched_designs
from inference.adjustments.weighted import bootstrap_scores
from inference.adjustments.weighting import bootstrap_weights, design_weights
from inference.frequentist.balance import iptw_weights, overlap_weights
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.geometry import NormalFit
from inference.sampling.posterior import Posterior
from models.episodes import episodes_of
from models.maximisers import maximise
from models.prior_files import read_prior_set
from models.priors import Prior, PriorSet
from models.propensity import probability_of_treatment
from models.specification import known_parameters

CHAINS, DRAWS = 2, 250
ALONE = {"treatment_effect", "log_hazard"}
WALK = {"log_hazard_level", "log_hazard_step_sd"}
REGRESSION = ALONE | WALK | {"outcome_coefficients"}
PARAMETERS = {
    "none": REGRESSION,
    "joint": REGRESSION | {"propensity_effect", "propensity_intercept", "propensity_coefficients"},
    "cut": REGRESSION | {"propensity_effect"},
    "iptw": ALONE,
    "overlap": ALONE,
    "matched": ALONE,
}
WEIGHTED = {"iptw": iptw_weights, "overlap": overlap_weights}
pytestmark = pytest.mark.slow


@pytest.fixture(params=list(ADJUSTMENTS))
def fit(request, tiny_fits):
    return request.param, *tiny_fits[request.param][:2]


def test_samples_have_chains_draws_and_finite_values(fit, small_cohort):
    name, problem, adjusted = fit
    kind = ADJUSTMENTS[name]
    assert adjusted.adjustment == kind.name == name
    assert len(adjusted.designs) == (problem.designs if kind.several_designs else 1)
    lead = (CHAINS, DRAWS)
    if kind.maximises:  # 500 draws over three designs, or as many as there are bootstrap vectors
        lead = (1, 167 if kind.several_designs else problem.designs)
    for design in adjusted.designs:
        assert set(design.parameters) == PARAMETERS[name]
        assert design.propensity.shape[1] == small_cohort.size
        assert np.all(np.abs(np.asarray(design.propensity) - 0.5) < 0.5)
        for value in design.parameters.values():
            assert value.shape[:2] == lead
            assert np.all(np.isfinite(value))
    trailing = (problem.designs,) if kind.several_designs else ()
    assert bool(adjusted.statistics) == (not kind.maximises)
    for value in adjusted.statistics.values():
        assert value.shape == (CHAINS, DRAWS, *trailing)


def test_outcome_models_with_treatment_alone_are_of_whom_the_design_leaves(fit, small_cohort):
    """Weights keep everybody; pairs keep equally many of both arms; covariates are in the outcome of the others."""
    name, _, adjusted = fit
    for design in adjusted.designs:
        own = design.posterior.cohort
        assert bool(own.outcome.terms) == (not ADJUSTMENTS[name].population)
        if name == "matched":
            assert own.treatment.sum() == (~own.treatment).sum() == own.size // 2
            assert set(own.patient) < set(small_cohort.patient)
        else:
            assert_array_equal(own.patient, small_cohort.patient)
        assert design.posterior.spec.score == ADJUSTMENTS[name].score


@pytest.mark.parametrize("name", WEIGHTED)
def test_as_many_designs_as_draws_are_numbered_like_them(tiny_fits, name):
    """A maximiser for each bootstrap vector, and the treatment model refitted under it, at the same chain and draw."""
    few = tiny_fits[name][0]
    problem = replace(few, designs=CHAINS * DRAWS)
    adjusted = ADJUSTMENTS[name].sample(problem, lambda *_: None)
    (design,) = adjusted.designs
    assert design.parameters["treatment_effect"].shape == (CHAINS, DRAWS)
    assert design.parameters["log_hazard"].shape == (CHAINS, DRAWS, 3)
    (scores,) = bootstrap_scores(problem)
    refitted = scores.parameters
    for parameter, value in adjusted.treatment.items():
        assert_array_equal(value.reshape(refitted[parameter].shape), refitted[parameter])
    again = ADJUSTMENTS[name].sample(problem, lambda *_: None)
    assert_array_equal(again.designs[0].parameters["treatment_effect"], design.parameters["treatment_effect"])


@pytest.mark.parametrize("name", WEIGHTED)
def test_weighted_draws_are_where_the_weighted_score_is_zero(tiny_fits, name):
    """With weights w, occurrences less exposure x hazard are 0 in each interval, and among the treated."""
    problem, adjusted, _ = tiny_fits[name]
    cohort, (design,) = problem.cohort, adjusted.designs
    (scores,) = bootstrap_scores(problem)
    weights = design_weights(WEIGHTED[name], scores.propensity, cohort.treatment, scores.bootstrap)
    edges = np.array([0.0, 12.0, 36.0, np.inf])
    at_risk = np.clip(cohort.time[:, None], edges[:-1], edges[1:]) - edges[:-1]
    died_in = (
        cohort.event[:, None] & (cohort.time[:, None] > edges[:-1]) & (cohort.time[:, None] <= edges[1:])
    )
    hazard = np.exp(design.parameters["log_hazard"][0])
    effect = np.exp(design.parameters["treatment_effect"][0])
    for draw in range(problem.designs):
        residual = died_in - at_risk * hazard[draw] * np.where(cohort.treatment, effect[draw], 1)[:, None]
        assert_allclose(weights[draw] @ residual, 0, atol=1e-6)
        assert_allclose(weights[draw] @ (residual.sum(axis=1) * cohort.treatment), 0, atol=1e-6)


def test_no_prior_of_the_outcome_enters_a_weighted_fit(tiny_fits):
    problem, adjusted, _ = tiny_fits["overlap"]
    elsewhere = PriorSet(
        "elsewhere", overrides={"treatment_effect": Prior("Normal", {"mu": 3.0, "sigma": 0.01}, "far away")}
    )
    moved = ADJUSTMENTS["overlap"].sample(replace(problem, priors=elsewhere), lambda *_: None)
    assert_array_equal(
        moved.designs[0].parameters["treatment_effect"], adjusted.designs[0].parameters["treatment_effect"]
    )


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("iptw", "each arm must have events while the other is at risk"),
        ("overlap", "each arm must have events while the other is at risk"),
        ("matched", "the pairs must hold an event in each arm, but found"),
    ],
)
def test_an_arm_without_events_can_neither_be_weighted_nor_paired(tiny_fits, kind, message):
    problem = tiny_fits[kind][0]
    event = problem.cohort.event & ~problem.cohort.treatment
    nobody = replace(problem.cohort, event=event, sha256="no treated event")
    with pytest.raises(InputError, match=message):
        ADJUSTMENTS[kind].sample(replace(problem, cohort=nobody), lambda *_: None)


def test_more_coefficients_than_patients_cannot_be_weighted(tiny_fits):
    problem = tiny_fits["iptw"][0]
    grade = problem.cohort.covariates["grade"]
    one_of_each = [int(np.argmax(grade == level)) for level in ("I", "II", "III")]
    few = some_patients(
        problem.cohort, np.isin(np.arange(grade.size), [*one_of_each, 50]), outcome_terms=False
    )
    assert len(few.propensity.terms) == 3
    with pytest.raises(InputError, match="must have fewer coefficients than there are patients"):
        next(bootstrap_scores(replace(problem, cohort=few)))


def test_pairs_are_resampled_together(tiny_fits):
    """Each design maximises the likelihood of its pairs under weights that the two patients of a pair share."""
    problem, adjusted, _ = tiny_fits["matched"]
    for number, (design, sampled) in enumerate(zip(matched_designs(problem), adjusted.designs, strict=True)):
        assert design.cohort.sha256 == sampled.posterior.cohort.sha256
        for pair in range(design.unit.max() + 1):
            assert sorted(design.cohort.treatment[design.unit == pair]) == [False, True]
        draws = sampled.parameters["treatment_effect"].shape[1]
        rng = np.random.default_rng([problem.settings.seed, 4, number])
        weights = bootstrap_weights(draws, design.unit.max() + 1, rng)[:, design.unit]
        expected = maximise(problem.spec.baseline, episodes_of(design.cohort, time_split=False), weights)
        assert_array_equal(sampled.parameters["treatment_effect"][0], expected["treatment_effect"])


def test_sampled_adjustments_report_the_treatment_model_fitted_alone(tiny_fits, small_cohort):
    problem = tiny_fits["cut"][0]
    alone = sample(Posterior(small_cohort, None, problem.priors), problem.settings).parameters
    assert set(alone) == {"propensity_intercept", "propensity_coefficients"}
    for adjustment in ("none", "joint", "cut"):
        for name, value in alone.items():
            assert_array_equal(tiny_fits[adjustment][1].treatment[name], value)


def test_the_cut_conditions_on_draws_of_the_treatment_model(tiny_fits, small_cohort):
    _, adjusted, _ = tiny_fits["cut"]
    intercept = adjusted.treatment["propensity_intercept"].reshape(-1)
    coefficients = adjusted.treatment["propensity_coefficients"].reshape(len(intercept), -1)
    assert len(set(adjusted.design_draws)) == 3
    for draw, design in zip(adjusted.design_draws, adjusted.designs, strict=True):
        score = small_cohort.propensity.values @ coefficients[draw]
        assert_allclose(design.posterior.score, score, rtol=1e-12)
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
    drawn = sample(Posterior(cohort, None, priors), SamplerSettings(chains=4, draws=1000, seed=2)).parameters
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
