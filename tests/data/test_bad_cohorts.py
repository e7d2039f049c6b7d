"""Whatever is wrong with a cohort, alone or together: one readable message, never another exception."""

import warnings

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import CohortWarning, InputError
from data.simulation.simulate import Truth, simulate_frame, simulated_study
from data.study.cohort import validate_cohort
from data.study.sources import load_cohort, read_table
from data.study.study import load_study, parse_study


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


FRAME, TEXT = simulate_frame(Truth(latest_entry=6.0), 40, seed=3)
FRAME = FRAME.astype(object)
SIMULATED = simulated_study(TEXT)
NUMERIC = ["survival_months", "entry", "age"]
EVERY = [*NUMERIC, "died", "therapy", "grade", "patient"]
QUICK = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))


def put(*cells):
    """A way to break some rows of a column."""
    return lambda frame, column, rows: frame.__setitem__(
        column, [cells[0] if row in rows else cell for row, cell in enumerate(frame[column])]
    )


def entry_after_time(frame, column, rows):
    frame["entry"] = [
        time + 1 if row in rows else entry
        for row, (time, entry) in enumerate(zip(frame["survival_months"], frame["entry"], strict=True))
    ]


def same_patient(frame, column, rows):
    frame["patient"] = [
        frame["patient"].iloc[0] if row in {0, 1, *rows} else cell
        for row, cell in enumerate(frame["patient"])
    ]


def whole(column, cell):
    def spoil(frame, _, rows):
        frame[column] = cell

    return spoil


BREAKS = {
    "missing": (put(""), EVERY),
    "none": (put(None), EVERY),
    "negative": (put(-3.5), ["survival_months", "entry"]),
    "zero": (put(0), ["survival_months"]),
    "infinite": (put(float("inf")), NUMERIC),
    "infinite text": (put("-inf"), NUMERIC),
    "text": (put("twelve"), [*NUMERIC, "died", "therapy"]),
    "date": (put(pd.Timestamp("2020-01-01")), [*NUMERIC, "died", "therapy", "grade"]),
    "list": (put([1, 2]), [*NUMERIC, "died", "therapy", "grade"]),
    "complex": (put(1 + 2j), NUMERIC),
    "unknown level": (put("IV"), ["grade"]),
    "third arm": (put("maybe"), ["therapy"]),
    "one arm": (whole("therapy", "no"), ["therapy"]),
    "no event": (whole("died", 0), ["died"]),
    "entry after time": (entry_after_time, ["entry"]),
    "same patient": (same_patient, ["patient"]),
    "no column": (lambda frame, column, rows: frame.pop(column), EVERY),
}

single = st.sampled_from(sorted(BREAKS)).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.sampled_from(BREAKS[name][1]),
        st.sets(st.integers(0, 39), min_size=1, max_size=40),
    )
)


def break_frame(breaks) -> tuple[pd.DataFrame, set[str]]:
    """A broken table, and the columns that were broken."""
    frame, columns = FRAME.copy(), set()
    for name, column, rows in breaks:
        if {"survival_months", "entry", "patient", column} <= set(frame.columns):
            try:
                BREAKS[name][0](frame, column, rows)
            except TypeError:  # the times to compare with are broken already
                continue
            columns.add(column)
    if "survival_months" in columns:  # an entry after a time that is broken itself cannot be told
        columns.discard("entry")
    return frame, columns


def test_whole_it_is_accepted():
    assert validate_cohort(FRAME, SIMULATED, "whole.csv").size == 40


@pytest.mark.parametrize("name", sorted(BREAKS))
@QUICK
@given(pick=st.data())
def test_every_break_is_refused_with_file_and_column(name, pick):
    column = pick.draw(st.sampled_from(BREAKS[name][1]))
    rows = pick.draw(st.sets(st.integers(0, 39), min_size=1, max_size=40))
    frame, _ = break_frame([(name, column, rows)])
    with pytest.raises(InputError) as refusal:
        validate_cohort(frame, SIMULATED, "broken.csv")
    assert str(refusal.value).startswith("broken.csv: ")
    assert f"column '{column}'" in str(refusal.value)


@settings(deadline=None, max_examples=120, suppress_health_check=list(HealthCheck))
@given(breaks=st.lists(single, min_size=2, max_size=6))
def test_breaks_together_are_refused_together(breaks):
    frame, columns = break_frame(breaks)
    with pytest.raises(InputError) as refusal:
        validate_cohort(frame, SIMULATED, "broken.csv")
    assert str(refusal.value).startswith("broken.csv: ")
    for column in columns:
        assert f"column '{column}'" in str(refusal.value)


@pytest.fixture(scope="module")
def broken_folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("broken")
    (path / "study.toml").write_text(TEXT, encoding="utf-8")
    return path


@QUICK
@given(breaks=st.lists(single, min_size=1, max_size=3))
def test_through_a_file_it_is_the_same(broken_folder, breaks):
    frame, columns = break_frame(breaks)
    frame.to_csv(broken_folder / "cohort.csv", index=False)
    with pytest.raises(InputError) as refusal:
        load_cohort(load_study(broken_folder))
    assert str(broken_folder / "cohort.csv") in str(refusal.value)
    for column in columns:
        assert f"column '{column}'" in str(refusal.value)


@QUICK
@given(
    encoding=st.sampled_from(["latin-1", "cp1252", "utf-16", "utf-16-be", "utf-32"]), row=st.integers(0, 39)
)
def test_other_encodings_are_refused_with_the_byte(broken_folder, encoding, row):
    frame = FRAME.copy()
    frame["patient"] = [
        f"Müller {number}" if number == row else cell for number, cell in enumerate(frame["patient"])
    ]
    (broken_folder / "cohort.csv").write_bytes(frame.to_csv(index=False).encode(encoding))
    with pytest.raises(
        InputError, match=r"cohort.csv: must be UTF-8 text, but found byte 0x.. at position \d+"
    ):
        load_cohort(load_study(broken_folder))


@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(
    content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)),
    kind=st.sampled_from([".csv", ".parquet"]),
)
def test_any_bytes_are_a_table_or_an_input_error(content, kind):
    try:
        assert isinstance(read_table(content, f"any{kind}"), pd.DataFrame)
    except InputError as error:
        assert str(error).startswith(f"any{kind}: ")


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(position=st.integers(0, 10**6), content=st.binary(min_size=1, max_size=6))
def test_a_damaged_csv_is_a_cohort_or_an_input_error(broken_folder, position, content):
    text = FRAME.to_csv(index=False).encode()
    position %= len(text)
    (broken_folder / "cohort.csv").write_bytes(text[:position] + content + text[position + len(content) :])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortWarning)
        try:
            assert load_cohort(load_study(broken_folder)).size > 0
        except InputError as error:
            assert "cohort.csv" in str(error) or "study.toml" in str(error)
