"""A propensity score from elsewhere: taken as it is by every adjustment but `joint`, and refused where it cannot be used."""

import tomllib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from numpy.testing import assert_allclose, assert_array_equal

from data.errors import InputError
from data.simulation.simulate import Truth, simulate_frame
from data.study.sources import validate_cohort
from data.study.study import Study
from data.study.subcohorts import some_patients
from inference.adjustments import ADJUSTMENTS
from inference.adjustments.matched import matched_designs
from inference.adjustments.weighted import bootstrap_scores
from inference.fits.plan import AnalysisSettings, plan
from inference.fits.requests import FitRequest, problem_of
from inference.frequentist.balance import iptw_weights
from inference.sampling.settings import SamplerSettings
from inference.sensitivity.feedback import FEEDBACK
from inference.sensitivity.sensitivity import MainAnalysis
from models.priors import PriorSet

SETTINGS = SamplerSettings(2, 100, 100, seed=4)
DEFAULT = PriorSet("default")


def silent(*_):
    pass


@pytest.fixture(scope="module")
def given():
    """Patients whose score a column gives: not the one that a regression on their covariates would."""
    frame, text = simulate_frame(Truth(), 300, 2)
    frame["score"] = 1 / (1 + np.exp(-(0.3 + 0.08 * (frame["age"] - 60) + 0.4 * np.sin(frame["age"]))))
    return frame, text


def study_of(text, scale="probability", formula="1", **changed):
    content = tomllib.loads(text) | changed
    return Study.model_validate(
        content | {"propensity": {"formula": formula, "score": "score", "score_scale": scale}}
    )


def problem(given, adjustment, scale="probability", formula="1", designs=200):
    frame, text = given
    study = study_of(text, scale, formula)
    request = FitRequest("weibull", adjustment, "constant", DEFAULT, SETTINGS, designs)
    return problem_of(study, validate_cohort(frame, study, "x"), request)


def test_a_probability_and_its_logit_are_the_same_score(given):
    frame, text = given
    logit = frame.assign(score=np.log(frame["score"] / (1 - frame["score"])))
    one = problem(given, "iptw").cohort
    two = problem((logit, text), "iptw", "linear").cohort
    assert_allclose(one.propensity.values, two.propensity.values, atol=1e-12)
    moved = problem((logit.assign(score=logit["score"] + 0.5), text), "iptw", "linear").cohort
    assert_allclose(moved.propensity.values, two.propensity.values, atol=1e-12)
    assert moved.sha256 != two.sha256  # another probability of treatment


@pytest.mark.parametrize("formula", ["1", "age + grade"])
def test_every_adjustment_takes_the_probabilities_as_they_are(given, formula):
    frame, expected = given[0], given[0]["score"].to_numpy()
    for scores in bootstrap_scores(problem(given, "iptw", formula=formula)):
        assert_allclose(scores.propensity, np.tile(expected, (len(scores.propensity), 1)), rtol=1e-10)
    weighted = ADJUSTMENTS["iptw"].sample(problem(given, "iptw", formula=formula), silent)
    assert_allclose(np.asarray(weighted.designs[0].propensity)[0], expected, rtol=1e-10)
    stated = problem(given, "matched", formula=formula, designs=2)
    score = np.log(expected / (1 - expected))
    treated = stated.cohort.treatment
    caliper = 0.05 * np.sqrt((score[treated].var(ddof=1) + score[~treated].var(ddof=1)) / 2)
    for design in matched_designs(stated):
        inside = np.flatnonzero(design.weights)
        for pair in range(design.unit.max() + 1):
            one, other = inside[design.unit == pair]
            assert abs(score[one] - score[other]) < 1.1 * caliper
    assert set(stated.cohort.propensity.terms) >= ({"age"} if formula != "1" else set())
    assert len(frame) == stated.cohort.size


def test_weights_are_those_of_a_cox_model_with_the_given_probabilities(given):
    """The mean of the maximisers is near lifelines' weighted Cox model, and their spread near its robust error."""
    frame, _ = given
    adjusted = ADJUSTMENTS["iptw"].sample(problem(given, "iptw", designs=400), silent)
    cohort = problem(given, "iptw").cohort
    weights = iptw_weights(frame["score"].to_numpy(), cohort.treatment)
    table = pd.DataFrame(
        {
            "time": cohort.time,
            "event": cohort.event,
            "treated": cohort.treatment.astype(float),
            "weight": weights,
        }
    )
    cox = CoxPHFitter().fit(table, "time", "event", weights_col="weight", robust=True)
    draws = adjusted.designs[0].parameters["treatment_effect"]
    assert draws.mean() == pytest.approx(cox.params_["treated"], abs=0.05)
    assert draws.std() == pytest.approx(cox.standard_errors_["treated"], rel=0.15)


def test_cut_has_one_design_and_the_treatment_model_no_spread(given):
    stated = problem(given, "cut")
    assert stated.designs == 1
    adjusted = ADJUSTMENTS["cut"].sample(stated, silent)
    score = np.log(given[0]["score"] / (1 - given[0]["score"])).to_numpy()
    (design,) = adjusted.designs
    assert_allclose(design.posterior.score, score - score.mean(), atol=1e-10)
    assert np.ptp(adjusted.treatment["propensity_intercept"]) == 0.0
    assert_allclose(adjusted.treatment["propensity_intercept"], score.mean(), rtol=1e-12)


def test_the_score_stays_in_a_part_of_the_patients(given):
    cohort = problem(given, "iptw").cohort
    part = some_patients(cohort, np.arange(cohort.size) < 100, outcome_terms=True)
    raw = part.propensity.values[:, -1] + part.propensity.means[-1]
    expected = given[0]["score"].to_numpy()[:100]
    assert_allclose(1 / (1 + np.exp(-raw)), expected, rtol=1e-10)


def test_joint_is_refused_with_the_reason(given):
    with pytest.raises(InputError, match="no coefficients that the outcome could inform"):
        problem(given, "joint")


def test_an_analysis_has_no_joint_fit_and_no_feedback(given):
    frame, text = given
    study = study_of(text)
    for quick in (True, False):
        planned = plan(
            DEFAULT,
            [DEFAULT, replace(DEFAULT, name="other")],
            AnalysisSettings("default", quick=quick, score_given=True),
        )
        assert planned.main.adjustment == "cut"
        assert {one.adjustment for one in planned.requests} == (
            {"cut"} if quick else {"cut", "none", "iptw", "overlap", "matched"}
        )
        labels = [one.label for one in planned.requests]
        assert len(labels) == len(set(labels))
    analysis = MainAnalysis(study, (validate_cohort(frame, study, "x"),), planned.main)
    assert not FEEDBACK.applies(analysis)


def test_what_is_no_probability_is_refused_with_its_rows(given):
    frame, text = given
    wrong = frame.assign(score=frame["score"].where(frame.index != 4, 1.0).where(frame.index != 7, -0.2))
    with pytest.raises(
        InputError, match=r"'score' must be a probability above 0 and below 1.*2 rows.*row 5.*row 8"
    ):
        validate_cohort(wrong, study_of(text), "x")
    assert validate_cohort(wrong.assign(score=wrong["score"] * 3), study_of(text, "linear"), "x").size == len(
        frame
    )
    lacking = frame.assign(score=frame["score"].where(frame.index != 2))
    with pytest.raises(InputError, match="column 'score' must be given for every patient"):
        validate_cohort(lacking, study_of(text), "x")
    with pytest.raises(InputError, match=r"column 'score' \(\[propensity\] score\) is missing"):
        validate_cohort(frame.drop(columns="score"), study_of(text), "x")
    with pytest.raises(InputError, match=r"score must vary, but found 0\.2"):
        validate_cohort(frame.assign(score=0.2), study_of(text, "linear"), "x")


@pytest.mark.parametrize(
    ("propensity", "problem"),
    [
        ({"score": "score"}, "must give score and score_scale together"),
        ({"formula": "age", "score_scale": "linear"}, "must give score and score_scale together"),
        ({}, "must give formula, or a score from elsewhere"),
        ({"score": "age", "score_scale": "linear"}, "must be a column of its own"),
    ],
)
def test_a_study_file_says_what_its_score_is(given, propensity, problem):
    content = tomllib.loads(given[1]) | {"propensity": propensity}
    with pytest.raises(ValueError, match=problem):
        Study.model_validate(content)


def test_the_rest_of_a_study_has_the_same_checksum_as_before(given):
    """A column in the formula and the same column as a given score are different analyses."""
    frame, text = given
    content = tomllib.loads(text)
    covariates = content["covariates"] | {"score": {}}
    fitted = Study.model_validate(content | {"covariates": covariates, "propensity": {"formula": "score"}})
    taken = validate_cohort(frame, study_of(text, "linear"), "x")
    assert_array_equal(validate_cohort(frame, fitted, "x").propensity.values, taken.propensity.values)
    assert validate_cohort(frame, fitted, "x").sha256 != taken.sha256
