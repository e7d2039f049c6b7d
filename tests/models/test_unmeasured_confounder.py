"""The likelihood with a hidden confounder against SciPy's mixtures and quadrature, and what it must not depend on."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import logsumexp

from models.assembly import build_model, model_blocks, model_data
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.exposures import Naive
from models.exposures.unmeasured_confounder import UnmeasuredConfounder
from models.priors import PriorSet
from models.specification import ModelSpec

CUTS = (4.0, 15.0)
BASELINES = {
    "piecewise": (PiecewiseExponential(CUTS), {"log_hazard": np.log([0.05, 0.02, 0.08])}),
    "weibull": (Weibull(), {"median_survival": np.array(14.0), "weibull_shape": np.array(1.4)}),
}
STRONG = UnmeasuredConfounder(0.2, 0.7, 1.1)


@pytest.fixture(scope="module")
def cohort(cohort_of):
    """Return 40 patients with a covariate; a third of them enter late where that is asked for."""

    def build(delayed):
        rng = np.random.default_rng(4)
        entry = np.where(np.arange(40) % 3 == 0, rng.uniform(0.5, 6, 40), 0.0) * delayed
        time = entry + rng.uniform(0.2, 25, 40)
        return cohort_of(time, rng.random(40) < 0.7, np.arange(40) % 2, entry, age=rng.normal(60, 9, 40))

    return build


def pointwise(cohort, baseline, parameters, exposure, **swapped):
    """Log likelihood of each patient by numpy, for one draw."""
    spec = ModelSpec(baseline, EFFECTS["constant"](), "absent", exposure)
    values = {
        "treatment_effect": np.array(-0.4),
        "outcome_coefficients": np.array([0.03]),
        **{name: np.asarray(value) for name, value in parameters.items()},
    }
    content = model_data(cohort, spec, model_blocks(cohort, spec, PriorSet("default"))) | swapped
    risk = content["outcome_design"] @ values["outcome_coefficients"]
    return exposure.log_likelihood(values, content, spec, risk, np)


def predictors(cohort, hidden):
    """Log hazard ratio of each patient without and with U, centred at the mean prevalence, in plain arithmetic."""
    shares = [hidden.p_treated if treated else hidden.p_control for treated in cohort.treatment]
    centre = hidden.log_hazard_ratio * sum(shares) / len(shares)
    eta = -0.4 * cohort.treatment + 0.03 * cohort.outcome.values[:, 0]
    return np.array(shares), eta - centre, eta + hidden.log_hazard_ratio - centre


def life(name, eta):
    """Log density and log survival of one patient: SciPy's Weibull, or cumulated by hand."""
    if name == "weibull":
        frozen = stats.weibull_min(1.4, scale=14.0 / np.log(2) ** (1 / 1.4) * np.exp(-eta / 1.4))
        return frozen.logpdf, frozen.logsf
    hazards, starts = np.exp(BASELINES[name][1]["log_hazard"]), np.array([0.0, *CUTS])
    ends = np.array([*CUTS, np.inf])

    def logsf(time):
        return -np.exp(eta) * sum(hazards * np.clip(np.minimum(time, ends) - starts, 0, None))

    def logpdf(time):
        return np.log(hazards[np.searchsorted(CUTS, time)]) + eta + logsf(time)

    return logpdf, logsf


@pytest.mark.parametrize("delayed", [False, True], ids=["from the start", "delayed entry"])
@pytest.mark.parametrize("name", list(BASELINES))
def test_it_is_the_mixture_of_two_lives_given_survival_to_entry(cohort, name, delayed):
    patients, (baseline, parameters) = cohort(delayed), BASELINES[name]
    found = pointwise(patients, baseline, parameters, STRONG)
    for place, (share, *etas) in enumerate(zip(*predictors(patients, STRONG), strict=True)):
        lives, weights = [life(name, eta) for eta in etas], [1 - share, share]
        time, entry = patients.time[place], patients.entry[place]
        end = [(pdf if patients.event[place] else sf)(time) for pdf, sf in lives]
        alive = [sf(entry) for _, sf in lives]
        expected = logsumexp(end, b=weights) - logsumexp(alive, b=weights)
        assert found[place] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("entry", [0.0, 5.0])
@pytest.mark.parametrize("name", list(BASELINES))
def test_densities_of_deaths_add_up_to_one_from_entry_on(cohort_of, name, entry):
    """Over all times of death after entry, by quadrature: U is rarer at entry than at time zero, and it is a density."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    parts = [entry, *(cut for cut in CUTS if cut > entry), 60.0, 250.0, 1000.0]
    times = np.concatenate([low + (high - low) * (nodes + 1) / 2 for low, high in pairwise(parts)])
    lengths = np.concatenate([(high - low) / 2 * weights for low, high in pairwise(parts)])
    size = len(times)
    time, arm, age = np.tile(times, 2), np.repeat([0, 1], size), np.arange(2 * size)
    both = cohort_of(time, np.ones(2 * size), arm, np.full(2 * size, entry), age=age)
    alike = np.zeros((2 * size, 1))
    density = np.exp(pointwise(both, *BASELINES[name], STRONG, outcome_design=alike))
    assert_allclose(density.reshape(2, size) @ lengths, 1.0, atol=1e-5)


@pytest.mark.parametrize("delayed", [False, True], ids=["from the start", "delayed entry"])
@pytest.mark.parametrize("name", list(BASELINES))
def test_a_condition_that_does_nothing_is_not_there(cohort, name, delayed):
    patients, (baseline, parameters) = cohort(delayed), BASELINES[name]
    without = pointwise(patients, baseline, parameters, Naive())
    for shares in ((0.2, 0.7), (0.5, 0.5), (0.999, 0.001)):
        found = pointwise(patients, baseline, parameters, UnmeasuredConfounder(*shares, 0.0))
        assert_allclose(found, without, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", list(BASELINES))
def test_having_it_and_lacking_it_may_change_names(cohort, name):
    """Centred, the likelihood does not depend on which of the two states is called U."""
    patients, (baseline, parameters) = cohort(True), BASELINES[name]
    renamed = UnmeasuredConfounder(1 - STRONG.p_treated, 1 - STRONG.p_control, -STRONG.log_hazard_ratio)
    found, expected = (pointwise(patients, baseline, parameters, one) for one in (renamed, STRONG))
    assert_allclose(found, expected, atol=1e-12)


def test_nothing_overflows_far_from_the_posterior(cohort):
    for gamma in (-4.0, 4.0):
        hidden = UnmeasuredConfounder(0.01, 0.99, gamma)
        for level in (-60.0, 4.0):
            parameters = {"log_hazard": np.full(3, level)}
            found = pointwise(cohort(True), PiecewiseExponential(CUTS), parameters, hidden)
            assert np.isfinite(found).all()


@pytest.mark.parametrize("delayed", [False, True], ids=["from the start", "delayed entry"])
@pytest.mark.parametrize("name", list(BASELINES))
def test_the_model_has_the_density_and_slope_of_the_formula(cohort, name, delayed, differences):
    """The compiled graph against numpy, and its gradient against differences."""
    patients, (baseline, parameters) = cohort(delayed), BASELINES[name]
    spec = ModelSpec(baseline, EFFECTS["constant"](), "absent", STRONG)
    model = build_model(patients, spec, PriorSet("default"))
    point = model.initial_point()
    point |= {"treatment_effect": np.array(-0.4), "outcome_coefficients": np.array([0.03])}
    if name == "weibull":
        point |= {f"{key}_log__": np.log(value) for key, value in parameters.items()}
    else:
        point["log_hazard_level"] = np.array(parameters["log_hazard"][0])
        point["log_hazard_steps"] = np.diff(parameters["log_hazard"])
    density = model.compile_logp(vars=[model["time"]], sum=False, mode="FAST_COMPILE")(point)[0]
    assert_allclose(density, pointwise(patients, baseline, parameters, STRONG), rtol=1e-9)
    gradient = model.compile_dlogp(mode="FAST_COMPILE")(point)
    assert_allclose(gradient, differences(model, point), rtol=1e-5, atol=1e-4)


def test_strengths_differ_in_data_alone(cohort):
    weak = UnmeasuredConfounder(0.3, 0.4, 0.2)
    assert weak.structure == STRONG.structure == ("hidden_confounder",)
    spec = ModelSpec(PiecewiseExponential(CUTS), EFFECTS["constant"](), "absent", STRONG)
    for delayed in (False, True):
        patients = cohort(delayed)
        strong = STRONG.arrays(patients, spec)
        other = weak.arrays(patients, dataclasses.replace(spec, exposure=weak))
        changed = {name for name in strong if not np.array_equal(strong[name], other[name])}
        assert strong.keys() == other.keys()
        assert changed == {"hidden_prevalence", "hidden_effect", "hidden_centre"}


def test_the_baseline_is_that_of_the_average_patient(cohort):
    """Over the cohort and over U the log hazard ratio has mean 0, so that priors of the level mean what they meant."""
    patients = cohort(False)
    share, without, having = predictors(patients, STRONG)
    eta = -0.4 * patients.treatment + 0.03 * patients.outcome.values[:, 0]
    assert np.mean((1 - share) * without + share * having - eta) == pytest.approx(0.0, abs=1e-12)
    held = STRONG.arrays(patients, ModelSpec(PiecewiseExponential(CUTS), EFFECTS["constant"]()))
    assert_allclose(eta - held["hidden_centre"], without, atol=1e-12)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0.0, 0.5, 1.0), "among the treated must be between 0 and 1, but found 0"),
        ((0.2, 1.0, 1.0), "among the untreated must be between 0 and 1, but found 1"),
        ((0.2, np.nan, 1.0), "among the untreated must be between 0 and 1, but found nan"),
        ((0.2, 0.3, np.inf), "log hazard ratio must be finite, but found inf"),
    ],
)
def test_impossible_strengths_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        UnmeasuredConfounder(*values)
