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
from data.study.study import load_study

FRAME, TEXT = simulate_frame(Truth(latest_entry=6.0), 40, seed=3)
FRAME = FRAME.astype(object)
STUDY = simulated_study(TEXT)
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
    assert validate_cohort(FRAME, STUDY, "whole.csv").size == 40


@pytest.mark.parametrize("name", sorted(BREAKS))
@QUICK
@given(pick=st.data())
def test_every_break_is_refused_with_file_and_column(name, pick):
    column = pick.draw(st.sampled_from(BREAKS[name][1]))
    rows = pick.draw(st.sets(st.integers(0, 39), min_size=1, max_size=40))
    frame, _ = break_frame([(name, column, rows)])
    with pytest.raises(InputError) as refusal:
        validate_cohort(frame, STUDY, "broken.csv")
    assert str(refusal.value).startswith("broken.csv: ")
    assert f"column '{column}'" in str(refusal.value)


@settings(deadline=None, max_examples=120, suppress_health_check=list(HealthCheck))
@given(breaks=st.lists(single, min_size=2, max_size=6))
def test_breaks_together_are_refused_together(breaks):
    frame, columns = break_frame(breaks)
    with pytest.raises(InputError) as refusal:
        validate_cohort(frame, STUDY, "broken.csv")
    assert str(refusal.value).startswith("broken.csv: ")
    for column in columns:
        assert f"column '{column}'" in str(refusal.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("broken")
    (path / "study.toml").write_text(TEXT, encoding="utf-8")
    return path


@QUICK
@given(breaks=st.lists(single, min_size=1, max_size=3))
def test_through_a_file_it_is_the_same(folder, breaks):
    frame, columns = break_frame(breaks)
    frame.to_csv(folder / "cohort.csv", index=False)
    with pytest.raises(InputError) as refusal:
        load_cohort(load_study(folder))
    assert str(folder / "cohort.csv") in str(refusal.value)
    for column in columns:
        assert f"column '{column}'" in str(refusal.value)


@QUICK
@given(
    encoding=st.sampled_from(["latin-1", "cp1252", "utf-16", "utf-16-be", "utf-32"]), row=st.integers(0, 39)
)
def test_other_encodings_are_refused_with_the_byte(folder, encoding, row):
    frame = FRAME.copy()
    frame["patient"] = [
        f"Müller {number}" if number == row else cell for number, cell in enumerate(frame["patient"])
    ]
    (folder / "cohort.csv").write_bytes(frame.to_csv(index=False).encode(encoding))
    with pytest.raises(
        InputError, match=r"cohort.csv: must be UTF-8 text, but found byte 0x.. at position \d+"
    ):
        load_cohort(load_study(folder))


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
def test_a_damaged_csv_is_a_cohort_or_an_input_error(folder, position, content):
    text = FRAME.to_csv(index=False).encode()
    position %= len(text)
    (folder / "cohort.csv").write_bytes(text[:position] + content + text[position + len(content) :])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortWarning)
        try:
            assert load_cohort(load_study(folder)).size > 0
        except InputError as error:
            assert "cohort.csv" in str(error) or "study.toml" in str(error)
