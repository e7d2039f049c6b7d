"""Validated patients: what they hold, whatever types their cells come in."""

import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from data.errors import InputError
from data.study.cohort import validate_cohort
from data.study.sources import load_cohort
from data.study.study import load_study, parse_study


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
    cohort = validate_cohort(frame.assign(event=cells), study, "cohort.csv")
    assert cohort.event.tolist() == [1, 0, 1, 1, 0, 1]


def test_levels_are_kept_as_written(frame, study_text):
    text = study_text.replace('["I", "II", "III"]', '["01", "NA", "None"]')
    table = frame.assign(grade=["01", "NA", "None", "NA", "01", "None"])
    cohort = validate_cohort(table, parse_study(text, "study.toml"), "cohort.csv")
    assert cohort.propensity.terms == ("age", "grade[T.NA]", "grade[T.None]")


def test_numeric_levels_match_numbers(frame, study_text):
    text = study_text.replace('["I", "II", "III"]', "[1, 2, 3]")
    cohort = validate_cohort(
        frame.assign(grade=[1.0, 2, 3, 2, 1, 3]), parse_study(text, "study.toml"), "cohort.csv"
    )
    assert cohort.covariates["grade"].tolist() == ["1", "2", "3", "2", "1", "3"]


def test_the_hash_is_of_the_contents(frame, study, study_text):
    first = validate_cohort(frame, study, "cohort.csv").sha256
    relabelled = parse_study(study_text.replace("A small study", "Another title"), "study.toml")
    assert validate_cohort(frame.assign(ignored="?"), relabelled, "other.csv").sha256 == first
    assert validate_cohort(frame.iloc[::-1], study, "cohort.csv").sha256 != first
    cells = {"time": "11", "event": "0", "entry": "1", "age": "51", "grade": "II", "patient": "z"}
    for column, cell in cells.items():
        changed = frame.copy()
        changed.loc[0, column] = cell
        assert validate_cohort(changed, study, "cohort.csv").sha256 != first, column
    other_formula = parse_study(study_text.replace('formula = "age"\n', 'formula = "1"\n'), "study.toml")
    assert validate_cohort(frame, other_formula, "cohort.csv").sha256 != first


def test_the_hash_is_the_same_in_another_process(folder):
    code = (
        "import sys\nfrom data.study.sources import load_cohort\nfrom data.study.study import load_study\n"
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


def test_a_subgroup_is_a_column_of_the_table(frame, edited):
    study = load_study(edited("[baseline]", '[report]\nsubgroups = ["brain"]\n[baseline]'))
    assert validate_cohort(frame.assign(brain="0"), study, "cohort.csv").size == 6
    with pytest.raises(InputError, match=r"column 'brain' \(\[report\] subgroups\) is missing"):
        validate_cohort(frame, study, "cohort.csv")
