"""The likelihood of effects by interval and by subgroup, against hazards that are integrated numerically."""

from dataclasses import replace

import numpy as np
import pytensor.tensor as pt
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

from data.errors import InputError
from data.simulation.simulate import LevelCovariate, Truth, simulate_cohort, simulate_frame, simulated_study
from models.assembly import build_model, covariate_predictor, model_blocks, model_data
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS, ByInterval, BySubgroup, ConstantEffect
from models.exposures import Naive, TimeSplit
from models.exposures.tempered import Tempered
from models.exposures.unmeasured_confounder import UnmeasuredConfounder
from models.lifetimes import draw_times
from models.priors import PriorSet
from models.specification import ModelSpec, outcome_spec

CUTS = (6.0, 20.0)
BASELINES = {"piecewise_exponential": PiecewiseExponential(CUTS), "weibull": Weibull()}
OBSERVED = {"naive": Naive(), "time_split": TimeSplit()}
LEVELS = (("grade", "II"), ("grade", "III"))
SHAPES = {"by_interval": ByInterval(CUTS), "by_subgroup": BySubgroup(LEVELS)}
BY_INTERVAL, BY_SUBGROUP = np.array([-1.1, 0.2, 0.6]), np.array([0.5, -0.8])
PARAMETERS = {
    "log_hazard": np.log([0.05, 0.02, 0.04]),
    "median_survival": np.array(21.0),
    "weibull_shape": np.array(1.4),
    "treatment_effect": np.array(-1.1),
    "treatment_effect_by_interval": BY_INTERVAL,
    "subgroup_effects": BY_SUBGROUP,
    "outcome_coefficients": np.array([0.03, 0.4, -0.5]),
}


@pytest.fixture(scope="module", params=[8.0, 0.0], ids=["late entry", "entry at 0"])
def cohort(request):
    """50 patients, some of whom begin treatment before they come under observation or die at a cut point."""
    found = simulate_cohort(Truth(latest_entry=request.param, closing=40.0), 50, seed=4)
    rng = np.random.default_rng(1)
    time = found.time.copy()
    early = (found.entry < 6) & found.event
    at_cut = np.r_[np.flatnonzero(early & found.treatment)[:2], np.flatnonzero(early & ~found.treatment)[:2]]
    time[at_cut] = 6.0
    start = np.where(found.treatment, rng.uniform(0, time), np.nan)
    assert len(at_cut) == 4
    return replace(found, time=time, treatment_start=start)


def hazard_at(baseline, time):
    """Baseline hazard in plain arithmetic."""
    if baseline == "weibull":
        return np.log(2) * 1.4 / 21.0 * (time / 21.0) ** 0.4
    return 0.05 if time <= 6 else 0.02 if time <= 20 else 0.04


def ratio_at(effect, cohort, patient, time):
    """The treated patient's log hazard ratio at a time, from the words of the contract."""
    if effect == "by_interval":
        return BY_INTERVAL[0] if time <= 6 else BY_INTERVAL[1] if time <= 20 else BY_INTERVAL[2]
    grade = cohort.covariates["grade"].astype(str).to_numpy()
    average = sum(
        effect * (grade == level).mean() for level, effect in zip(("II", "III"), BY_SUBGROUP, strict=True)
    )
    return -1.1 + {"I": 0.0, "II": BY_SUBGROUP[0], "III": BY_SUBGROUP[1]}[grade[patient]] - average


def pointwise(cohort, baseline, effect, exposure, xp=np):
    spec = ModelSpec(BASELINES[baseline], SHAPES[effect], "absent", OBSERVED[exposure])
    content = model_data(cohort, spec, model_blocks(cohort, spec, PriorSet("default")))
    risk = covariate_predictor(PARAMETERS, content, np)
    if xp is np:
        return spec.exposure.log_likelihood(PARAMETERS, content, spec, risk, np), risk
    symbolic = {name: pt.as_tensor(value) for name, value in PARAMETERS.items()}
    held = {name: pt.as_tensor(value) for name, value in content.items()}
    density = spec.exposure.log_likelihood(symbolic, held, spec, pt.as_tensor(risk), pt)
    return density.eval(mode="FAST_COMPILE"), risk


@pytest.mark.parametrize("baseline", list(BASELINES))
@pytest.mark.parametrize("effect", list(SHAPES))
@pytest.mark.parametrize("exposure", list(OBSERVED))
def test_each_patient_agrees_with_hazards_integrated_numerically(cohort, exposure, effect, baseline):
    found, risk = pointwise(cohort, baseline, effect, exposure)
    for patient in range(cohort.size):
        start = cohort.treatment_start[patient] if cohort.treatment[patient] else np.inf
        if exposure == "naive" and cohort.treatment[patient]:
            start = -1.0

        def hazard(time, patient=patient, start=start):
            on = ratio_at(effect, cohort, patient, time) if time > start else 0.0
            return hazard_at(baseline, time) * np.exp(risk[patient] + on)

        begin, end = cohort.entry[patient], cohort.time[patient]
        breaks = [time for time in (*CUTS, start) if begin < time < end]
        cumulated = quad(hazard, begin, end, points=breaks or None, epsabs=1e-12, epsrel=1e-10)[0]
        expected = cohort.event[patient] * np.log(hazard(end)) - cumulated
        assert found[patient] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("baseline", list(BASELINES))
@pytest.mark.parametrize("effect", list(SHAPES))
@pytest.mark.parametrize("exposure", list(OBSERVED))
def test_the_model_s_tensors_are_the_same_formula(cohort, exposure, effect, baseline):
    symbolic = pointwise(cohort, baseline, effect, exposure, pt)[0]
    assert_allclose(symbolic, pointwise(cohort, baseline, effect, exposure)[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("baseline", list(BASELINES))
@pytest.mark.parametrize("effect", list(SHAPES))
@pytest.mark.parametrize("exposure", list(OBSERVED))
def test_without_differences_it_is_the_constant_effect(cohort, exposure, effect, baseline):
    """By interval with the same ratio in each, by subgroup with none of its own: the same number for each patient."""
    same = {"treatment_effect_by_interval": np.full(3, -1.1), "subgroup_effects": np.zeros(2)}
    parameters = {**PARAMETERS, **same}
    found = {}
    for shape in (SHAPES[effect], ConstantEffect()):
        spec = ModelSpec(BASELINES[baseline], shape, "absent", OBSERVED[exposure])
        content = model_data(cohort, spec, model_blocks(cohort, spec, PriorSet("default")))
        risk = covariate_predictor(parameters, content, np)
        found[shape.name] = spec.exposure.log_likelihood(parameters, content, spec, risk, np)
    assert_allclose(found[effect], found["constant"], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("baseline", list(BASELINES))
def test_one_interval_is_the_constant_effect_parameter_for_parameter(cohort, baseline):
    """The same free variables and the same density of the whole model."""
    chosen = {"piecewise_exponential": PiecewiseExponential(), "weibull": Weibull()}[baseline]
    models = [
        build_model(cohort, ModelSpec(chosen, effect), PriorSet("default"))
        for effect in (ByInterval(), ConstantEffect())
    ]
    point = {name: np.asarray(value) + 0.1 for name, value in models[0].initial_point().items()}
    densities = [float(model.compile_logp(mode="FAST_COMPILE")(point)) for model in models]
    assert densities[0] == pytest.approx(densities[1])


@pytest.mark.parametrize("baseline", list(BASELINES))
@pytest.mark.parametrize("effect", list(SHAPES))
def test_times_drawn_have_the_cumulative_hazard_of_the_model(cohort, effect, baseline):
    """What a patient has cumulated between entry and a drawn time is unit exponential (Kolmogorov and Smirnov)."""
    draws = 400
    spec = ModelSpec(BASELINES[baseline], SHAPES[effect])
    content = model_data(cohort, spec, model_blocks(cohort, spec, PriorSet("default")))
    many = {name: np.broadcast_to(value, (draws, *value.shape)) for name, value in PARAMETERS.items()}
    times = draw_times(many, content, spec, draws, np.random.default_rng(6))
    assert times.shape == (draws, cohort.size)
    assert np.all(times >= cohort.entry)
    cumulated = np.empty_like(times)
    for number, drawn in enumerate(times):
        one = replace(cohort, time=drawn, event=np.zeros(cohort.size, dtype=bool))
        again = model_data(one, spec, model_blocks(one, spec, PriorSet("default")))
        risk = covariate_predictor(PARAMETERS, again, np)
        cumulated[number] = -spec.exposure.log_likelihood(PARAMETERS, again, spec, risk, np)
    for arm in (False, True):
        assert stats.kstest(cumulated[:, cohort.treatment == arm].ravel(), "expon").pvalue > 1e-4


@pytest.mark.parametrize("effect", SHAPES.values(), ids=list(SHAPES))
def test_what_is_worked_out_for_a_constant_effect_is_refused_for_others(cohort, effect):
    for exposure in (UnmeasuredConfounder(0.4, 0.2, 0.5), Tempered(0.5)):
        spec = ModelSpec(BASELINES["weibull"], effect, "absent", exposure)
        with pytest.raises(ValueError, match=f"must be constant .* but found {effect.name}"):
            exposure.arrays(cohort, spec)


def study_with(subgroups):
    shares = {"grade": LevelCovariate({"I": 0.5, "II": 0.5}), "site": LevelCovariate({"0": 0.6, "1": 0.4})}
    truth = Truth(covariates={**Truth().covariates, **shares}, outcome={}, treatment={})
    text = simulate_frame(truth, 40, seed=1)[1] + f"[report]\nsubgroups = {subgroups}\n"
    return simulated_study(text), simulate_cohort(truth, 40, seed=1)


def test_subgroups_are_those_that_the_study_reports():
    study, cohort = study_with('["site", "grade"]')
    effect = outcome_spec(study, cohort, "weibull", "by_subgroup", "absent").effect
    assert effect.terms == ("site[T.1]", "grade[T.II]")
    assert_allclose(effect.arrays(cohort)["modifiers"].mean(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("subgroups", "found"), [("[]", "found none"), ('["age", "site"]', "found age"), ('["no"]', "found no")]
)
def test_subgroups_that_cannot_be_used_are_refused_with_what_to_do(subgroups, found):
    study, cohort = study_with(subgroups)
    with pytest.raises(InputError, match=rf"\[report\] subgroups must name covariates with levels.*{found}"):
        outcome_spec(study, cohort, "weibull", "by_subgroup", "absent")


def test_levels_that_nobody_has_are_left_out():
    study, cohort = study_with('["site", "grade"]')
    alike = cohort.covariates.assign(
        site=cohort.covariates["site"].where(cohort.covariates["site"] == "0", "0")
    )
    spec = outcome_spec(study, replace(cohort, covariates=alike), "weibull", "by_subgroup", "absent")
    assert spec.effect.terms == ("grade[T.II]",)
    assert set(EFFECTS) == {"constant", "by_interval", "by_subgroup"}
