"""What kinds of evidence are worth: what is taken out, Rubin's rules, and cohorts that differ more without numbers at risk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data.published.evidence import load_evidence
from data.published.reconstruction import reconstruct
from data.study.study import load_study
from inference.benchmark.trials import Reading, Trial, publication_of
from inference.published.cohort_differences import cohort_curves, curve_readings
from inference.published.evidence_worth import (
    ADJUSTED,
    COX_ROWS,
    CURVES,
    KINDS,
    MEAN,
    RISK_TABLE,
    TABLE_1,
    TEXT,
    UNADJUSTED,
    effects_without,
    kinds_printed,
    pooled_effects,
    without,
)
from inference.published.patients import patients_of

HORIZON = 24.0


@pytest.fixture(scope="module")
def published():
    study = load_study("gbsg2_published")
    return study, load_evidence(study)


@pytest.fixture(scope="module")
def trial():
    """Two arms of 600, of whom half are lost: a step of their curves is less than a pixel, so that it does not show how many are at risk."""
    draws = np.random.default_rng(2)
    first = np.arange(1200) < 600
    died = draws.exponential(np.where(first, 40.0, 25.0))
    left = draws.exponential(20.0, 1200)
    return Trial("simulated", "months", np.round(np.minimum(died, left), 2) + 0.01, died <= left, first)


def test_each_kind_is_taken_out_and_the_others_stay(published):
    study, evidence = published
    assert kinds_printed(evidence) == KINDS
    left = {kind: without(study, evidence, kind) for kind in KINDS}
    assert left[CURVES][1].curves == ()
    assert all(not len(curve.at_risk) and len(curve.time) for curve in left[RISK_TABLE][1].curves)
    assert left[COX_ROWS][1].cox == ()
    assert {row.quantity for row in left[TEXT][1].survival} == {"n", "deaths"}
    bare, without_table = left[TABLE_1]
    assert (dict(bare.covariates), bare.outcome.formula, without_table.counts, without_table.cox) == (
        {},
        "1",
        (),
        (),
    )
    for _, one in left.values():
        assert [one.size(arm, "before") for arm in ("treated", "control")] == [246, 440]


def test_no_kind_counts_where_no_curve_is_printed():
    assert kinds_printed(load_evidence(load_study("li2024"))) == ()


def test_without_numbers_at_risk_cohorts_differ_more(trial):
    study, evidence = publication_of(trial, Reading(True))
    assert kinds_printed(evidence) == (CURVES, RISK_TABLE)
    whole = pooled_effects(study, reconstruct(study, evidence, 4, 1, workers=1).patients, HORIZON).set_index(
        "quantity"
    )
    less = effects_without.function(study, evidence, RISK_TABLE, HORIZON, 4, 1).set_index("quantity")
    assert list(whole.index) == [UNADJUSTED, MEAN]
    assert ADJUSTED not in whole.index
    missing = "fraction_of_missing_information"
    assert less.loc[UNADJUSTED, missing] > 2 * whole.loc[UNADJUSTED, missing]
    # the restricted mean is read off the curve itself
    assert max(less.loc[MEAN, missing], whole.loc[MEAN, missing]) < 0.01
    refused = effects_without.function(study, evidence, CURVES, HORIZON, 4, 1)
    assert refused["quantity"].tolist() == [""]
    assert refused["problem"].iloc[0]


def test_readings_are_compared_with_the_curve_of_every_cohort(trial):
    _, evidence = publication_of(trial, Reading(True))
    patients = pd.DataFrame(
        {
            "cohort": 1,
            "treatment": trial.first.astype(int),
            "matched": 0,
            "time": trial.time,
            "event": trial.event,
        }
    )
    found = curve_readings(evidence, patients)
    # the patients' own curve, rounded to a pixel, is at most half a pixel off
    assert found["off"].abs().max() <= 0.5 + 1e-9
    moved = tuple(
        replace(one, survival=one.survival + 3 * one.survival_resolution) for one in evidence.curves
    )
    off = curve_readings(replace(evidence, curves=moved), patients)["off"]
    # but where the curve falls within the pixel, and so meets any reading
    assert ((off + 3).abs() <= 0.5 + 1e-9).mean() > 0.8
    assert off.max() <= 1e-9
    drawn = cohort_curves(evidence, patients)
    assert drawn.groupby("arm")["survival"].max().tolist() == [1.0, 1.0]


def test_the_patients_whom_a_reconstruction_stands_for_are_those_of_the_named_study(published):
    study, cohort = patients_of(published[0])
    assert (study.name, cohort.size, cohort.events) == ("gbsg2", 686, 299)
    assert patients_of(load_study("li2024")) is None
