"""The likelihood of every exposure and effect shape, against hazards that are integrated numerically, patient by patient."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytensor.tensor as pt
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

from data.errors import InputError
from data.simulation.simulate import (
    LevelCovariate,
    PiecewiseHazard,
    Truth,
    simulate_cohort,
    simulate_frame,
    simulated_study,
)
from data.study.subcohorts import landmark_cohort
from models.assembly import build_model, covariate_predictor, model_blocks, model_data
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS, ByInterval, BySubgroup, ConstantEffect
from models.exposures import EXPOSURES, Naive, TimeSplit
from models.exposures.tempered import Tempered
from models.exposures.unmeasured_confounder import UnmeasuredConfounder
from models.lifetimes import draw_times
from models.priors import PriorSet
from models.specification import ModelSpec, outcome_spec

CUTS = (6.0, 20.0)
BASELINES = {"piecewise_exponential": PiecewiseExponential(CUTS), "weibull": Weibull()}
LANDMARK, CONSTANT = 5.0, ConstantEffect()
OBSERVED = {"naive": Naive(), "time_split": TimeSplit()}
LEVELS = (("grade", "II"), ("grade", "III"))
SHAPES = {"by_interval": ByInterval(CUTS), "by_subgroup": BySubgroup(LEVELS)}
EFFECT, BY_INTERVAL, BY_SUBGROUP = -1.1, np.array([-1.1, 0.2, 0.6]), np.array([0.5, -0.8])
PARAMETERS = {
    "log_hazard": np.log([0.05, 0.02, 0.04]),
    "median_survival": np.array(21.0),
    "weibull_shape": np.array(1.4),
    "treatment_effect": np.array(EFFECT),
    "treatment_effect_by_interval": BY_INTERVAL,
    "subgroup_effects": BY_SUBGROUP,
    "outcome_coefficients": np.array([0.03, 0.4, -0.5]),
}
every_baseline = pytest.mark.parametrize("baseline", list(BASELINES))
every_shape = pytest.mark.parametrize(
    ("exposure", "effect", "baseline"), list(product(OBSERVED, SHAPES, BASELINES))
)


@pytest.fixture(scope="module")
def cohort():
    """60 patients with delayed entry and delayed treatment; some begin before they come under observation."""
    found = simulate_cohort(Truth(mean_delay=6.0, latest_entry=8.0, closing=40.0), 60, seed=4)
    begun_before = found.treatment & (np.nan_to_num(found.treatment_start, nan=np.inf) < found.entry)
    assert begun_before.any()
    assert (found.treatment & ~begun_before).any()
    assert 20 < found.events < 60
    return found


def observed_as(exposure, cohort):
    return landmark_cohort(cohort, LANDMARK) if exposure == "landmark" else cohort


def pointwise(cohort, baseline, exposure, shape=CONSTANT, xp=np, **changed):
    """Log likelihood of each patient, and the part of the predictor that is not treatment."""
    spec = ModelSpec(BASELINES[baseline], shape, "absent", exposure)
    values = PARAMETERS | {name: np.asarray(value) for name, value in changed.items()}
    content = model_data(cohort, spec, model_blocks(cohort, spec, PriorSet("default")))
    risk = covariate_predictor(values, content, np)
    if xp is np:
        return exposure.log_likelihood(values, content, spec, risk, np), risk
    symbolic, held = ({name: pt.as_tensor(value) for name, value in one.items()} for one in (values, content))
    found = exposure.log_likelihood(symbolic, held, spec, pt.as_tensor(risk), pt)
    return found.eval(mode="FAST_COMPILE"), risk


def integrated(hazard, begin, end, start, event):
    """Log likelihood of a patient by quadrature of the hazard."""
    breaks = [time for time in (*CUTS, start) if begin < time < end]
    cumulated = quad(hazard, begin, end, points=breaks or None, epsabs=1e-12, epsrel=1e-10)[0]
    return event * np.log(hazard(end)) - cumulated


def hazard_at(baseline, time):
    """Baseline hazard in plain arithmetic."""
    if baseline == "weibull":
        return np.log(2) * 1.4 / 21.0 * (time / 21.0) ** 0.4
    return 0.05 if time <= 6 else 0.02 if time <= 20 else 0.04


def treated_at(exposure, cohort, patient, time):
    """Whether a patient counts as treated at a time, from the words of the contract."""
    if not cohort.treatment[patient]:
        return False
    if exposure == "naive":
        return True
    return time > cohort.treatment_start[patient] if exposure == "time_split" else None


@every_baseline
@pytest.mark.parametrize("exposure", list(EXPOSURES))
def test_each_patient_agrees_with_hazards_integrated_numerically(cohort, exposure, baseline):
    observed = observed_as(exposure, cohort)
    found, risk = pointwise(observed, baseline, EXPOSURES[exposure]())
    origin = LANDMARK if exposure == "landmark" else 0.0
    places = {name: place for place, name in enumerate(cohort.patient)}
    for row, name in enumerate(observed.patient):
        patient = places[name]
        begin = max(cohort.entry[patient], origin)
        start = cohort.treatment_start[patient] if cohort.treatment[patient] else np.inf

        def hazard(time, row=row, patient=patient, start=start):
            on = start <= LANDMARK if exposure == "landmark" else treated_at(exposure, cohort, patient, time)
            return hazard_at(baseline, time) * np.exp(risk[row] + EFFECT * on)

        expected = integrated(hazard, begin, cohort.time[patient], start, cohort.event[patient])
        assert found[row] == pytest.approx(expected, abs=1e-7), name


def test_the_landmark_keeps_those_who_are_followed_beyond_it(cohort):
    observed = observed_as("landmark", cohort)
    assert set(observed.patient) == set(cohort.patient[cohort.time > LANDMARK])
    assert 0 < observed.treatment.sum() < cohort.treatment[cohort.time > LANDMARK].sum()


@every_baseline
@pytest.mark.parametrize("name", list(EXPOSURES))
def test_the_model_s_tensors_are_the_same_formula(cohort, name, baseline):
    observed, exposure = observed_as(name, cohort), EXPOSURES[name]()
    symbolic = pointwise(observed, baseline, exposure, xp=pt)[0]
    assert_allclose(symbolic, pointwise(observed, baseline, exposure)[0], rtol=1e-10)


@every_baseline
@pytest.mark.parametrize("before", [0.0, 0.5, 1.0])
def test_split_at_or_before_entry_is_ever_against_never(cohort, baseline, before):
    """A start at entry, and one before it, leave no untreated time at risk."""
    begun = replace(cohort, treatment_start=np.where(cohort.treatment, before * cohort.entry, np.nan))
    split, naive = (pointwise(begun, baseline, one)[0] for one in OBSERVED.values())
    assert_allclose(split, naive, rtol=1e-12, atol=1e-12)


@every_baseline
def test_split_at_the_end_leaves_no_treated_time(cohort, baseline):
    """Treated at the last moment: the whole cumulative hazard is the untreated patient's, the event is the treated's."""
    late = replace(cohort, treatment_start=np.where(cohort.treatment, cohort.time, np.nan))
    found = pointwise(late, baseline, TimeSplit())[0]
    untreated = pointwise(late, baseline, Naive(), treatment_effect=0.0)[0]
    assert_allclose(found - untreated, EFFECT * (late.event & late.treatment), rtol=1e-9, atol=1e-12)


@every_baseline
def test_without_an_effect_the_start_does_not_matter(cohort, baseline):
    split, naive = (pointwise(cohort, baseline, one, treatment_effect=0.0)[0] for one in OBSERVED.values())
    assert_allclose(split, naive, rtol=1e-12, atol=1e-12)


def test_splitting_moves_time_to_the_untreated(cohort):
    """The derivative by the log hazard ratio at 0 is treated events less treated hazard: less of it after the split."""
    slopes = {}
    for name, exposure in (("naive", Naive()), ("split", TimeSplit())):
        up, down = (
            pointwise(cohort, "weibull", exposure, treatment_effect=step)[0] for step in (1e-5, -1e-5)
        )
        slopes[name] = (up - down) / 2e-5
    later = cohort.treatment & (np.nan_to_num(cohort.treatment_start) > cohort.entry)
    assert np.all(slopes["split"][later] > slopes["naive"][later])
    assert_allclose(slopes["split"][~later], slopes["naive"][~later], atol=1e-8)


def test_a_split_needs_start_times():
    with pytest.raises(ValueError, match="a time-split exposure needs start times"):
        pointwise(simulate_cohort(Truth(), 40, seed=1), "weibull", TimeSplit())


def test_the_truth_of_a_delayed_treatment_has_the_highest_likelihood_where_it_is():
    """At the true hazard, the likelihood split at the start is largest near the true effect; the naive one is not."""
    hazard = PiecewiseHazard(CUTS, (0.05, 0.02, 0.04))
    truth = Truth(covariates={}, outcome={}, treatment={}, log_hazard_ratio=-0.5, baseline=hazard)
    cohort = simulate_cohort(replace(truth, mean_delay=20.0, latest_entry=6.0), 4000, seed=6)
    effects = np.linspace(-2.0, 0.5, 251)
    draws = {"treatment_effect": effects, "log_hazard": np.tile(PARAMETERS["log_hazard"], (251, 1))}
    best = {}
    for name, exposure in OBSERVED.items():
        spec = ModelSpec(BASELINES["piecewise_exponential"], CONSTANT, "absent", exposure)
        content = model_data(cohort, spec, model_blocks(cohort, spec, PriorSet("default")))
        total = exposure.log_likelihood(draws, content, spec, np.zeros(cohort.size), np).sum(axis=-1)
        best[name] = effects[np.argmax(total)]
    error = 1 / np.sqrt((cohort.event & cohort.treatment).sum())
    assert abs(best["time_split"] + 0.5) < 3 * error + 0.01
    assert best["naive"] < -0.5 - 5 * error


@pytest.fixture(scope="module", params=[8.0, 0.0], ids=["late entry", "entry at 0"])
def started(request):
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


def ratio_at(effect, started, patient, time):
    """The treated patient's log hazard ratio at a time, from the words of the contract."""
    if effect == "by_interval":
        return BY_INTERVAL[0] if time <= 6 else BY_INTERVAL[1] if time <= 20 else BY_INTERVAL[2]
    grade = started.covariates["grade"].astype(str).to_numpy()
    average = sum(
        effect * (grade == level).mean() for level, effect in zip(("II", "III"), BY_SUBGROUP, strict=True)
    )
    return -1.1 + {"I": 0.0, "II": BY_SUBGROUP[0], "III": BY_SUBGROUP[1]}[grade[patient]] - average


@every_shape
def test_changing_effects_agree_with_hazards_integrated_numerically(started, exposure, effect, baseline):
    found, risk = pointwise(started, baseline, OBSERVED[exposure], SHAPES[effect])
    for patient in range(started.size):
        start = started.treatment_start[patient] if started.treatment[patient] else np.inf
        if exposure == "naive" and started.treatment[patient]:
            start = -1.0

        def hazard(time, patient=patient, start=start):
            on = ratio_at(effect, started, patient, time) if time > start else 0.0
            return hazard_at(baseline, time) * np.exp(risk[patient] + on)

        begin, end = started.entry[patient], started.time[patient]
        expected = integrated(hazard, begin, end, start, started.event[patient])
        assert found[patient] == pytest.approx(expected, abs=1e-7)


@every_shape
def test_tensors_of_changing_effects_are_the_same_formula(started, exposure, effect, baseline):
    how = (started, baseline, OBSERVED[exposure], SHAPES[effect])
    assert_allclose(pointwise(*how, pt)[0], pointwise(*how)[0], rtol=1e-10, atol=1e-12)


@every_shape
def test_without_differences_it_is_the_constant_effect(started, exposure, effect, baseline):
    """By interval with the same ratio in each, by subgroup with none of its own: the same number for each patient."""
    same = {"treatment_effect_by_interval": np.full(3, EFFECT), "subgroup_effects": np.zeros(2)}
    found, expected = (
        pointwise(started, baseline, OBSERVED[exposure], shape, **same)[0]
        for shape in (SHAPES[effect], CONSTANT)
    )
    assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


@every_baseline
def test_one_interval_is_the_constant_effect_parameter_for_parameter(started, baseline):
    """The same free variables and the same density of the whole model."""
    chosen = {"piecewise_exponential": PiecewiseExponential(), "weibull": Weibull()}[baseline]
    models = [
        build_model(started, ModelSpec(chosen, effect), PriorSet("default"))
        for effect in (ByInterval(), CONSTANT)
    ]
    point = {name: np.asarray(value) + 0.1 for name, value in models[0].initial_point().items()}
    densities = [float(model.compile_logp(mode="FAST_COMPILE")(point)) for model in models]
    assert densities[0] == pytest.approx(densities[1])


@every_baseline
@pytest.mark.parametrize("effect", list(SHAPES))
def test_times_drawn_have_the_cumulative_hazard_of_the_model(started, effect, baseline):
    """What a patient has cumulated between entry and a drawn time is unit exponential (Kolmogorov and Smirnov)."""
    draws = 400
    spec = ModelSpec(BASELINES[baseline], SHAPES[effect])
    content = model_data(started, spec, model_blocks(started, spec, PriorSet("default")))
    many = {name: np.broadcast_to(value, (draws, *value.shape)) for name, value in PARAMETERS.items()}
    times = draw_times(many, content, spec, draws, np.random.default_rng(6))
    assert times.shape == (draws, started.size)
    assert np.all(times >= started.entry)
    cumulated = np.empty_like(times)
    for number, drawn in enumerate(times):
        one = replace(started, time=drawn, event=np.zeros(started.size, dtype=bool))
        again = model_data(one, spec, model_blocks(one, spec, PriorSet("default")))
        risk = covariate_predictor(PARAMETERS, again, np)
        cumulated[number] = -spec.exposure.log_likelihood(PARAMETERS, again, spec, risk, np)
    for arm in (False, True):
        assert stats.kstest(cumulated[:, started.treatment == arm].ravel(), "expon").pvalue > 1e-4


@pytest.mark.parametrize("effect", SHAPES.values(), ids=list(SHAPES))
def test_what_is_worked_out_for_a_constant_effect_is_refused_for_others(started, effect):
    for exposure in (UnmeasuredConfounder(0.4, 0.2, 0.5), Tempered(0.5)):
        spec = ModelSpec(BASELINES["weibull"], effect, "absent", exposure)
        with pytest.raises(ValueError, match=f"must be constant .* but found {effect.name}"):
            exposure.arrays(started, spec)


def study_with(subgroups):
    shares = {"grade": LevelCovariate({"I": 0.5, "II": 0.5}), "site": LevelCovariate({"0": 0.6, "1": 0.4})}
    truth = Truth(covariates={**Truth().covariates, **shares}, outcome={}, treatment={})
    text = simulate_frame(truth, 40, seed=1)[1] + f"[report]\nsubgroups = {subgroups}\n"
    return simulated_study(text), simulate_cohort(truth, 40, seed=1)


def test_subgroups_are_those_that_the_study_reports():
    study, started = study_with('["site", "grade"]')
    effect = outcome_spec(study, started, "weibull", "by_subgroup", "absent").effect
    assert effect.terms == ("site[T.1]", "grade[T.II]")
    assert_allclose(effect.arrays(started)["modifiers"].mean(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("subgroups", "found"), [("[]", "found none"), ('["age", "site"]', "found age"), ('["no"]', "found no")]
)
def test_subgroups_that_cannot_be_used_are_refused_with_what_to_do(subgroups, found):
    study, started = study_with(subgroups)
    with pytest.raises(InputError, match=rf"\[report\] subgroups must name covariates with levels.*{found}"):
        outcome_spec(study, started, "weibull", "by_subgroup", "absent")


def test_levels_that_nobody_has_are_left_out():
    study, started = study_with('["site", "grade"]')
    alike = started.covariates.assign(
        site=started.covariates["site"].where(started.covariates["site"] == "0", "0")
    )
    spec = outcome_spec(study, replace(started, covariates=alike), "weibull", "by_subgroup", "absent")
    assert spec.effect.terms == ("grade[T.II]",)
    assert set(EFFECTS) == {"constant", "by_interval", "by_subgroup"}
