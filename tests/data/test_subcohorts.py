"""Parts of cohorts: who stays, in which arm, at risk from when, and with which designs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data.errors import InputError
from data.simulation.simulate import Truth, simulate_cohort
from data.study.cohort import Cohort, validate_cohort
from data.study.study import parse_study
from data.study.subcohorts import landmark_cohort, some_patients

ROWS = """\
patient,time,event,arm,entry,start,age,grade
a,10,1,yes,0,2,50,I
b,20,0,no,1,,60,II
c,5,1,yes,0,0,70,III
d,30,1,no,2,,55,II
e,25,1,yes,3,10,65,I
f,8,1,no,0,,45,III
g,40,0,yes,12,6,52,II
h,33,1,no,0,,58,I
"""


@pytest.fixture(scope="module")
def written(as_read, study_text):
    """The cohort of some patients, validated by themselves."""
    text = study_text.replace('formula = "age"\n', 'formula = "age + grade"\n')
    study = parse_study(text, Path("written") / "study.toml")

    def write(patients: str = "abcdefgh") -> Cohort:
        frame = as_read(ROWS)
        return validate_cohort(frame[frame["patient"].isin(list(patients))], study, "written cohort")

    return write


@pytest.fixture(scope="module")
def cohort(written) -> Cohort:
    return written()


def test_a_part_is_the_cohort_of_the_patients_alone(cohort, written):
    """Validated by itself, the table of those patients gives the same cohort."""
    inside = np.isin(cohort.patient, list("abcdeh"))
    part, alone = some_patients(cohort, inside, outcome_terms=True), written("abcdeh")
    for name in ("patient", "time", "event", "treatment", "entry", "treatment_start"):
        assert_array_equal(getattr(part, name), getattr(alone, name))
        assert not getattr(part, name).flags.writeable
    pd.testing.assert_frame_equal(part.covariates, alone.covariates)
    for design, expected in ((part.outcome, alone.outcome), (part.propensity, alone.propensity)):
        assert design.terms == expected.terms
        assert_allclose(design.values, expected.values, atol=1e-12)
        assert_allclose(design.means, expected.means)
        assert_allclose(design.values.mean(axis=0), 0, atol=1e-14)
        assert_allclose(design.apply(cohort.covariates[inside]), design.values, atol=1e-12)


def test_outcome_terms_may_be_left_out(cohort):
    part = some_patients(cohort, cohort.time > 6, outcome_terms=False)
    assert part.outcome.terms == ()
    assert part.outcome.values.shape == (part.size, 0)
    assert part.propensity.terms == cohort.propensity.terms


def test_everybody_is_the_cohort_itself(cohort):
    whole = some_patients(cohort, np.ones(cohort.size, dtype=bool), outcome_terms=True)
    assert whole.sha256 == cohort.sha256
    bare = some_patients(cohort, np.ones(cohort.size, dtype=bool), outcome_terms=False)
    assert bare.sha256 != cohort.sha256
    assert bare.propensity is cohort.propensity


def test_the_hash_tells_parts_apart_and_is_that_of_the_content(cohort, written):
    first = np.arange(cohort.size) < 6
    masks = (first, np.flip(first), ~~first)
    assert len({some_patients(cohort, mask, outcome_terms=True).sha256 for mask in masks}) == 2
    alone = written("abcdef")
    assert some_patients(alone, np.ones(6, dtype=bool), outcome_terms=True).sha256 == alone.sha256


def test_columns_that_no_longer_vary_are_left_out(cohort):
    part = some_patients(cohort, np.isin(cohort.patient, list("abdegh")), outcome_terms=True)
    assert part.outcome.terms == part.propensity.terms == ("age", "grade[T.II]")
    assert part.outcome.values.shape == (6, 2)
    assert_allclose(part.outcome.means[0], np.mean([50, 60, 55, 65, 52, 58]))
    assert list(part.covariates["grade"].cat.categories) == ["I", "II", "III"]


@pytest.mark.parametrize("wrong", [np.ones(7, dtype=bool), np.zeros(8, dtype=bool), np.arange(8)])
def test_a_mask_that_marks_nobody_is_refused(cohort, wrong):
    with pytest.raises(ValueError, match="inside must mark some of 8 patients"):
        some_patients(cohort, wrong, outcome_terms=True)


def test_a_landmark_by_hand(cohort):
    at = landmark_cohort(cohort, 8.0)
    assert "".join(at.patient) == "abdegh", "c died and f died at the landmark"
    assert_array_equal(at.treatment, [True, False, False, False, True, False])  # e begins at 10
    assert_array_equal(at.entry, [8, 8, 8, 8, 12, 8])
    assert_array_equal(at.time, [10, 20, 30, 25, 40, 33])
    assert at.treatment_start is None


def test_an_arm_that_is_empty_or_has_no_event_is_refused(cohort):
    late = replace(cohort, treatment_start=np.where(cohort.treatment, cohort.treatment_start + 1.0, np.nan))
    sizes = "0 in Treated with 0 events and 8 in Control with 6 events after 0.5 months"
    with pytest.raises(InputError, match=rf"{sizes}.*first start of treatment \(1\)"):
        landmark_cohort(late, 0.5)
    with pytest.raises(InputError, match="1 in Treated with 0 events and 0 in Control with 0 events"):
        landmark_cohort(cohort, 33.0)


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_a_landmark_is_a_time(cohort, wrong):
    with pytest.raises(ValueError, match="landmark must be a time of 0 or later"):
        landmark_cohort(cohort, wrong)


def test_a_landmark_needs_start_times():
    with pytest.raises(ValueError, match="needs start times"):
        landmark_cohort(simulate_cohort(Truth(), 60, seed=1), 3.0)


def test_landmark_zero_is_the_naive_cohort_where_all_begin_at_zero(cohort):
    at_zero = replace(cohort, treatment_start=np.where(cohort.treatment, 0.0, np.nan))
    naive = some_patients(replace(cohort, treatment_start=None), np.ones(8, dtype=bool), outcome_terms=True)
    assert landmark_cohort(at_zero, 0.0).sha256 == naive.sha256


def test_survival_until_treatment_is_not_credited_to_it():
    """No effect, and starts spread over two years: ever against never looks like benefit, a landmark does not."""
    rng = np.random.default_rng(5)
    size = 40_000
    death, start = rng.exponential(20.0, size), rng.uniform(0, 24.0, size)
    candidate = rng.random(size) < 0.5
    base = simulate_cohort(Truth(), 60, seed=1)
    treated = candidate & (start < death)
    cohort = replace(
        base,
        patient=np.arange(size).astype(str),
        time=death,
        event=np.ones(size, dtype=bool),
        treatment=treated,
        entry=np.zeros(size),
        treatment_start=np.where(treated, start, np.nan),
        covariates=base.covariates.iloc[np.zeros(size, dtype=int)].reset_index(drop=True),
        outcome=replace(base.outcome, terms=(), values=np.zeros((size, 0)), means=np.zeros(0)),
        propensity=replace(base.propensity, terms=(), values=np.zeros((size, 0)), means=np.zeros(0)),
    )

    def log_rate_ratio(one):
        at_risk, arms = one.time - one.entry, (one.treatment, ~one.treatment)
        first, second = (one.event[arm].sum() / at_risk[arm].sum() for arm in arms)
        return np.log(first / second)

    assert log_rate_ratio(cohort) < -0.4
    for landmark in (6.0, 12.0, 24.0):
        at = landmark_cohort(cohort, landmark)
        error = np.sqrt(1 / at.event[at.treatment].sum() + 1 / at.event[~at.treatment].sum())
        assert abs(log_rate_ratio(at)) < 4 * error
