"""Ensembles on disk: kept while everything that decides them is the same, made again where it is not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import inference.published.cohort_cache
from data.published.evidence import load_evidence
from data.published.reconstruction import Reconstruction
from data.study.study import load_study
from inference.published.cohort_cache import ensemble_mark, ensemble_of
from inference.published.cohort_differences import ensemble_curves, ensemble_spread, printed_points


@pytest.fixture(scope="module")
def li2024():
    return load_study("li2024")


@pytest.fixture(scope="module")
def evidence(li2024):
    return load_evidence(li2024)


@pytest.fixture
def drawn(monkeypatch):
    """Stand-in for the reconstruction, which takes seconds: a known table, and how often it was asked for."""
    asked = []

    def reconstruct(study, evidence, cohorts, seed, done=None, first=1, executor=None):
        asked.append((cohorts, seed))
        size = 4
        patients = pd.concat(
            [
                pd.DataFrame(
                    {
                        "cohort": number,
                        "patient": range(1, size + 1),
                        "treatment": [0, 0, 1, 1],
                        "matched": [1, 0, 1, 0],
                        "time": [1.0, 2.5, 3.0, 0.1 + 0.2],
                        "event": [1, 0, 1, 1],
                        "brain": ["0", "1", "0", "1"],
                    }
                )
                for number in range(first, first + cohorts)
            ],
            ignore_index=True,
        )
        targets = pd.DataFrame(
            {"target": ["a, b"], "family": ["median"], "printed": [0.1], "tolerance": [0.3], "cohort": [1],
             "value": [0.1 + 0.2], "z": [1 / 3]}
        )  # fmt: skip
        modalities = pd.DataFrame({"cohort": [1], "patient": [3], "rt_modality": ["IMRT"]})
        return Reconstruction(patients, modalities, targets, ("cohort 1: a pulls against b",))

    monkeypatch.setattr(inference.published.cohort_cache, "reconstruct", reconstruct)
    return asked


def test_what_is_kept_is_what_was_made(li2024, evidence, drawn, tmp_path):
    made = ensemble_of(li2024, evidence, 2, 7, tmp_path)
    kept = ensemble_of(li2024, evidence, 2, 7, tmp_path)
    assert drawn == [(2, 7)]
    pd.testing.assert_frame_equal(kept.patients, made.patients, check_exact=True)
    pd.testing.assert_frame_equal(kept.modalities, made.modalities)
    pd.testing.assert_frame_equal(kept.targets, made.targets, check_exact=True)
    assert kept.conflicts == made.conflicts
    assert not list(tmp_path.glob(".*"))


def test_another_seed_number_or_evidence_is_made_again(li2024, evidence, drawn, tmp_path):
    ensemble_of(li2024, evidence, 2, 7, tmp_path)
    ensemble_of(li2024, evidence, 2, 8, tmp_path)
    ensemble_of(li2024, evidence, 3, 8, tmp_path)
    other = replace(evidence, checksums={**evidence.checksums, "cox.csv": "0" * 64})
    ensemble_of(li2024, other, 3, 8, tmp_path)
    assert drawn == [(2, 7), (2, 8), (3, 8), (3, 8)]
    assert ensemble_mark(li2024, other, 3, 8) != ensemble_mark(li2024, evidence, 3, 8)


def test_cohorts_that_come_after_others_are_another_ensemble(li2024, evidence, drawn, tmp_path):
    ensemble_of(li2024, evidence, 2, 7, tmp_path)
    for _ in range(2):
        further = ensemble_of(li2024, evidence, 2, 7, tmp_path, first=3)
        assert further.patients["cohort"].unique().tolist() == [3, 4]
    assert drawn == [(2, 7), (2, 7)]


@pytest.mark.parametrize("name", ["cohorts.parquet", "modalities.parquet", "reconstruction.csv"])
def test_a_damaged_or_missing_file_is_made_again(li2024, evidence, drawn, tmp_path, name):
    ensemble_of(li2024, evidence, 1, 7, tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-9])
    ensemble_of(li2024, evidence, 1, 7, tmp_path)
    (tmp_path / name).unlink()
    ensemble_of(li2024, evidence, 1, 7, tmp_path)
    assert len(drawn) == 3


def test_the_cohorts_are_plain_parquet(li2024, evidence, drawn, tmp_path):
    made = ensemble_of(li2024, evidence, 2, 7, tmp_path)
    columns = pq.read_table(tmp_path / "cohorts.parquet").to_pandas()
    pd.testing.assert_frame_equal(columns, made.patients)


def test_curves_are_kaplan_meier_by_phase_and_arm(li2024, evidence, drawn, tmp_path):
    curves = ensemble_curves(ensemble_of(li2024, evidence, 1, 7, tmp_path).patients)
    treated = curves[(curves["phase"] == "before") & (curves["arm"] == "treated")]
    at = treated["time"].to_numpy()
    # deaths at 0.3 and 3.0 of two
    expected = np.where(at < 0.1 + 0.2, 1.0, np.where(at < 3.0, 0.5, 0.0))
    assert treated["survival"].to_numpy() == pytest.approx(expected)
    assert curves.loc[(curves["phase"] == "after") & (curves["arm"] == "control"), "time"].max() <= 1.0


def test_printed_points_are_probabilities_with_their_medians(evidence):
    points = printed_points(evidence)
    assert len(points) == 16
    assert points["survival"].between(0, 1).all()
    row = points[(points["kind"] == "median") & (points["phase"] == "before") & (points["arm"] == "treated")]
    assert row[["time", "lower", "upper"]].to_numpy().tolist() == [[51.7, 48.8, 63.8]]


def test_spread_counts_deaths_and_tests_each_cohort(li2024):
    """Two cohorts whose covariates go together in one and apart in the other."""
    rows = np.arange(40)
    columns = {name: np.array(one.levels)[rows % len(one.levels)] for name, one in li2024.covariates.items()}
    one = pd.DataFrame(
        {
            "cohort": 1,
            "patient": rows + 1,
            "treatment": rows % 2,
            "matched": rows < 20,
            "time": rows + 1.0,
            "event": 1,
        }
        | columns
    )
    other = one.assign(cohort=2, event=(rows % 4 > 0) * 1, bone=one["bone"].map({"0": "1", "1": "0"}))
    modalities = pd.DataFrame(
        {"cohort": [1, 1, 2], "patient": [2, 4, 2], "rt_modality": ["IMRT", "IMRT", "SBRT"]}
    )
    table = ensemble_spread(li2024, pd.concat([one, other]), modalities)
    spread = table.set_index(["panel", "quantity", "cohort"])["value"].sort_index()
    assert spread["deaths", "Radiotherapy, before matching"].tolist() == [20, 20]
    assert spread["deaths", "No radiotherapy, before matching"].tolist() == [20, 10]
    assert spread["size of group", "IMRT"].tolist() == [2]
    assert spread["correlation", "Age, Bone metastasis"].tolist() == pytest.approx([1, -1])
    assert 0 < spread["hazard ratio of treatment", "before matching", 1] < 2
