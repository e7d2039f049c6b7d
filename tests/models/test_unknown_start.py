"""The likelihood with unknown starts against quadrature, discrete starts written out, and probabilities that sum to one."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats
from scipy.special import expit, logsumexp

from inference.sensitivity.start_times import AtStart, EarlyOrLater, Exponential, StartScenario, Uniform
from models.assembly import build_model, model_blocks, model_data
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.exposures import Naive, TimeSplit
from models.exposures.unknown_start import UnknownStart
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
STARTS = {
    "uniform": (Uniform("", "", 9.0), stats.uniform(0, 9.0)),
    "exponential": (Exponential("", "", 5.0), stats.expon(scale=5.0)),
}


@dataclasses.dataclass(frozen=True)
class Atoms:
    """Starts at a few known times."""

    at: tuple[float, ...]
    probability: tuple[float, ...]

    def bins(self, end, count):
        starts = np.broadcast_to(self.at, (len(end), count))
        within = starts < end[:, None]
        return np.where(within, starts, 0.0), np.where(within, self.probability, 0.0)


@pytest.fixture(scope="module")
def cohort(cohort_of):
    """30 patients with a covariate, of whom 15 are treated."""
    rng = np.random.default_rng(4)
    return cohort_of(
        rng.uniform(0.5, 40, 30), rng.random(30) < 0.7, np.arange(30) % 2, stage=rng.normal(0, 1, 30)
    )


def pointwise(cohort, baseline, hazard, exposure, **changed):
    """Log likelihood of each patient by numpy."""
    spec = ModelSpec(baseline, EFFECTS["constant"](), "absent", exposure)
    values = PARAMETERS | hazard | changed
    content = model_data(cohort, spec, model_blocks(cohort, spec, PriorSet("default")))
    risk = values["outcome_coefficients"] @ content["outcome_design"].T
    return exposure.log_likelihood(values, content, spec, risk, np)


def log_odds_of(cohort):
    return 0.3 - 0.8 * cohort.propensity.values[:, 0]


@pytest.mark.parametrize("name", list(BASELINES))
def test_all_starts_at_zero_are_ever_never_times_the_treatment_model(cohort, name):
    baseline, hazard = BASELINES[name]
    expected = pointwise(cohort, baseline, hazard, Naive()) + treatment_log_likelihood(
        cohort.treatment.astype(float), log_odds_of(cohort), np
    )
    found = pointwise(cohort, baseline, hazard, UnknownStart(AtStart("", "")))
    assert_allclose(found, expected, rtol=0, atol=1e-10)


def cumulative(name, time):
    """Cumulative baseline hazard in plain arithmetic."""
    if name == "weibull":
        return np.log(2) * (time / 14.0) ** 1.4
    return 0.05 * min(time, 4.0) + 0.02 * np.clip(time - 4, 0, 11) + 0.08 * max(time - 15, 0.0)


def hazard_at(name, time):
    if name == "weibull":
        return np.log(2) * 1.4 / 14.0 * (time / 14.0) ** 0.4
    return 0.05 if time <= 4 else 0.02 if time <= 15 else 0.08


@pytest.mark.parametrize("starts", list(STARTS))
@pytest.mark.parametrize("name", list(BASELINES))
@pytest.mark.parametrize("effect", [-0.5, 0.9])
def test_each_patient_agrees_with_quadrature_over_the_start(cohort, name, starts, effect):
    scenario, law = STARTS[starts]
    expected = []
    for at, (time, died, treated) in enumerate(zip(cohort.time, cohort.event, cohort.treatment, strict=True)):
        risk, q = np.exp(0.4 * cohort.outcome.values[at, 0]), expit(log_odds_of(cohort)[at])
        if treated:
            density = integrate.quad(
                lambda r, t=time, risk=risk: (
                    law.pdf(r)
                    * np.exp(
                        -risk
                        * (cumulative(name, r) + np.exp(effect) * (cumulative(name, t) - cumulative(name, r)))
                    )
                ),
                0,
                min(time, 9.0) if starts == "uniform" else time,
                points=[cut for cut in CUTS if cut < time],
                epsabs=1e-13,
            )[0]
            likelihood = q * density * (risk * np.exp(effect) * hazard_at(name, time)) ** died
        else:
            likelihood = (
                (1 - q * law.cdf(time))
                * np.exp(-risk * cumulative(name, time))
                * (risk * hazard_at(name, time)) ** died
            )
        expected.append(np.log(likelihood))
    baseline, hazard = BASELINES[name]
    changed = {"treatment_effect": np.array(effect)}
    many = pointwise(cohort, baseline, hazard, UnknownStart(scenario, 400), **changed)
    assert_allclose(many, expected, rtol=0, atol=2e-5)
    usual = pointwise(cohort, baseline, hazard, UnknownStart(scenario), **changed)
    assert_allclose(usual, expected, rtol=0, atol=3e-3)
    assert abs((usual - expected).sum()) < 0.01  # of the whole cohort: nothing that a posterior could notice


@pytest.mark.parametrize("name", list(BASELINES))
def test_discrete_starts_are_the_sum_over_known_starts(cohort, name):
    """Each known start by the time-split likelihood, which shares nothing with the bins."""
    baseline, hazard = BASELINES[name]
    at, probability = (0.3, 2.0, 7.0, 20.0), (0.4, 0.3, 0.2, 0.1)
    q = expit(log_odds_of(cohort))
    terms = []
    for start, share in zip(at, probability, strict=True):
        known = dataclasses.replace(
            cohort, treatment_start=np.where(cohort.treatment, np.minimum(start, cohort.time), np.nan)
        )
        split = pointwise(known, baseline, hazard, TimeSplit())
        possible = start < cohort.time
        terms.append(np.where(possible, np.log(q * share) + split, -np.inf))
    begun = np.array(probability) @ (np.array(at)[:, None] < cohort.time)
    untreated = np.log1p(-q * begun) + pointwise(cohort, baseline, hazard, Naive())
    assert (begun[cohort.treatment] > 0).all()
    found = pointwise(cohort, baseline, hazard, UnknownStart(Atoms(at, probability), 4))
    assert_allclose(
        found, np.where(cohort.treatment, logsumexp(terms, axis=0), untreated), rtol=0, atol=1e-10
    )


@pytest.mark.parametrize("effect", [-0.9, 0.0, 0.7])
def test_all_that_can_be_recorded_has_probability_one(cohort_of, effect):
    """Deaths at any time, treated or not, and survival to the end, treated or not: nothing is missing or counted twice."""
    edges = np.concatenate([[0.0], np.geomspace(0.01, 2, 8), [*CUTS, 30.0]])
    nodes, weights = np.polynomial.legendre.leggauss(12)
    half = np.diff(edges) / 2
    time = (edges[:-1, None] + half[:, None] * (nodes + 1)).ravel()
    weight = (half[:, None] * weights).ravel()
    every = np.concatenate([time, [30.0], time, [30.0]])
    died = np.concatenate([np.ones(len(time)), [0]] * 2)
    arm = np.repeat([0, 1], len(time) + 1)
    recorded = cohort_of(every, died, arm)
    baseline, hazard = BASELINES["piecewise"]
    values = {**hazard, "treatment_effect": np.array(effect), "propensity_intercept": np.array(0.3)}
    for scenario in (
        Uniform("", "", 9.0),
        Exponential("", "", 5.0),
        EarlyOrLater("", "", 0.4, 8.0, 2.0),
        AtStart("", ""),
    ):
        exposure = UnknownStart(scenario, 60)
        spec = ModelSpec(baseline, EFFECTS["constant"](), "absent", exposure)
        content = model_data(recorded, spec, model_blocks(recorded, spec, PriorSet("default")))
        density = np.exp(exposure.log_likelihood(values, content, spec, 0.0, np))
        total = density @ np.concatenate([weight, [1.0]] * 2)
        assert_allclose(total, 1.0, atol=2e-4)


def test_draws_come_first(cohort):
    baseline, hazard = BASELINES["piecewise"]
    exposure = UnknownStart(Uniform("", "", 9.0))
    drawn = {name: np.stack([value, value + 0.2]) for name, value in (PARAMETERS | hazard).items()}
    both = pointwise(cohort, baseline, {}, exposure, **drawn)
    assert both.shape == (2, cohort.size)
    for row in range(2):
        one = {name: value[row] for name, value in drawn.items()}
        assert_allclose(both[row], pointwise(cohort, baseline, {}, exposure, **one), rtol=1e-12)


@pytest.mark.parametrize("scenario", [Uniform("", "", 9.0), AtStart("", "")], ids=["uniform", "at start"])
@pytest.mark.parametrize("name", list(BASELINES))
def test_the_compiled_model_is_numpys_and_its_gradient_is_that_of_differences(
    cohort, name, scenario, differences
):
    baseline, _ = BASELINES[name]
    exposure = UnknownStart(scenario, 8)
    spec = ModelSpec(baseline, EFFECTS["constant"](), "absent", exposure)
    model = build_model(cohort, spec, PriorSet("default"))
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
    assert gradient.size == sum(np.size(value) for value in point.values())
    assert np.isfinite(gradient).all()
    assert_allclose(gradient, differences(model, point), rtol=1e-5, atol=1e-5)


def test_late_entry_and_impossible_starts_are_refused(cohort, cohort_of):
    baseline, _ = BASELINES["piecewise"]
    late = cohort_of([5.0, 6.0], [1, 1], [0, 1], [1.0, 0.0])
    exposure = UnknownStart(Uniform("", "", 9.0))
    spec = ModelSpec(baseline, EFFECTS["constant"](), "absent", exposure)
    with pytest.raises(ValueError, match=r"entry must be 0 .* but found 1 who came"):
        exposure.arrays(late, spec)
    after = UnknownStart(Atoms((1000.0,), (1.0,)), 1)
    with pytest.raises(ValueError, match=r"possible within the follow-up .* but found 15 treated"):
        after.arrays(cohort, spec)


@pytest.mark.parametrize("name", list(BASELINES))
def test_without_candidacy_what_is_left_does_not_depend_on_hazard_and_effect(cohort, name):
    """The factor that is left out is q for the treated and 1 - q F for the others, whatever the effect."""
    baseline, hazard = BASELINES[name]
    scenario, law = STARTS["exponential"]
    q = expit(log_odds_of(cohort))
    record = np.log(np.where(cohort.treatment, q, 1 - q * law.cdf(cohort.time)))
    for effect in (-1.5, 0.0, 0.9):
        changed = {"treatment_effect": np.array(effect)}
        whole = pointwise(cohort, baseline, hazard, UnknownStart(scenario), **changed)
        rest = pointwise(cohort, baseline, hazard, UnknownStart(scenario, candidacy=False), **changed)
        assert_allclose(whole - rest, record, rtol=0, atol=1e-12)


class AtStartInManyBins(AtStart):
    """As every other scenario would be divided."""

    bins = StartScenario.bins


@pytest.mark.parametrize("name", list(BASELINES))
def test_one_bin_is_enough_where_all_begin_at_zero(cohort, name):
    baseline, hazard = BASELINES[name]
    one, many = (UnknownStart(scenario("", ""), 60) for scenario in (AtStart, AtStartInManyBins))
    assert one.starts.bins(cohort.time, 60)[0].shape == (cohort.size, 1)
    assert many.starts.bins(cohort.time, 60)[0].shape == (cohort.size, 60)
    expected = pointwise(cohort, baseline, hazard, many)
    assert_allclose(pointwise(cohort, baseline, hazard, one), expected, rtol=0, atol=1e-12)


def test_without_candidacy_there_is_no_parameter_of_it(cohort):
    baseline, _ = BASELINES["piecewise"]
    exposure = UnknownStart(Uniform("", "", 9.0), candidacy=False)
    spec = ModelSpec(baseline, EFFECTS["constant"](), "absent", exposure)
    assert not [name for name in model_blocks(cohort, spec, PriorSet("default")) if "propensity" in name]
    assert not [name for name in exposure.arrays(cohort, spec) if name.startswith("candidate")]


def test_only_candidacy_asks_for_another_compilation():
    one = UnknownStart(AtStart("", ""))
    assert one.structure == UnknownStart(Uniform("", "", 3.0)).structure
    assert one.structure == UnknownStart(AtStart("", ""), 1).structure
    assert one.structure != UnknownStart(AtStart("", ""), candidacy=False).structure
