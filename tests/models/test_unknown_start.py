"""The likelihood with unknown starts, alone or with an unmeasured confounder: quadrature, sums written out, probability one."""

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
STARTS = {
    "uniform": (Uniform("", "", 9.0), stats.uniform(0, 9.0)),
    "exponential": (Exponential("", "", 5.0), stats.expon(scale=5.0)),
}


STRONG = UnmeasuredConfounder(0.2, 0.7, 1.1)


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


def pointwise(cohort, baseline, hazard, exposure, shift=0.0, **changed):
    """Log likelihood of each patient by numpy; the shift is added to the log hazard ratio of everybody."""
    spec = ModelSpec(baseline, EFFECTS["constant"](), "absent", exposure)
    values = PARAMETERS | hazard | changed
    content = model_data(cohort, spec, model_blocks(cohort, spec, PriorSet("default")))
    design = content.get("outcome_design", np.zeros((cohort.size, 1)))
    risk = values["outcome_coefficients"] @ design.T + shift
    return exposure.log_likelihood(values, content, spec, risk, np)


def of_treatment(cohort):
    """Log likelihood of the treatment model."""
    return treatment_log_likelihood(cohort.treatment.astype(float), log_odds_of(cohort), np)


def log_odds_of(cohort):
    return 0.3 - 0.8 * cohort.propensity.values[:, 0]


@pytest.mark.parametrize("effect", [-0.5, 0.9])
@pytest.mark.parametrize("name", list(BASELINES))
def test_all_starts_at_zero_are_ever_never_times_the_treatment_model(cohort, name, effect):
    """And with a confounder, the confounder alone times the treatment model."""
    changed, start = {"treatment_effect": np.array(effect)}, UnknownStart(AtStart("", ""))
    both = UnknownStartAndConfounder(start, STRONG)
    for alone, exposure in ((Naive(), start), (STRONG, both)):
        expected = pointwise(cohort, *BASELINES[name], alone, **changed) + of_treatment(cohort)
        found = pointwise(cohort, *BASELINES[name], exposure, **changed)
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

            def density(r, t=time, risk=risk):
                after = np.exp(effect) * (cumulative(name, t) - cumulative(name, r))
                return law.pdf(r) * np.exp(-risk * (cumulative(name, r) + after))

            last = min(time, 9.0) if starts == "uniform" else time
            cuts = [cut for cut in CUTS if cut < time]
            record = q * integrate.quad(density, 0, last, points=cuts, epsabs=1e-13)[0]
        else:
            record = (1 - q * law.cdf(time)) * np.exp(-risk * cumulative(name, time))
        slope = risk * np.exp(effect * treated) * hazard_at(name, time)
        expected.append(np.log(record * slope**died))
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
    weight = np.append((half[:, None] * weights).ravel(), 1.0)
    every, died = np.append(time, 30.0), np.append(np.ones(len(time)), 0)
    recorded = cohort_of(np.tile(every, 2), np.tile(died, 2), np.repeat([0, 1], len(every)))
    changed = {"treatment_effect": np.array(effect)}
    scenarios = (Uniform("", "", 9.0), Exponential("", "", 5.0), EarlyOrLater("", "", 0.4, 8.0, 2.0))
    for scenario in (*scenarios, AtStart("", "")):
        start = UnknownStart(scenario, 60)
        for exposure in (start, UnknownStartAndConfounder(start, STRONG)):
            density = np.exp(pointwise(recorded, *BASELINES["piecewise"], exposure, **changed))
            assert_allclose(density @ np.tile(weight, 2), 1.0, atol=2e-4)


def test_draws_come_first(cohort):
    baseline, hazard = BASELINES["piecewise"]
    exposure = UnknownStart(Uniform("", "", 9.0))
    drawn = {name: np.stack([value, value + 0.2]) for name, value in (PARAMETERS | hazard).items()}
    both = pointwise(cohort, baseline, {}, exposure, **drawn)
    assert both.shape == (2, cohort.size)
    for row in range(2):
        one = {name: value[row] for name, value in drawn.items()}
        assert_allclose(both[row], pointwise(cohort, baseline, {}, exposure, **one), rtol=1e-12)


@pytest.mark.parametrize(
    "exposure",
    [
        UnknownStart(Uniform("", "", 9.0), 8),
        UnknownStart(AtStart("", ""), 8),
        UnknownStartAndConfounder(UnknownStart(Uniform("", "", 9.0), 8), STRONG),
    ],
    ids=["uniform", "at start", "and confounder"],
)
@pytest.mark.parametrize("name", list(BASELINES))
def test_the_compiled_model_is_numpys_and_its_gradient_is_that_of_differences(
    cohort, name, exposure, differences
):
    baseline, _ = BASELINES[name]
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


@pytest.mark.parametrize("name", list(BASELINES))
@pytest.mark.parametrize("strength", [(0.2, 0.7, 0.0), (1e-14, 1e-14, 1.1)], ids=["harmless", "absent"])
def test_a_confounder_without_effect_or_without_patients_is_the_start_alone(cohort, name, strength):
    for scenario, _ in STARTS.values():
        start = UnknownStart(scenario)
        both = UnknownStartAndConfounder(start, UnmeasuredConfounder(*strength))
        found, expected = (pointwise(cohort, *BASELINES[name], one) for one in (both, start))
        assert_allclose(found, expected, rtol=0, atol=1e-10)


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
