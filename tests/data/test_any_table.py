"""The same patients however they are written: names, levels, types, files and units change nothing else."""

import json
from datetime import timedelta
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import CohortWarning, InputError
from data.simulation.simulate import Truth, simulate_frame
from data.study.close_times import equal_times
from data.study.cohort import validate_cohort
from data.study.sources import load_cohort, read_table
from data.study.study import Study, load_study, parse_study
from data.study.time_units import UNITS_PER_MONTH
from inference.frequentist.survival import kaplan_meier

PLAIN = ("patient", "months", "died", "therapy", "age", "grade")
NAMES = st.text(
    st.characters(exclude_characters="`", exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=8
)
NAMES = (NAMES | st.sampled_from(["age.dx", "1", "Intercept", "T/N", "ER|PR", "Δ~", "C", "class", "np"])).map(
    str.strip
)
WORDS = [
    "I",
    "II",
    "III/IV",
    "1",
    "0",
    "T.x",
    "a:b",
    "[c]",
    "Δ",
    "true",
    "NA",
    "none",
    "1.5",
    "<50",
    "≥50",
    "=1+1",
]
LEVELS = st.lists(st.sampled_from(WORDS), min_size=3, max_size=3, unique=True)
quoted = partial(json.dumps, ensure_ascii=False)
STORED = {"csv": None, "single": "float32", "double": "float64", "missing-aware": "Float64", "text": "str"}


def written(
    folder, frame: pd.DataFrame, stored: str, unit: str = "months", levels=("I", "II", "III"), marks=()
) -> Study:
    """Write a table and its study, and read the study; columns in the order of PLAIN."""
    folder.mkdir(exist_ok=True)
    _, time, event, arm, age, grade = map(quoted, frame.columns)
    if stored == "csv":
        frame.to_csv(folder / "cohort.csv", index=False)
    else:
        numbers = [frame.columns[1], frame.columns[4]]
        frame.astype(dict.fromkeys(numbers, STORED[stored])).set_index(frame.columns[0]).to_parquet(
            folder / "cohort.parquet"
        )
    (folder / "study.toml").write_text(
        f"""
name = "written"
title = "Written in a test"
time_unit = "{unit}"
[cohort]
source = "file"
path = "cohort.{"csv" if stored == "csv" else "parquet"}"
[cohort.columns]
time = {time}
event = {event}
treatment = {arm}
id = {quoted(frame.columns[0])}
[treatment]
treated = "yes"
[covariates]
{age} = {{}}
{grade} = {{levels = {quoted(list(levels))}}}
[propensity]
formula = {quoted(f"`{frame.columns[4]}` + `{frame.columns[5]}`")}
[outcome]
formula = {quoted(f"`{frame.columns[5]}` + `{frame.columns[4]}`:`{frame.columns[5]}`")}
[baseline]
cutpoints = {list(marks) or "[]"}
[report]
times = {list(marks) or "[1.0]"}
""",
        encoding="utf-8",
    )
    return load_study(folder)


def patients() -> pd.DataFrame:
    frame = simulate_frame(Truth(), 60, seed=3)[0]
    frame = frame.set_axis(PLAIN, axis=1)
    return frame.assign(months=frame.months.round(2) + 0.01, age=frame.age.round(1))


@pytest.fixture
def examples(full) -> int:
    return 200 if full else 25


def test_names_levels_types_files_and_units_change_no_patient_and_no_column(tmp_path, examples):
    frame = patients()
    plain = load_cohort(written(tmp_path / "plain", frame, "csv"))

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        names=st.lists(NAMES.filter(bool), min_size=6, max_size=6, unique=True),
        levels=LEVELS,
        stored=st.sampled_from(list(STORED)),
        unit=st.sampled_from(list(UNITS_PER_MONTH)),
        scale=st.sampled_from([1.0, 1000.0, 0.001]),
        events=st.sampled_from([("0", "1"), ("no", "YES"), ("False", "TRUE")]),
    )
    def same(names, levels, stored, unit, scale, events):
        factor = UNITS_PER_MONTH[unit]
        drawn = frame.assign(
            months=frame.months * factor,
            age=frame.age * scale,
            grade=frame.grade.map(dict(zip(("I", "II", "III"), levels, strict=True))),
            died=frame.died.map(dict(enumerate(events))),
        )
        cohort = load_cohort(written(tmp_path / "drawn", drawn.set_axis(names, axis=1), stored, unit, levels))
        single = 1e-6 if stored == "single" else 1e-12
        np.testing.assert_allclose(cohort.time, plain.time * factor, rtol=single)
        for name in ("event", "treatment", "patient"):
            np.testing.assert_array_equal(getattr(cohort, name), getattr(plain, name))
        scales = {"propensity": [scale, 1, 1], "outcome": [1, 1, scale, scale, scale]}
        for design, of_columns in scales.items():
            np.testing.assert_allclose(
                getattr(cohort, design).values,
                getattr(plain, design).values * of_columns,
                rtol=single,
                atol=1e-5 * scale if stored == "single" else 1e-10 * scale,
            )

    same()


VISITS = np.array([0.3, 0.6, 0.9, 1.2, 1.5])


@pytest.mark.parametrize("stored", ["csv", "single", "double"])
@pytest.mark.parametrize("of", ["report times", "each other"])
def test_times_that_differ_in_their_last_bits_are_one_visit(tmp_path, stored, of):
    draws = np.random.default_rng(6)
    visit, event = draws.integers(1, 6, 300), draws.integers(0, 2, 300)
    other = np.where(np.arange(300) % 2, visit * 3 * 0.1, visit * 3 / 10)
    frame = pd.DataFrame(
        {
            "patient": np.arange(300),
            "months": other,
            "died": event,
            "therapy": draws.choice(["yes", "no"], 300),
            "age": draws.normal(60, 9, 300),
            "grade": draws.choice(["I", "II", "III"], 300),
        }
    )
    study = written(
        tmp_path / "visits", frame, stored, marks=VISITS[:4].tolist() if of == "report times" else ()
    )
    assert stored == "single" or len(np.unique(other)) > 5
    if stored == "single":
        cohort = load_cohort(study)
    else:
        with pytest.warns(CohortWarning, match=r"\d+ of 300 patients have times that differ"):
            cohort = load_cohort(study)
    np.testing.assert_array_equal(np.unique(cohort.time), VISITS)
    curve = kaplan_meier(cohort.time, cohort.event, times=VISITS)
    died = np.array([event[visit == k].sum() for k in range(1, 6)])
    left = np.array([(visit >= k).sum() for k in range(1, 6)])
    np.testing.assert_allclose(curve.survival, np.cumprod(1 - died / left), rtol=1e-12)


def test_times_far_enough_apart_stay_as_they_are():
    times = np.random.default_rng(1).integers(1, 4000, 500) / 30.4375
    np.testing.assert_array_equal(equal_times(times, (12.0, 36.0)), times)
    close = equal_times(np.array([12.00001, 12.000013, np.nan, 0.0, 35.9999]), (12.0, 36.0))
    np.testing.assert_array_equal(
        close, [12.0, 12.000013, np.nan, 0.0, 35.9999]
    )  # the second is close to the first alone


@pytest.mark.parametrize(
    ("values", "held"),
    [
        ([timedelta(days=40 + k) for k in range(60)], "durations"),
        (pd.date_range("2020-01-01", periods=60), "dates"),
        (pd.date_range("2020-01-01", periods=60, tz="UTC"), "dates"),
        (pd.date_range("2020-01-01", periods=60).date, "dates"),
        (pd.date_range("2020-01-01", periods=60).strftime("%d/%m/%Y"), "dates"),
    ],
)
@pytest.mark.parametrize("column", ["months", "age"])
def test_dates_and_durations_are_refused_by_name_with_what_to_write(tmp_path, values, held, column):
    frame = patients().assign(**{column: values})
    study = written(tmp_path / "held", patients(), "double")
    frame.to_parquet(tmp_path / "held" / "cohort.parquet")
    unit = r"months as a number, the days divided by 30.4375" if column == "months" else "years as a number"
    with pytest.raises(
        InputError, match=rf"column '{column}' .* must be numbers, but holds {held}; .* in {unit}"
    ):
        load_cohort(study)


@pytest.mark.parametrize("cells", [("False", "True"), ("false", "TRUE"), (False, True)])
def test_true_and_false_are_levels_in_every_file(tmp_path, cells):
    frame = patients().drop(columns="grade").assign(smoker=np.where(np.arange(60) % 3, *cells[::-1]))
    text = (written(tmp_path / "t", patients(), "csv").file).read_text(encoding="utf-8")
    declared = text[text.index('"grade" ') : text.index("\n[propensity]")]
    text = text.replace(declared, "smoker = {}").replace("`grade`", "smoker")
    study = parse_study(text, tmp_path / "t" / "study.toml")
    frame.to_csv(tmp_path / "t.csv", index=False)
    tables = [read_table((tmp_path / "t.csv").read_bytes(), "t.csv")]
    if cells[0] is False:
        frame.to_parquet(tmp_path / "t.parquet")
        tables.append(read_table((tmp_path / "t.parquet").read_bytes(), "t.parquet"))
    for table in tables:
        cohort = validate_cohort(table, study, "t")
        assert cohort.propensity.terms == ("age", "smoker[T.true]")
        assert (cohort.covariates["smoker"] == "true").sum() == 40


def test_a_covariate_that_is_nearly_the_outcome_is_named(tmp_path):
    frame = patients()
    late = frame.assign(age=(frame.months * 30.4375).round())
    with pytest.warns(CohortWarning, match="covariate 'age' is nearly the time"):
        load_cohort(written(tmp_path / "late", late, "csv"))
    coded = frame.assign(grade=np.where(frame.died == 1, "III", np.where(frame.age > 60, "I", "II")))
    with pytest.warns(CohortWarning, match="covariate 'grade' is nearly the event"):
        load_cohort(written(tmp_path / "coded", coded, "csv"))
