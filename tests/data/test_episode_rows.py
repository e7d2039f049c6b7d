"""Tables of episodes: one row a patient comes out, and what cannot be one is refused; Stanford's heart transplants."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, CoxTimeVaryingFitter
from numpy.testing import assert_allclose, assert_array_equal

from data.errors import InputError
from data.study.cohort import validate_cohort
from data.study.episode_rows import patients_of_episodes
from data.study.sources import load_cohort
from data.study.study import load_study, parse_study
from models.episodes import episodes_of

STUDY = """\
name = "written"
title = "Written down in a test"
time_unit = "days"
[cohort]
source = "file"
path = "cohort.csv"
rows = "episodes"
[cohort.columns]
id = "who"
entry = "start"
time = "stop"
event = "died"
treatment = "graft"
treatment_start = "grafted"
[treatment]
treated = "yes"
[covariates]
age = {}
site = {levels = ["A", "B"]}
[propensity]
formula = "age + site"
[outcome]
formula = "age"
"""

EPISODES = """\
who,start,stop,died,graft,age,site,note
Z,0,50,1,no,40,A,
b,0,1,0,no,55,B,waiting
b,1,16,1,yes,99,A,after
c,2.5,30,0,yes,61,B,
d,0,4,0,no,30,A,
d,4,9,0,no,31,B,seen again
d,9,12,0,yes,32,B,
d,12,20,1,yes,33,A,
e,3,8,0,no,47,B,
"""

PATIENTS = """\
who,start,stop,died,graft,grafted,age,site
Z,0,50,1,no,,40,A
b,0,16,1,yes,1,55,B
c,2.5,30,0,yes,2.5,61,B
d,0,20,1,yes,9,30,A
e,3,8,0,no,,47,B
"""


@pytest.fixture(scope="module")
def study():
    return parse_study(STUDY, Path("written") / "study.toml")


@pytest.fixture(scope="module")
def collapsed(as_read, study):
    """Patients of a text of episodes, as a table and as a cohort."""

    def collapse(text: str):
        frame = patients_of_episodes(as_read(text), study, "cohort.csv")
        return frame, validate_cohort(frame, study, "cohort.csv")

    return collapse


@pytest.fixture(scope="module")
def by_hand(as_read, study):
    """The cohort of the patients, written down by hand."""
    return validate_cohort(as_read(PATIENTS), study, "by hand")


def assert_same(found, expected):
    for name in ("patient", "time", "event", "treatment", "entry", "treatment_start"):
        assert_array_equal(getattr(found, name), getattr(expected, name))
    pd.testing.assert_frame_equal(found.covariates, expected.covariates)
    assert found.sha256 == expected.sha256


def test_patients_by_hand(collapsed, by_hand):
    """First row: entry and covariates; last row: time and event; first treated row: start of treatment."""
    assert_same(collapsed(EPISODES)[1], by_hand)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_rows_does_not_matter(as_read, study, by_hand, seed):
    """Patients come in the order of their first episodes; put in order, they are the same."""
    shuffled = as_read(EPISODES).sample(frac=1, random_state=seed).reset_index(drop=True)
    found = patients_of_episodes(shuffled, study, "shuffled")
    start = shuffled["start"].astype(float)
    first = shuffled[start == start.groupby(shuffled["who"]).transform("min")]
    assert found["who"].tolist() == first["who"].tolist()
    ordered = found.set_index("who").loc[list("Zbcde")].reset_index()
    assert_same(validate_cohort(ordered, study, "shuffled"), by_hand)


def test_splitting_episodes_further_changes_nothing(collapsed):
    split = EPISODES.replace("Z,0,50,1,no", "Z,0,20,0,no,40,A,\nZ,20,50,1,no")
    split = split.replace("b,1,16,1,yes", "b,1,7,0,yes,99,A,\nb,7,16,1,yes")
    assert len(split.splitlines()) == len(EPISODES.splitlines()) + 2
    assert_same(collapsed(split)[1], collapsed(EPISODES)[1])


def test_one_row_a_patient_is_left_as_it_is(as_read, study):
    """Whoever has a single row is treated from entry, or never."""
    whole = as_read(EPISODES).drop_duplicates("who", keep=False).reset_index(drop=True)
    found = patients_of_episodes(whole, study, "single rows")
    same = ["who", "stop", "died", "graft", "age", "site"]
    pd.testing.assert_frame_equal(found[same], whole[same])
    assert_array_equal(found["start"], [0, 2.5, 3])
    assert_array_equal(found["grafted"], [np.nan, 2.5, np.nan])


def test_the_table_itself_stays_as_it_is(as_read, study):
    frame = as_read(EPISODES)
    patients_of_episodes(frame, study, "written")
    pd.testing.assert_frame_equal(frame, as_read(EPISODES))


@pytest.mark.parametrize(
    ("old", "new", "must", "count", "named"),
    [
        ("b,1,16", "b,x,16", "give start and stop as numbers", 1, "b"),
        ("b,1,16", "b,1,", "give start and stop as numbers", 1, "b"),
        ("Z,0,50", "Z,50,50", "stop after they start", 1, "Z"),
        ("d,9,12", "d,12,9", "stop after they start", 1, "d"),
        ("b,1,16", "b,2,16", "follow each other without a gap", 1, "b"),
        ("b,1,16", "b,0.5,16", "follow each other without a gap", 1, "b"),
        ("d,4,9,0", "d,4,9,1", "end with the event, if there is one", 1, "d"),
        ("d,12,20,1,yes", "d,12,20,1,no", "stay treated once treated", 1, "d"),
    ],
)
def test_refusals_say_what_is_wrong_and_of_whom(collapsed, old, new, must, count, named):
    assert EPISODES.count(old) == 1
    with pytest.raises(InputError) as error:
        collapsed(EPISODES.replace(old, new))
    assert str(error.value) == (
        f"cohort.csv: the rows of a patient must {must}, but found {count} that do not, of {named}; correct them"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("d,4,9,0,no", "d,4,9,0,maybe"),
        ("d,9,12,0,yes", "d,9,12,0,"),
        ("d,4,9,0,no", "d,4,9,perhaps,no"),
    ],
    ids=["a third treatment", "no treatment", "no event"],
)
def test_cells_of_every_row_must_be_readable(collapsed, old, new):
    """Read as untreated, or as no event, they would move the start of treatment without a word."""
    assert EPISODES.count(old) == 1
    with pytest.raises(InputError):
        collapsed(EPISODES.replace(old, new))


def test_many_wrong_patients_are_counted_and_the_first_named(collapsed):
    rows = "".join(f"p{number},5,5,0,no,40,A,\n" for number in range(8))
    with pytest.raises(InputError, match=r"found 8 that do not, of p0, p1, p2, p3, p4, \.\.\.; correct them"):
        collapsed(EPISODES + rows)


def test_columns_that_are_missing_are_named(as_read, study):
    frame = as_read(EPISODES).drop(columns=["stop", "graft"])
    expected = "cohort.csv: must have the columns stop, graft, but found who, start, died, age, site, note"
    with pytest.raises(InputError, match=f"^{expected}$"):
        patients_of_episodes(frame, study, "cohort.csv")


@pytest.mark.parametrize("column", ["id", "entry", "treatment_start"])
def test_a_study_of_episodes_names_the_columns_that_it_needs(column):
    line = next(one for one in STUDY.splitlines() if one.startswith(f"{column} ="))
    with pytest.raises(InputError, match=f"columns must name {column} with rows = 'episodes'"):
        parse_study(STUDY.replace(f"{line}\n", ""), Path("written") / "study.toml")


def test_the_same_patients_whether_read_as_episodes_or_as_patients(tmp_path):
    """Through files: rows = "episodes" and the hand-made table of patients."""
    loaded = []
    for name, text in (("episodes", EPISODES), ("patients", PATIENTS)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "cohort.csv").write_text(text, encoding="utf-8")
        study = STUDY.replace('rows = "episodes"', f'rows = "{name}"')
        (folder / "study.toml").write_text(study, encoding="utf-8")
        loaded.append(load_cohort(load_study(folder)))
    assert_same(*loaded)


@pytest.fixture(scope="module")
def stanford():
    return load_cohort(load_study("stanford_heart"))


@pytest.fixture(scope="module")
def raw():
    """The table as lifelines ships it."""
    with (files("lifelines") / "datasets/stanford_heart.csv").open() as file:
        return pd.read_csv(file)


def test_stanford_heart_has_the_patients_deaths_and_transplants_of_the_publication(stanford, raw):
    """Crowley and Hu 1977: 103 patients, 69 with a transplant, 75 deaths."""
    assert (stanford.size, stanford.events, int(stanford.treatment.sum())) == (103, 75, 69)
    by_patient = raw.groupby("id")
    assert_array_equal(stanford.patient, by_patient["id"].first().astype(str))
    assert_allclose(stanford.time, by_patient["stop"].max())
    assert_array_equal(stanford.event, by_patient["event"].max().astype(bool))
    start = raw[raw["transplant"] == 1].groupby("id")["start"].min().reindex(by_patient["id"].first())
    assert_allclose(stanford.treatment_start, start)
    assert_allclose(stanford.covariates["age"], by_patient["age"].first())
    assert np.all(stanford.entry == 0)


def test_cox_on_the_episodes_is_cox_on_the_raw_table(stanford, raw):
    """The raw rows by lifelines' fitter for them, the episodes of the cohort by its fitter with entry, and R's survival.

    R prints 0.0272, -0.1463, -0.6372, -0.0103 for coxph(Surv(start, stop, event) ~ age + year + surgery + transplant).
    """
    terms = ["age", "year", "surgery", "transplant"]
    columns = {"id_col": "id", "start_col": "start", "stop_col": "stop", "event_col": "event"}
    varying = CoxTimeVaryingFitter().fit(raw, **columns)
    split = episodes_of(stanford, time_split=True)
    assert len(split.patient) == len(raw)
    episodes = stanford.covariates[terms[:3]].astype(float).iloc[split.patient].reset_index(drop=True)
    at_risk = {"start": split.entry, "stop": split.time, "event": split.event}
    episodes = episodes.assign(transplant=split.treated.astype(float), **at_risk)
    found = CoxPHFitter().fit(episodes, duration_col="stop", event_col="event", entry_col="start")
    assert_allclose(found.params_[terms], varying.params_[terms], rtol=1e-4, atol=1e-5)
    assert_allclose(found.standard_errors_[terms], varying.standard_errors_[terms], rtol=1e-4)
    assert_allclose(found.params_[terms], [0.0272, -0.1463, -0.6372, -0.0103], atol=6e-5)


def test_episodes_that_meet_up_to_the_last_bit_follow_each_other(collapsed):
    noisy = EPISODES.replace("d,9,12", "d,9.000000000000002,12").replace("d,0,4", "d,0,3.9999999999999996")
    pd.testing.assert_frame_equal(collapsed(EPISODES)[0], collapsed(noisy)[0])
