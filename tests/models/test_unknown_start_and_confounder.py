"""An unknown start together with an unmeasured confounder: its two special cases, sums written out, and probability one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit, logsumexp

from inference.sensitivity.start_times import AtStart, EarlyOrLater, Exponential, Uniform
from models.assembly import build_model, model_blocks, model_data
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.exposures.unknown_start import UnknownStart
from models.exposures.unknown_start_and_confounder import UnknownStartAndConfounder
from models.exposures.unmeasured_confounder import UnmeasuredConfounder
from models.priors import PriorSet
from models.propensity import treatment_log_likelihood
from models.specification import ModelSpec

CUTS = (4.0, 15.0)
BASELINES = {
    "piecewise": (PiecewiseExponential(CUTS), {"log_hazard": np.log([0.05, 0.02, 0.08])}),
    "weibull": (Weibull(), {"median_survival": np.array(14.0), "weibull_shape": np.array(1.4)}),
}
PARAMETERS = {
    "treatment_effect": np.array(-0.5),
    "outcome_coefficients": np.array([0.4]),
    "propensity_intercept": np.array(0.3),
    "propensity_coefficients": np.array([-0.8]),
}
STRONG = UnmeasuredConfounder(0.2, 0.7, 1.1)


@pytest.fixture(scope="module")
def cohort(cohort_of):
    """30 patients with a covariate, of whom 15 are treated."""
    rng = np.random.default_rng(4)
    return cohort_of(
        rng.uniform(0.5, 40, 30), rng.random(30) < 0.7, np.arange(30) % 2, stage=rng.normal(0, 1, 30)
    )


def pointwise(cohort, baseline, hazard, exposure, shift=0.0, **changed):
    """Log likelihood of each patient by numpy; the shift is added to the log hazard ratio of everybody."""
    spec = ModelSpec(baseline, EFFECTS["constant"](), "absent", exposure)
    values = PARAMETERS | hazard | changed
    content = model_data(cohort, spec, model_blocks(cohort, spec, PriorSet("default")))
    risk = values["outcome_coefficients"] @ content["outcome_design"].T + shift
    return exposure.log_likelihood(values, content, spec, risk, np)


def log_odds_of(cohort):
    return 0.3 - 0.8 * cohort.propensity.values[:, 0]


@pytest.mark.parametrize("name", list(BASELINES))
@pytest.mark.parametrize("effect", [-0.5, 0.9])
def test_all_starts_at_zero_are_the_confounder_alone_times_the_treatment_model(cohort, name, effect):
    baseline, hazard = BASELINES[name]
    changed = {"treatment_effect": np.array(effect)}
    expected = pointwise(cohort, baseline, hazard, STRONG, **changed) + treatment_log_likelihood(
        cohort.treatment.astype(float), log_odds_of(cohort), np
    )
    both = UnknownStartAndConfounder(UnknownStart(AtStart("", "")), STRONG)
    assert_allclose(pointwise(cohort, baseline, hazard, both, **changed), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", list(BASELINES))
@pytest.mark.parametrize(
    "nothing",
    [UnmeasuredConfounder(0.2, 0.7, 0.0), UnmeasuredConfounder(1e-14, 1e-14, 1.1)],
    ids=["harmless", "absent"],
)
def test_a_confounder_without_effect_or_without_patients_is_the_start_alone(cohort, name, nothing):
    baseline, hazard = BASELINES[name]
    for scenario in (Exponential("", "", 5.0), Uniform("", "", 9.0)):
        start = UnknownStart(scenario)
        expected = pointwise(cohort, baseline, hazard, start)
        both = UnknownStartAndConfounder(start, nothing)
        assert_allclose(pointwise(cohort, baseline, hazard, both), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", list(BASELINES))
def test_it_is_the_sum_over_candidacy_and_condition(cohort, name):
    """Every combination of candidate and condition, each from the likelihood of a start without a confounder."""
    baseline, hazard = BASELINES[name]
    scenario = Exponential("", "", 5.0)
    q, started = expit(log_odds_of(cohort)), scenario.cdf(cohort.time)
    recorded = np.where(cohort.treatment, STRONG.p_treated, STRONG.p_control).mean()
    terms = []
    for condition in (0, 1):
        shift = STRONG.log_hazard_ratio * (condition - recorded)
        of_time = pointwise(cohort, baseline, hazard, UnknownStart(scenario, candidacy=False), shift)
        among = [share if condition else 1 - share for share in (STRONG.p_treated, STRONG.p_control)]
        record = np.where(cohort.treatment, q * among[0], q * (1 - started) * among[0] + (1 - q) * among[1])
        terms.append(np.log(record) + of_time)
    both = UnknownStartAndConfounder(UnknownStart(scenario), STRONG)
    found = pointwise(cohort, baseline, hazard, both)
    assert_allclose(found, logsumexp(terms, axis=0), rtol=0, atol=1e-10)


@pytest.mark.parametrize("effect", [-0.9, 0.7])
def test_all_that_can_be_recorded_has_probability_one(cohort_of, effect):
    edges = np.concatenate([[0.0], np.geomspace(0.01, 2, 8), [*CUTS, 30.0]])
    nodes, weights = np.polynomial.legendre.leggauss(12)
    half = np.diff(edges) / 2
    time = (edges[:-1, None] + half[:, None] * (nodes + 1)).ravel()
    weight = (half[:, None] * weights).ravel()
    every = np.concatenate([time, [30.0], time, [30.0]])
    died = np.concatenate([np.ones(len(time)), [0]] * 2)
    recorded = cohort_of(every, died, np.repeat([0, 1], len(time) + 1))
    baseline, hazard = BASELINES["piecewise"]
    values = {**hazard, "treatment_effect": np.array(effect), "propensity_intercept": np.array(0.3)}
    for scenario in (Exponential("", "", 5.0), EarlyOrLater("", "", 0.4, 8.0, 2.0)):
        exposure = UnknownStartAndConfounder(UnknownStart(scenario, 60), STRONG)
        spec = ModelSpec(baseline, EFFECTS["constant"](), "absent", exposure)
        content = model_data(recorded, spec, model_blocks(recorded, spec, PriorSet("default")))
        density = np.exp(exposure.log_likelihood(values, content, spec, 0.0, np))
        assert_allclose(density @ np.concatenate([weight, [1.0]] * 2), 1.0, atol=3e-4)


@pytest.mark.parametrize("name", list(BASELINES))
def test_the_compiled_model_is_numpys_and_its_gradient_is_that_of_differences(cohort, name, differences):
    baseline, _ = BASELINES[name]
    exposure = UnknownStartAndConfounder(UnknownStart(Uniform("", "", 9.0), 8), STRONG)
    model = build_model(
        cohort, ModelSpec(baseline, EFFECTS["constant"](), "absent", exposure), PriorSet("default")
    )
    point = dict(model.initial_point()) | {name: value.astype(float) for name, value in PARAMETERS.items()}
    if name == "weibull":
        hazard = {one: np.exp(point[f"{one}_log__"]) for one in baseline.hazard_parameters}
    else:
        level = point["log_hazard_level"]
        point["log_hazard_steps"] = np.array([0.3, -0.5])
        hazard = {"log_hazard": np.array([level, level + 0.3, level - 0.2])}
    density = model.compile_logp(vars=[model["time"]], sum=False, mode="FAST_COMPILE")
    assert_allclose(density(point)[0], pointwise(cohort, baseline, hazard, exposure), rtol=1e-9)
    gradient = model.compile_dlogp(mode="FAST_COMPILE")(point)
    assert_allclose(gradient, differences(model, point), rtol=1e-5, atol=1e-5)
