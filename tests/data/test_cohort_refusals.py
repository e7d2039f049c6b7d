"""Patients that are refused, and in which words."""

import pandas as pd
import pytest

from data.errors import CohortWarning, InputError
from data.study.cohort import validate_cohort
from data.study.study import parse_study


def refusal(frame, study) -> str:
    with pytest.raises(InputError) as error:
        validate_cohort(frame, study, "cohort.csv")
    assert str(error.value).startswith("cohort.csv: ")
    return str(error.value)


@pytest.mark.parametrize(
    ("column", "row", "cell", "message"),
    [
        (
            "time",
            2,
            "",
            "column 'time' must be given for every patient.*found in 1 row: row 3 \\(patient c\\)",
        ),
        (
            "time",
            2,
            "-5",
            r"column 'time' must be above 0; .* write half a day, 0.016; found in 1 row: row 3 \(patient c\): -5",
        ),
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
            r"column 'entry' must be before 'time'; leave out .*; found in 1 row: row 2 \(patient b\): '20 >= 20'",
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
