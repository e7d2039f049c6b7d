"""Validated patients: what they hold, what is refused and in which words."""

import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from data.cohort import validate_cohort
from data.errors import CohortWarning, InputError
from data.sources import load_cohort
from data.study import load_study, parse_study


@pytest.fixture
def study(folder):
    return load_study(folder)


def refusal(frame, study) -> str:
    with pytest.raises(InputError) as error:
        validate_cohort(frame, study, "cohort.csv")
    assert str(error.value).startswith("cohort.csv: ")
    return str(error.value)


def test_values_and_types(frame, study):
    cohort = validate_cohort(frame, study, "cohort.csv")
    assert (cohort.size, cohort.events) == (6, 4)
    assert cohort.patient.tolist() == list("abcdef")
    assert cohort.time.tolist() == [10, 20, 5, 30, 25, 8]
    assert cohort.event.tolist() == [True, False, True, True, False, True]
    assert cohort.treatment.tolist() == [True, False, True, False, True, False]
    assert cohort.entry.tolist() == [0, 1, 0, 2, 3, 0]
    np.testing.assert_array_equal(cohort.treatment_start, [2, np.nan, 0, np.nan, 10, np.nan])
    assert cohort.covariates["age"].dtype == float
    assert cohort.covariates["grade"].cat.categories.tolist() == ["I", "II", "III"]
    assert cohort.covariates["grade"].tolist() == frame["grade"].tolist()
    assert list(cohort.covariates) == ["age", "grade"]
    assert cohort.outcome.terms == ("age",)
    assert cohort.propensity.terms == ("age", "grade[T.II]", "grade[T.III]")
    assert (cohort.study, cohort.time_unit, cohort.treated_label) == ("small", "months", "Treated")


def test_without_the_optional_columns(frame, study_text):
    text = study_text.replace('entry = "entry"\ntreatment_start = "start"\nid = "patient"\n', "")
    cohort = validate_cohort(frame, parse_study(text, "study.toml"), "cohort.csv")
    assert cohort.patient.tolist() == ["1", "2", "3", "4", "5", "6"]
    assert not cohort.entry.any()
    assert cohort.treatment_start is None


def test_a_cohort_is_frozen_and_its_arrays_are_read_only(frame, study):
    cohort = validate_cohort(frame, study, "cohort.csv")
    with pytest.raises(dataclasses.FrozenInstanceError):
        cohort.study = "other"  # ty: ignore[invalid-assignment]
    for name in ("patient", "time", "event", "treatment", "entry", "treatment_start"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(cohort, name)[0] = getattr(cohort, name)[1]


def test_the_table_is_not_changed_and_not_shared(frame, study):
    before = frame.copy()
    cohort = validate_cohort(frame, study, "cohort.csv")
    pd.testing.assert_frame_equal(frame, before)
    frame.loc[:, :] = "0"
    assert cohort.time.tolist() == [10, 20, 5, 30, 25, 8]


@pytest.mark.parametrize(
    ("treated", "cells"),
    [
        ("1", [1, 0, 1, 0, 1, 0]),
        ("1", [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]),
        ("1", ["1.0", "0.0", "1.0", "0.0", "1.0", "0.0"]),
        ("1.0", ["1", "0", "1", "0", "1", "0"]),
        ("true", [True, False, True, False, True, False]),
        ("True", ["TRUE", "FALSE", "TRUE", "FALSE", "TRUE", "FALSE"]),
        ("RT", ["RT", "None", "RT", "None", "RT", "None"]),
        ("A", pd.Categorical(list("ABABAB"))),
    ],
)
def test_treatment_is_compared_as_text_in_every_type(frame, study_text, treated, cells):
    study = parse_study(study_text.replace('"yes"', f'"{treated}"'), "study.toml")
    cohort = validate_cohort(frame.assign(arm=cells), study, "cohort.csv")
    assert cohort.treatment.tolist() == [True, False, True, False, True, False]


@pytest.mark.parametrize(
    "cells",
    [
        [1, 0, 1, 1, 0, 1],
        [1.0, 0.0, 1.0, 1.0, 0.0, 1.0],
        [True, False, True, True, False, True],
        ["true", "False", "TRUE", "true", "false", "True"],
        ["yes", "no", "YES", "Yes", "No", "yes"],
        ["1", "0", "1.0", "true", "no", "yes"],
    ],
)
def test_events_in_every_spelling(frame, study, cells):
    assert validate_cohort(frame.assign(event=cells), study, "cohort.csv").event.tolist() == [
        1,
        0,
        1,
        1,
        0,
        1,
    ]


def test_levels_are_kept_as_written(frame, study_text):
    text = study_text.replace('["I", "II", "III"]', '["01", "NA", "None"]')
    cohort = validate_cohort(
        frame.assign(grade=["01", "NA", "None", "NA", "01", "None"]),
        parse_study(text, "study.toml"),
        "cohort.csv",
    )
    assert cohort.propensity.terms == ("age", "grade[T.NA]", "grade[T.None]")


def test_numeric_levels_match_numbers(frame, study_text):
    text = study_text.replace('["I", "II", "III"]', "[1, 2, 3]")
    cohort = validate_cohort(
        frame.assign(grade=[1.0, 2, 3, 2, 1, 3]), parse_study(text, "study.toml"), "cohort.csv"
    )
    assert cohort.covariates["grade"].tolist() == ["1", "2", "3", "2", "1", "3"]


@pytest.mark.parametrize(
    ("column", "row", "cell", "message"),
    [
        (
            "time",
            2,
            "",
            "column 'time' must be given for every patient.*found in 1 row: row 3 \\(patient c\\)",
        ),
        ("time", 2, "-5", r"column 'time' must be above 0; found in 1 row: row 3 \(patient c\): -5"),
        ("time", 1, "0", r"column 'time' must be above 0.*row 2 \(patient b\): 0"),
        ("time", 1, "inf", r"column 'time' must be finite; found in 1 row: row 2 \(patient b\): inf"),
        ("time", 1, "12,5", r"column 'time' must be a number.*row 2 \(patient b\): '12,5'"),
        ("age", 1, "old", r"column 'age' must be a number.*row 2 \(patient b\): 'old'"),
        ("age", 5, "NA", r"column 'age' must be given for every patient.*row 6 \(patient f\)"),
        (
            "event",
            0,
            "2",
            "column 'event' must be 0 or 1, true or false, yes or no; found in 1 row: row 1 .*'2'",
        ),
        ("event", 0, "", "column 'event' must be given"),
        (
            "grade",
            3,
            "IV",
            r"column 'grade' must be one of its levels in the study file \(I, II, III\).*'IV'",
        ),
        ("grade", 3, "", "column 'grade' must be given"),
        (
            "arm",
            3,
            "maybe",
            r"two values, one of them 'yes', but found 3: 'yes' \(3\), 'no' \(2\), 'maybe' \(1\)",
        ),
        ("arm", 3, "", "column 'arm' must be given"),
        ("entry", 1, "-1", "column 'entry' must be 0 or later.*row 2 .*: -1"),
        (
            "entry",
            1,
            "20",
            r"column 'entry' must be before 'time'; found in 1 row: row 2 \(patient b\): '20 >= 20'",
        ),
        ("entry", 1, "", "column 'entry' must be given"),
        ("start", 0, "", r"column 'start' must be given for every treated patient.*row 1 \(patient a\)"),
        ("start", 1, "3", r"column 'start' must be empty for every untreated patient.*row 2 \(patient b\)"),
        ("start", 0, "10", "column 'start' must be before 'time'.*10 >= 10"),
        ("start", 0, "-1", "column 'start' must be 0 or later"),
        ("start", 0, "soon", "column 'start' must be a number"),
        (
            "patient",
            1,
            "a",
            "'patient' must be different for every patient.*found in 2 rows \\('a' x 2\\): row 1 .*row 2 ",
        ),
        ("patient", 1, "", "column 'patient' must be given for every patient.*: row 2$"),
    ],
)
def test_a_wrong_cell_is_named_with_its_row_and_patient(frame, study, column, row, cell, message):
    frame.loc[row, column] = cell
    text = refusal(frame, study)
    assert "1 problem in the cohort" in text
    with pytest.raises(InputError, match=message):
        validate_cohort(frame, study, "cohort.csv")


def test_all_problems_come_together(frame, study):
    frame.loc[0, "time"] = "-1"
    frame.loc[[1, 2], "age"] = ["x", ""]
    frame.loc[3, "grade"] = "IV"
    frame.loc[4, "arm"] = "maybe"
    text = refusal(frame.drop(columns="start"), study)
    assert "6 problems" in text
    for column in ("time", "age", "grade", "arm", "start"):
        assert f"column '{column}'" in text


def test_only_the_first_rows_are_shown_and_all_are_counted(frame, study):
    many = pd.concat([frame] * 3, ignore_index=True).assign(patient=range(18), age="old")
    assert "found in 18 rows ('old' x 18): row 1 (patient 0): 'old', row 2" in refusal(many, study)
    assert "row 5 (patient 4): 'old', ..." in refusal(many, study)


def test_levels_that_are_unknown_are_counted(frame, study):
    text = refusal(frame.assign(grade=["IV", "IV", "V", "I", "II", "III"]), study)
    assert "found in 3 rows ('IV' x 2, 'V' x 1): row 1" in text


def test_missing_columns_list_those_that_are_there(frame, study):
    text = refusal(frame.rename(columns={"time": "tme", "age": "years"}), study)
    assert "column 'time' ([cohort.columns] time) is missing; did you mean 'tme'?" in text
    assert "column 'age' ([covariates] age) is missing; " in text
    assert "found: patient, tme, event, arm, entry, start, years, grade, ignored" in text


def test_a_repeated_column_is_refused_unless_it_is_not_used(frame, study):
    twice = pd.concat([frame, frame[["age"]]], axis=1)
    assert "column 'age' must be there once, but found 2 of that name" in refusal(twice, study)
    unused = pd.concat([frame, frame[["ignored"]]], axis=1)
    assert validate_cohort(unused, study, "cohort.csv").size == 6


def test_one_arm(frame, study):
    frame = frame.assign(start="")
    assert "'no' (6)" in refusal(frame.assign(arm="no"), study)
    assert "must hold two arms, but found one: 'yes' (6)" in refusal(
        frame.assign(arm="yes", start="1"), study
    )


def test_the_treated_value_is_not_there(frame, study):
    text = refusal(frame.assign(arm=["Yes", "No"] * 3, start=""), study)
    assert "must hold 'yes' ([treatment] treated), but found 'Yes' (3), 'No' (3); did you mean" in text


def test_no_event_at_all(frame, study):
    assert "column 'event' must hold at least one event, but found none" in refusal(
        frame.assign(event="0"), study
    )


def test_an_arm_without_events_is_a_warning(frame, study):
    with pytest.warns(CohortWarning, match="no event among 3 patients of arm 'Control'"):
        validate_cohort(frame.assign(event=["1", "0"] * 3), study, "cohort.csv")


def test_no_patients(frame, study):
    assert "must hold patients, but found none" in refusal(frame.iloc[:0], study)
    assert "must hold patients, but found none" in refusal(pd.DataFrame(), study)


def test_cutpoints_lie_below_the_last_time(frame, study_text):
    study = parse_study(study_text.replace("[6, 12]", "[6, 30]"), "study.toml")
    assert "cutpoints of study.toml must lie below the last time, 30, but found 30" in refusal(frame, study)


def test_problems_of_a_formula_name_the_study_file(frame, study_text):
    study = parse_study(study_text.replace('formula = "age"', 'formula = "log(age - 50)"'), "study.toml")
    with pytest.raises(InputError, match=r"^study.toml: \[outcome\] formula must give finite numbers"):
        validate_cohort(frame, study, "cohort.csv")


def test_the_hash_is_of_the_contents(frame, study, study_text):
    first = validate_cohort(frame, study, "cohort.csv").sha256
    relabelled = parse_study(study_text.replace("A small study", "Another title"), "study.toml")
    assert validate_cohort(frame.assign(ignored="?"), relabelled, "other.csv").sha256 == first
    assert validate_cohort(frame.iloc[::-1], study, "cohort.csv").sha256 != first
    for column, cell in [
        ("time", "11"),
        ("event", "0"),
        ("entry", "1"),
        ("age", "51"),
        ("grade", "II"),
        ("patient", "z"),
    ]:
        changed = frame.copy()
        changed.loc[0, column] = cell
        assert validate_cohort(changed, study, "cohort.csv").sha256 != first, column
    other_formula = parse_study(study_text.replace('formula = "age"\n', 'formula = "1"\n'), "study.toml")
    assert validate_cohort(frame, other_formula, "cohort.csv").sha256 != first


def test_the_hash_is_the_same_in_another_process(folder):
    code = (
        "import sys\nfrom data.sources import load_cohort\nfrom data.study import load_study\n"
        "print(load_cohort(load_study(sys.argv[1])).sha256)"
    )
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(filter(None, sys.path)) or "."}
    command = [sys.executable, "-c", code, str(folder)]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == load_cohort(load_study(folder)).sha256


def test_a_cohort_survives_pickling(frame, study):
    cohort = validate_cohort(frame, study, "cohort.csv")
    twin = pickle.loads(pickle.dumps(cohort))
    assert twin.sha256 == cohort.sha256
    pd.testing.assert_frame_equal(twin.covariates, cohort.covariates)
    np.testing.assert_array_equal(twin.outcome.apply(twin.covariates), cohort.outcome.values)
