"""The likelihood of every exposure, against hazards that are integrated numerically, patient by patient."""

from dataclasses import replace

import numpy as np
import pytensor.tensor as pt
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from data.simulation.simulate import PiecewiseHazard, Truth, simulate_cohort
from data.study.subcohorts import landmark_cohort
from models.assembly import covariate_predictor, model_blocks, model_data
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.exposures import EXPOSURES, Naive, TimeSplit
from models.priors import PriorSet
from models.specification import ModelSpec

CUTS = (6.0, 20.0)
BASELINES = {"piecewise_exponential": PiecewiseExponential(CUTS), "weibull": Weibull()}
HAZARDS = {
    "piecewise_exponential": {"log_hazard": np.log([0.05, 0.02, 0.04])},
    "weibull": {"median_survival": np.array(21.0), "weibull_shape": np.array(1.4)},
}
LANDMARK = 5.0
EFFECT = -0.8


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


def pointwise(cohort, baseline, exposure, effect=EFFECT, xp=np):
    """Log likelihood of each patient, and the part of the predictor that is not treatment."""
    spec = ModelSpec(BASELINES[baseline], EFFECTS["constant"](), "absent", exposure)
    parameters = {
        **HAZARDS[baseline],
        "treatment_effect": np.array(effect),
        "outcome_coefficients": np.array([0.03, 0.4, -0.5]),
    }
    content = model_data(cohort, spec, model_blocks(cohort, spec, PriorSet("default")))
    risk = covariate_predictor(parameters, content, np)
    if xp is np:
        return exposure.log_likelihood(parameters, content, spec, risk, np), risk
    symbolic = {name: pt.as_tensor(np.asarray(value)) for name, value in parameters.items()}
    held = {name: pt.as_tensor(value) for name, value in content.items()}
    found = exposure.log_likelihood(symbolic, held, spec, pt.as_tensor(risk), pt)
    return found.eval(), risk


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


@pytest.mark.parametrize("baseline", list(BASELINES))
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

        end = cohort.time[patient]
        breaks = [time for time in (*CUTS, start) if begin < time < end]
        cumulated = quad(hazard, begin, end, points=breaks or None, epsabs=1e-12, epsrel=1e-10)[0]
        expected = cohort.event[patient] * np.log(hazard(end)) - cumulated
        assert found[row] == pytest.approx(expected, abs=1e-7), name


def test_the_landmark_keeps_those_who_are_followed_beyond_it(cohort):
    observed = observed_as("landmark", cohort)
    assert set(observed.patient) == set(cohort.patient[cohort.time > LANDMARK])
    assert 0 < observed.treatment.sum() < cohort.treatment[cohort.time > LANDMARK].sum()


@pytest.mark.parametrize("baseline", list(BASELINES))
@pytest.mark.parametrize("name", list(EXPOSURES))
def test_the_model_s_tensors_are_the_same_formula(cohort, name, baseline):
    observed, exposure = observed_as(name, cohort), EXPOSURES[name]()
    assert_allclose(
        pointwise(observed, baseline, exposure, xp=pt)[0],
        pointwise(observed, baseline, exposure)[0],
        rtol=1e-10,
    )


@pytest.mark.parametrize("baseline", list(BASELINES))
@pytest.mark.parametrize("before", [0.0, 0.5, 1.0])
def test_split_at_or_before_entry_is_ever_against_never(cohort, baseline, before):
    """A start at entry, and one before it, leave no untreated time at risk."""
    started = replace(cohort, treatment_start=np.where(cohort.treatment, before * cohort.entry, np.nan))
    assert_allclose(
        pointwise(started, baseline, TimeSplit())[0],
        pointwise(started, baseline, Naive())[0],
        rtol=1e-12,
        atol=1e-12,
    )


@pytest.mark.parametrize("baseline", list(BASELINES))
def test_split_at_the_end_leaves_no_treated_time(cohort, baseline):
    """Treated at the last moment: the whole cumulative hazard is the untreated patient's, the event is the treated's."""
    late = replace(cohort, treatment_start=np.where(cohort.treatment, cohort.time, np.nan))
    found = pointwise(late, baseline, TimeSplit())[0]
    untreated = pointwise(late, baseline, Naive(), effect=0.0)[0]
    assert_allclose(found - untreated, EFFECT * (late.event & late.treatment), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("baseline", list(BASELINES))
def test_without_an_effect_the_start_does_not_matter(cohort, baseline):
    assert_allclose(
        pointwise(cohort, baseline, TimeSplit(), effect=0.0)[0],
        pointwise(cohort, baseline, Naive(), effect=0.0)[0],
        rtol=1e-12,
        atol=1e-12,
    )


def test_splitting_moves_time_to_the_untreated(cohort):
    """The derivative by the log hazard ratio at 0 is treated events less treated hazard: less of it after the split."""
    slopes = {}
    for name, exposure in (("naive", Naive()), ("split", TimeSplit())):
        up, down = (pointwise(cohort, "weibull", exposure, effect=step)[0] for step in (1e-5, -1e-5))
        slopes[name] = (up - down) / 2e-5
    later = cohort.treatment & (np.nan_to_num(cohort.treatment_start) > cohort.entry)
    assert np.all(slopes["split"][later] > slopes["naive"][later])
    assert_allclose(slopes["split"][~later], slopes["naive"][~later], atol=1e-8)


def test_a_split_needs_start_times():
    with pytest.raises(ValueError, match="a time-split exposure needs start times"):
        pointwise(simulate_cohort(Truth(), 40, seed=1), "weibull", TimeSplit())


def test_the_truth_of_a_delayed_treatment_has_the_highest_likelihood_where_it_is():
    """At the true hazard, the likelihood split at the start is largest near the true effect; the naive one is not."""
    truth = Truth(
        covariates={},
        outcome={},
        treatment={},
        log_hazard_ratio=-0.5,
        baseline=PiecewiseHazard(CUTS, (0.05, 0.02, 0.04)),
        mean_delay=20.0,
        latest_entry=6.0,
    )
    cohort = simulate_cohort(truth, 4000, seed=6)
    effects = np.linspace(-2.0, 0.5, 251)
    best = {}
    for name, exposure in (("naive", Naive()), ("time_split", TimeSplit())):
        spec = ModelSpec(BASELINES["piecewise_exponential"], EFFECTS["constant"](), "absent", exposure)
        content = model_data(cohort, spec, model_blocks(cohort, spec, PriorSet("default")))
        draws = {
            "treatment_effect": effects,
            "log_hazard": np.tile(HAZARDS["piecewise_exponential"]["log_hazard"], (len(effects), 1)),
        }
        total = exposure.log_likelihood(draws, content, spec, np.zeros(cohort.size), np).sum(axis=-1)
        best[name] = effects[np.argmax(total)]
    error = 1 / np.sqrt((cohort.event & cohort.treatment).sum())
    assert abs(best["time_split"] + 0.5) < 3 * error + 0.01
    assert best["naive"] < -0.5 - 5 * error
