"""The adjusted effect under several assumptions is Cox's, pooled by Rubin's rules; unbalanced covariates without a printed effect are named."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from data.published.evidence import load_evidence
from data.published.reconstruction import LOOSE, STATED, reconstruct
from data.study.study import load_study
from inference.published import unprinted
from inference.published.unprinted import (
    IMBALANCE,
    adjusted_effects,
    assumption_table,
    looser_assumptions,
    unprinted_checks,
)


@pytest.fixture(scope="module")
def li2024():
    return load_study("li2024")


@pytest.fixture(scope="module")
def evidence(li2024):
    return load_evidence(li2024)


@pytest.fixture(scope="module")
def patients(li2024, evidence):
    return reconstruct(li2024, evidence, 2, 5, workers=1).patients


def test_adjusted_effects_are_those_of_lifelines(li2024, patients):
    found = adjusted_effects(li2024, patients).set_index("cohort")
    for number, rows in patients.groupby("cohort"):
        dummies = pd.get_dummies(rows[list(li2024.covariates)].astype(str), drop_first=False, dtype=float)
        reference = [f"{name}_{one.levels[0]}" for name, one in li2024.covariates.items()]
        table = dummies.drop(columns=reference).assign(
            treatment=rows["treatment"], time=rows["time"], event=rows["event"]
        )
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
    assert set(checks) == {
        "pathology",
        "chemotherapy",
        "hormone_therapy",
        "targeted_therapy",
        "other_site",
    }
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
