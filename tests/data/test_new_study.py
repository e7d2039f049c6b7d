"""Drafts of study files: valid where the guesses are right, marked where none can be made."""

import numpy as np
import pandas as pd
import pytest

from data.errors import InputError
from data.simulation.simulate import Truth, simulate_cohort, simulate_frame
from data.study.new_study import FILL_IN, draft_study
from data.study.sources import load_cohort
from data.study.study import load_study


@pytest.fixture
def draft(tmp_path):
    """Write a table, draft its study in a folder of its own, and return that folder."""

    def write(frame: pd.DataFrame, kind: str = "csv"):
        source = tmp_path / f"patients.{kind}"
        frame.to_csv(source, index=False) if kind == "csv" else frame.to_parquet(source)
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "study.toml").write_text(draft_study(source, "mine"), encoding="utf-8")
        return tmp_path / "mine"

    return write


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("latest_entry", [0.0, 6.0])
def test_a_draft_of_a_clear_table_is_the_study(draft, kind, latest_entry):
    truth = Truth(latest_entry=latest_entry)
    folder = draft(simulate_frame(truth, 200, seed=1)[0], kind)
    study = load_study(folder)
    assert (study.name, study.time_unit, study.treatment.treated) == ("mine", "months", "yes")
    assert study.propensity.formula == study.outcome.formula == "age + grade"
    assert load_cohort(study).sha256 == simulate_cohort(truth, 200, seed=1).sha256
    assert FILL_IN not in (folder / "study.toml").read_text()


def test_what_cannot_be_guessed_is_marked_and_loading_says_so(draft):
    frame = simulate_frame(Truth(), 100, seed=1)[0]
    folder = draft(frame.rename(columns={"survival_months": "u", "therapy": "v", "died": "w"}))
    text = (folder / "study.toml").read_text()
    assert text.count(FILL_IN) == 6  # of which one explains the mark
    with pytest.raises(InputError, match="5 problems") as refusal:
        load_study(folder)
    for key in ("time_unit", "[cohort.columns] time", "[cohort.columns] event", "[treatment] treated"):
        assert f"{key} must not be empty; fill it in" in str(refusal.value)


def test_filled_in_it_loads(draft, rewrite):
    frame = simulate_frame(Truth(), 100, seed=1)[0].replace({"therapy": {"yes": "A", "no": "B"}})
    folder = draft(frame)
    with pytest.raises(InputError, match=r"\[treatment\] treated must not be empty"):
        load_study(folder)
    rewrite(folder / "study.toml", 'treated = ""', 'treated = "A"')
    assert load_cohort(load_study(folder)).treatment.sum() == (frame["therapy"] == "A").sum()


def test_two_columns_that_fit_are_left_to_the_reader(draft):
    frame = simulate_frame(Truth(), 100, seed=1)[0]
    folder = draft(frame.assign(relapse=frame["died"].to_numpy()[::-1]))
    with pytest.raises(InputError, match=r"\[cohort.columns\] event must not be empty"):
        load_study(folder)


def test_columns_that_are_no_covariates_are_left_out_with_the_reason(draft):
    frame = simulate_frame(Truth(), 100, seed=1)[0]
    notes, marker = [f"note {row}" for row in range(100)], frame["age"].where(frame["age"] > 60)
    folder = draft(frame.assign(site="x", note=notes, marker=marker, empty=None))
    text = (folder / "study.toml").read_text()
    assert "# site: left out, the same for every patient" in text
    assert "# note: left out, 100 different texts" in text
    assert f"marker = {{}}  # {(frame['age'] <= 60).sum()} of 100 cells are missing" in text
    assert "# empty: left out, every cell is missing" in text
    study = load_study(folder)
    assert list(study.covariates) == ["age", "grade", "marker"]
    assert study.missing.method == "impute"


def test_odd_names_and_values_are_quoted(draft):
    frame = simulate_frame(Truth(), 100, seed=1)[0].rename(columns={"age": 'age "now"', "grade": "class"})
    frame["class"] = frame["class"].map({"I": 'a "b"', "II": "c\\d", "III": "ü\x7f"})
    frame["tumour size"] = frame['age "now"'] ** 2
    folder = draft(frame)
    cohort = load_cohort(load_study(folder))
    assert list(cohort.covariates) == ['age "now"', "class", "tumour size"]
    assert cohort.covariates["class"].cat.categories.tolist() == ['a "b"', "c\\d", "ü\x7f"]
    assert len(cohort.outcome.terms) == 4


def test_a_repeated_column_is_left_out(draft, tmp_path):
    frame = simulate_frame(Truth(), 100, seed=1)[0]
    folder = draft(pd.concat([frame, frame[["age"]]], axis=1))
    assert list(load_study(folder).covariates) == ["grade"]


def test_a_table_without_covariates(draft):
    frame = simulate_frame(Truth(covariates={}, outcome={}, treatment={}), 100, seed=1)[0]
    assert load_study(draft(frame)).outcome.formula == "1"


def test_an_indicator_that_may_be_upside_down_is_to_be_checked(draft):
    folder = draft(simulate_frame(Truth(), 100, seed=1)[0].rename(columns={"died": "cens"}))
    assert 'event = "cens"' in (folder / "study.toml").read_text()
    assert "CHECK, the name reads like 1 for censored" in (folder / "study.toml").read_text()


@pytest.mark.parametrize("name", ["", "Mine", "../mine", "my study", "-a"])
def test_a_name_that_is_no_folder_name_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="NAME must be a plain folder name"):
        draft_study(tmp_path / "x.csv", name)


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="must be a readable file"):
        draft_study(tmp_path / "none.csv", "mine")
    (tmp_path / "empty.csv").write_text("a,b\n")
    with pytest.raises(InputError, match="must hold patients"):
        draft_study(tmp_path / "empty.csv", "mine")


def test_an_export_loses_what_is_no_covariate_and_keeps_what_is(draft, rewrite):
    frame, draws = simulate_frame(Truth(), 120, seed=4)[0], np.random.default_rng(4)
    own = [*frame.columns]
    months = frame.survival_months
    frame["rownames"] = range(7, 127)
    frame["mrn"] = draws.choice(10**6, 120, replace=False)
    frame["os_months"], frame["os_event"] = months, frame.died
    frame["pfs_months"] = months * draws.uniform(0.3, 1, 120)
    frame["pfs_event"] = np.maximum(frame.died, draws.random(120) < 0.3)
    frame["dx_date"] = pd.date_range("2015-01-01", periods=120).strftime("%d.%m.%Y")
    frame["status_code"] = frame.died + 1
    kept = {"er_status": draws.choice(["neg", "pos"], 120), "age_years": draws.normal(60, 9, 120)}
    kept |= {
        "ph.ecog": draws.choice(3, 120),
        "ER|PR": draws.choice(["+", "-"], 120),
        "Δ~weeks": draws.normal(size=120),
    }
    folder = draft(frame.assign(**kept))
    file = folder / "study.toml"
    for key, value in (("time", "survival_months"), ("event", "died"), ("time_unit", "months")):
        rewrite(file, f'{key} = ""', f'{key} = "{value}"')
    study, text = load_study(folder), file.read_text(encoding="utf-8")
    assert {*study.covariates} == {"age", "grade", *kept}
    assert load_cohort(study).size == 120
    for name in set(frame.columns) - set(own) | {"survival_months", "died"}:
        assert f"# {name}: left out, " in text
