"""Counts of patients: made by duckdb, checked, added over sites, small ones withheld; and the simulated registry of docs/."""

import re
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.aggregate.cohort import aggregate_cohort, load_aggregate
from data.aggregate.counting import counted
from data.aggregate.table import (
    EVENT,
    TREATED,
    added,
    read_aggregate,
    withheld_with_fewer_cutpoints,
    without_small_counts,
    write_aggregate,
)
from data.errors import CohortWarning, InputError
from data.simulation.simulate import LevelCovariate, NormalCovariate, Truth, simulate_frame
from data.study.sources import load_cohort
from data.study.study import Study, load_study, parse_study
from models.intervals import equal_event_cutpoints, exposure_by_interval, interval_of

CUTS = (6.0, 12.0, 36.0)
TRUTH = Truth(
    covariates={"age": NormalCovariate(60, 10), "grade": LevelCovariate({"I": 0.4, "II": 0.3, "III": 0.3})},
    treatment={"age": 0.03, "grade[T.III]": 0.6},
    outcome={"age": 0.03, "grade[T.II]": 0.3, "grade[T.III]": 0.6},
    log_hazard_ratio=-0.4,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patients as csv and as parquet, with study files of their own."""
    place = tmp_path_factory.mktemp("registry")
    frame, text = simulate_frame(TRUTH, 3000, seed=3)
    frame.to_csv(place / "cohort.csv", index=False)
    frame.to_parquet(place / "cohort.parquet", index=False)
    pd.concat([frame, frame.head(3)]).to_csv(place / "twice.csv", index=False)
    text = text.replace("age = {}", "age = {bins = [50, 60, 70]}") + f"[baseline]\ncutpoints = {list(CUTS)}\n"
    (place / "study.toml").write_text(text, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    return load_study(folder)


@pytest.fixture(scope="module")
def table(study: Study):
    return counted(study)


def altered(study: Study, change) -> Study:
    """The study with its text changed."""
    return parse_study(change(study.file.read_text(encoding="utf-8")), study.file)


def of_counts(study: Study, *paths: str) -> Study:
    """The study that reads tables of counts."""
    text = study.file.read_text(encoding="utf-8").replace('source = "file"', 'source = "aggregate"')
    text = re.sub(r"\[cohort\.columns\].*?\[treatment\]", "[treatment]", text, flags=re.DOTALL)
    return parse_study(text.replace('"cohort.csv"', str(list(paths))), study.file)


def test_counts_are_the_sums_over_patients_of_each_pattern(study, table):
    patients, cohort = load_cohort(study), aggregate_cohort(table, study)
    keys = [*patients.covariates.astype(str).to_numpy().T, patients.treatment]
    group = pd.MultiIndex.from_arrays(keys).map(
        {
            (*row, bool(arm)): place
            for place, (row, arm) in enumerate(
                zip(cohort.covariates.astype(str).itertuples(index=False), cohort.treatment, strict=True)
            )
        }
    )
    one = np.zeros((patients.size, cohort.size))
    one[np.arange(patients.size), group] = 1.0
    assert cohort.counts.patients == pytest.approx(one.sum(axis=0))
    exposure = one.T @ exposure_by_interval(patients.time, CUTS)
    assert cohort.counts.exposure == pytest.approx(exposure, rel=1e-6)
    deaths = one.T @ (np.eye(len(CUTS) + 1)[interval_of(patients.time, CUTS)] * patients.event[:, None])
    assert cohort.counts.deaths == pytest.approx(deaths)
    starts = np.array([0.0, *CUTS])[interval_of(patients.time, CUTS)]
    assert cohort.counts.exits.time_squared.sum() == pytest.approx(
        ((patients.time - starts) ** 2).sum(), rel=1e-6
    )
    assert (cohort.patients, cohort.events) == (patients.size, patients.events)
    assert cohort.outcome.terms == patients.outcome.terms
    assert cohort.outcome.means == pytest.approx(patients.outcome.means)
    assert cohort.counts.patients @ cohort.outcome.values == pytest.approx(0.0, abs=1e-8)
    for arm in (False, True):
        assert cohort.time[cohort.treatment == arm].max() == pytest.approx(
            patients.time[patients.treatment == arm].max()
        )


def test_csv_and_parquet_give_the_same_counts_and_a_file_gives_them_back(study, table, tmp_path):
    other = counted(altered(study, lambda text: text.replace("cohort.csv", "cohort.parquet")))
    pd.testing.assert_frame_equal(other.rows, table.rows)
    write_aggregate(table, tmp_path / "table.parquet")
    again = read_aggregate(tmp_path / "table.parquet", "here")
    pd.testing.assert_frame_equal(again.rows, table.rows)
    for name in ("cutpoints", "follow_up", "covariates"):
        assert getattr(again, name) == getattr(table, name)


def test_intervals_of_equal_events_are_those_of_the_patients(study):
    other = altered(study, lambda text: re.sub("cutpoints = .*", "intervals = 7", text))
    patients = load_cohort(other)
    assert counted(other).cutpoints == pytest.approx(equal_event_cutpoints(patients.time, patients.event, 7))


def test_tables_of_several_sites_are_one_table(study, table, folder, tmp_path):
    frame = pd.read_csv(folder / "cohort.csv")
    for site, rows in {"north": frame.iloc[:1100], "south": frame.iloc[1100:]}.items():
        rows.to_csv(folder / f"{site}.csv", index=False)
        own = counted(altered(study, lambda text, site=site: text.replace("cohort.csv", f"{site}.csv")))
        write_aggregate(own, folder / f"{site}.parquet")
    cohort, settled, withheld = load_aggregate(of_counts(study, "north.parquet", "south.parquet"))
    whole = aggregate_cohort(table, study)
    assert cohort.counts.deaths == pytest.approx(whole.counts.deaths)
    assert cohort.counts.exposure == pytest.approx(whole.counts.exposure)
    assert cohort.outcome.values == pytest.approx(whole.outcome.values)
    assert settled.baseline.cutpoints == CUTS
    assert len(withheld) == 2
    other = replace(table, cutpoints=(6.0, 12.0, 30.0))
    with pytest.raises(InputError, match=r"south: cutpoints must be those of north"):
        added([table, other], ["north", "south"])


def test_a_time_at_a_cut_point_but_for_its_last_digits_ends_that_interval(study, folder):
    frame = pd.read_csv(folder / "cohort.csv").head(400)
    frame.loc[:99, "survival_months"] = 12.0 * (1 + np.where(np.arange(100) % 2, 1, -1) * 1e-9)
    frame.to_csv(folder / "close.csv", index=False)
    rows = counted(altered(study, lambda text: text.replace("cohort.csv", "close.csv"))).rows
    own = rows[rows["interval"] == 2]["time"] / rows[rows["interval"] == 2]["patients"]
    assert (own > 1e-3).all()


def test_small_counts_are_withheld_with_their_whole_pattern(table):
    kept = without_small_counts(table, 11)
    assert kept.rows["patients"].min() >= 11
    keys = table.patterns
    least = table.rows.groupby(keys, observed=True)["patients"].min()
    assert len(kept.rows.groupby(keys, observed=True)) == (least >= 11).sum()
    (cost,) = kept.withheld
    assert cost.patterns == (least < 11).sum() > 0
    assert cost.patients == pytest.approx(
        1 - kept.rows["patients"].sum() / table.rows["patients"].sum(), abs=5e-4
    )
    deaths = [one.rows.loc[one.rows[EVENT], "patients"].sum() for one in (kept, table)]
    assert cost.events == pytest.approx(1 - deaths[0] / deaths[1], abs=5e-4)
    assert kept.rows.groupby(keys, observed=True)[TREATED].nunique().eq(2).all()
    with pytest.raises(InputError, match="--smallest-cell must leave patients"):
        without_small_counts(table, 10_000)


def test_what_fewer_cut_points_would_withhold_is_what_they_do_withhold(study, table):
    foreseen = withheld_with_fewer_cutpoints(table, 11)
    assert set(foreseen) == {(12.0,), (36.0,)}
    for cuts, share in foreseen.items():
        new = f"cutpoints = {list(cuts)}"
        other = altered(study, lambda text, new=new: re.sub("cutpoints = .*", new, text))
        (cost,) = without_small_counts(counted(other), 11).withheld
        assert share == pytest.approx(cost.patients, abs=5e-4)


def test_the_last_follow_up_stated_is_that_of_as_many_patients_as_the_smallest_count(study):
    patients, (control, treated) = load_cohort(study), counted(study, smallest=11).follow_up
    assert treated == pytest.approx(np.sort(patients.time[patients.treatment])[-11])
    assert control == pytest.approx(np.sort(patients.time[~patients.treatment])[-11])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace("{bins = [50, 60, 70]}", "{}"),
            r"age must have levels or bins.*age = \{bins = \[5\d[\d., ]+\]\}",
        ),
        (lambda text: text.replace('id = "patient"', 'entry = "entry"'), r"entry must be left out"),
        (
            lambda text: text.replace("cohort.csv", "twice.csv"),
            r"'patient' must be different for every patient, but 3 values",
        ),
        (
            lambda text: text.replace('"I", "II", "III"', '"I", "II"'),
            r"'grade' must be one of its levels.*found III \(\d+ patients\)",
        ),
        (
            lambda text: text.replace('treated = "yes"', 'treated = "ja"'),
            r"must hold two values, one of them 'ja', but found no, yes",
        ),
        (lambda text: text.replace('event = "died"', 'event = "dead"'), r"must have the columns dead"),
        (lambda text: text + '[missing]\nmethod = "impute"\n', r"method must be 'complete' or 'refuse'"),
    ],
)
def test_what_cannot_be_counted_is_refused_with_the_mend(study, change, message):
    with pytest.raises(InputError, match=re.compile(message, re.DOTALL)):
        counted(altered(study, change))


def test_missing_cells_are_refused_with_their_number_or_left_out_as_stated(study, folder):
    frame = pd.read_csv(folder / "cohort.csv").head(900)
    frame.loc[:39, "age"] = np.nan
    frame.loc[35:49, "grade"] = None
    frame.to_csv(folder / "gaps.csv", index=False)
    gaps = altered(study, lambda text: text.replace("cohort.csv", "gaps.csv"))
    with pytest.raises(
        InputError, match=r"(?s)'age' must be given.*\(40 patients\).*'grade' must be given.*\(15 patients\)"
    ):
        counted(gaps)
    left = altered(
        gaps, lambda text: text.replace("cohort.csv", "gaps.csv") + '[missing]\nmethod = "complete"\n'
    )
    with pytest.warns(CohortWarning, match="50 of 900 patients are left out"):
        assert counted(left).rows["patients"].sum() == 850


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.assign(patients=rows["patients"] - 0.5), "whole numbers"),
        (lambda rows: rows.assign(time=rows["time"] * 50), "time must lie within"),
        (lambda rows: rows.assign(time_squared=0.0), "time_squared must suit"),
        (lambda rows: pd.concat([rows, rows.head(1)]), "rows must differ"),
    ],
)
def test_a_table_that_no_patients_have_is_refused(table, tmp_path, change, message):
    write_aggregate(replace(table, rows=change(table.rows)), tmp_path / "wrong.parquet")
    with pytest.raises(InputError, match=message):
        read_aggregate(tmp_path / "wrong.parquet", "here")


def test_a_study_must_suit_its_table(study, table, folder):
    write_aggregate(table, folder / "table.parquet")
    good = of_counts(study, "table.parquet")
    assert load_aggregate(good)[0].patients == 3000
    other = good.model_copy(update={"time_unit": "days"})
    with pytest.raises(InputError, match=r"time_unit must be the table's, 'months'"):
        load_aggregate(other)
    baseline = good.baseline.model_copy(update={"cutpoints": (6.0, 12.0)})
    with pytest.raises(InputError, match=r"cutpoints must be the table's"):
        load_aggregate(good.model_copy(update={"baseline": baseline}))
    (folder / "none.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="must be a table that `rtsurv aggregate` wrote"):
        load_aggregate(of_counts(study, "none.parquet"))


SCRIPT = Path(__file__).parents[2] / "docs" / "simulated_registry.py"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of 700 patients, written in parts of 300."""
    folder = tmp_path_factory.mktemp("registry")
    write = runpy.run_path(str(SCRIPT))["write_registry"]
    write.__globals__["PATIENTS_AT_ONCE"] = 300
    write(700, folder)
    return folder


def test_parts_are_different_patients_with_numbers_of_their_own(registry):
    frame = pd.read_parquet(registry / "patients" / "cohort.parquet")
    assert frame["patient"].tolist() == list(range(1, 701))
    assert not frame["survival_months"].duplicated().any()


def test_counts_hold_every_patient_and_event(registry):
    study = load_study(registry / "patients")
    patients = load_cohort(study)
    write_aggregate(counted(study), registry / "counts" / "counts.parquet")
    counts, _, _ = load_aggregate(load_study(registry / "counts"))
    assert patients.size == counts.counts.patients.sum() == 700
    assert patients.event.sum() == counts.counts.deaths.sum() > 0


def test_a_registry_without_patients_is_refused(tmp_path):
    done = subprocess.run([sys.executable, SCRIPT, "0", tmp_path], capture_output=True, text=True)
    assert done.returncode == 2
    assert "at least 1, but is 0" in done.stderr
