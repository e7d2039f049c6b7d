"""Pseudo-cohorts: kept while everything that decides them is the same; and what the covariates that are not printed may do."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from lifelines import CoxPHFitter

import inference.published.cohort_cache
from data.published.reconstruction import LOOSE, STATED, Reconstruction, reconstruct
from inference.published import unprinted
from inference.published.cohort_cache import ensemble_mark, ensemble_of
from inference.published.cohort_differences import ensemble_curves, ensemble_spread, printed_points
from inference.published.unprinted import (
    IMBALANCE,
    adjusted_effects,
    assumption_table,
    looser_assumptions,
    unprinted_checks,
)


@pytest.fixture
def drawn(monkeypatch):
    """Stand-in for the reconstruction, which takes seconds: a known table, and how often it was asked for."""
    asked = []

    def reconstruct(study, evidence, cohorts, seed, done=None, first=1, executor=None):
        asked.append((cohorts, seed))
        rows = [
            (number, *row)
            for number in range(first, first + cohorts)
            for row in (
                (1, 0, 1, 1.0, 1, "0"),
                (2, 0, 0, 2.5, 0, "1"),
                (3, 1, 1, 3.0, 1, "0"),
                (4, 1, 0, 0.1 + 0.2, 1, "1"),
            )
        ]
        columns = ["cohort", "patient", "treatment", "matched", "time", "event", "brain"]
        patients = pd.DataFrame(rows, columns=columns)
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
    one = pd.DataFrame(columns).assign(cohort=1, patient=rows + 1, treatment=rows % 2, matched=rows < 20)
    one = one.assign(time=rows + 1.0, event=1)
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


@pytest.fixture(scope="module")
def patients(li2024, evidence):
    return reconstruct(li2024, evidence, 2, 5, workers=1).patients


def test_adjusted_effects_are_those_of_lifelines(li2024, patients):
    found = adjusted_effects(li2024, patients).set_index("cohort")
    for number, rows in patients.groupby("cohort"):
        dummies = pd.get_dummies(rows[list(li2024.covariates)].astype(str), drop_first=False, dtype=float)
        reference = [f"{name}_{one.levels[0]}" for name, one in li2024.covariates.items()]
        table = dummies.drop(columns=reference).join(rows[["treatment", "time", "event"]])
        fitted = CoxPHFitter().fit(table, "time", "event")
        row = found.loc[number]
        assert row["log_hazard_ratio"] == pytest.approx(fitted.params_["treatment"], abs=1e-4)
        assert row["variance"] == pytest.approx(fitted.standard_errors_["treatment"] ** 2, rel=1e-3)


def test_assumptions_are_pooled_by_rubins_rules(li2024, patients):
    effects = adjusted_effects(li2024, patients)
    table = assumption_table(li2024, {STATED: patients, LOOSE: patients})
    within, between = effects["variance"].mean(), effects["log_hazard_ratio"].var(ddof=1)
    for row, assumptions in zip(table.to_dict("records"), (STATED, LOOSE), strict=True):
        assert row["effect_sd"] == assumptions.effect_sd
        assert row["log_hazard_ratio"] == pytest.approx(effects["log_hazard_ratio"].mean())
        missing = 1.5 * between / (within + 1.5 * between)
        assert row["fraction_of_missing_information"] == pytest.approx(missing)


def test_the_looser_reconstruction_stands_beside_the_main_one(li2024, evidence, patients, monkeypatch):
    """Its effects are those of cohorts that were reconstructed under looser assumptions."""
    loose = patients.assign(time=patients["time"] * np.where(patients["treatment"] == 1, 1.5, 1.0))
    drawn = []

    def reconstructed(study, evidence, *args, **kwargs):
        drawn.append((*args, *kwargs.items()))
        return SimpleNamespace(patients=loose)

    monkeypatch.setattr(unprinted, "reconstruct", reconstructed)
    table = looser_assumptions.function(li2024, evidence, patients, 2, 5)
    assert drawn == [(2, 5, ("workers", 1), ("assumptions", LOOSE))]
    expected = [adjusted_effects(li2024, one)["log_hazard_ratio"].mean() for one in (patients, loose)]
    assert table["log_hazard_ratio"].to_list() == pytest.approx(expected)
    assert table["loading_sd"].to_list() == [STATED.loading_sd, LOOSE.loading_sd]


def test_covariates_without_a_printed_effect_are_held_against_the_limit(li2024, evidence):
    """Proportions of Table 1, computed here from its rows."""
    checks = {check.name.split("of ")[1].split(",")[0]: check for check in unprinted_checks(li2024, evidence)}
    therapies = {"chemotherapy", "hormone_therapy", "targeted_therapy"}
    assert set(checks) == therapies | {"pathology", "other_site"}
    for name, check in checks.items():
        shares = {}
        for row in evidence.counts:
            if row.column == name and row.phase == "before":
                shares.setdefault(row.value, {})[row.arm] = row.count / row.size
        differences = [
            abs(one["treated"] - one["control"])
            / np.sqrt(sum(share * (1 - share) for share in one.values()) / 2)
            for one in shares.values()
        ]
        assert check.value == pytest.approx(max(differences))
        assert check.status == ("pass" if max(differences) <= IMBALANCE else "warn")


def test_an_unbalanced_covariate_is_warned_of_unless_its_effect_is_printed(li2024, evidence):
    """Brain metastasis is unbalanced and printed; without its rows of the Cox table it is one to doubt."""
    without = replace(evidence, cox=tuple(row for row in evidence.cox if row.variable != "Brain metastasis"))
    before = [check for check in unprinted_checks(li2024, evidence) if "brain" in check.name]
    after = [check for check in unprinted_checks(li2024, without) if "brain" in check.name]
    assert before == []
    assert [check.status for check in after] == ["warn"]
    one, other = 92 / 207, 49 / 281
    expected = (one - other) / np.sqrt((one * (1 - one) + other * (1 - other)) / 2)
    assert after[0].value == pytest.approx(expected)
    assert after[0].value > IMBALANCE
