"""Curves of subgroups: pseudo-patients have the published curve of the whole arm and those of its subgroups."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from data.published.evidence import Evidence
from data.published.evidence_names import Arms, EvidenceNames
from data.published.evidence_rows import LevelCount, SurvivalNumber
from data.published.printed import printed
from data.published.publish import axis_end, publish_curve
from data.published.reconstruction.cohorts import draw_cohort, first_state, plan_of
from data.published.reconstruction.published_arms import nearest
from data.published.reconstruction.target import CURVE
from data.study.study import parse_study

STUDY = """
name = "trial"
title = "A published trial"
time_unit = "months"
cohort = {source = "reconstruction"}
treatment = {treated = "1"}
propensity = {formula = "stage"}
outcome = {formula = "stage"}
[covariates]
stage = {levels = ["I", "II", "III"]}
"""
SHARES = (0.4, 0.35, 0.25)
SIZE = 120


@pytest.fixture(scope="module")
def patients():
    """Hazards of the stages are 1 to 2.5; loss after 20 months."""
    draws = np.random.default_rng(1)
    first, stage = np.arange(SIZE) < SIZE // 2, draws.choice(3, SIZE, p=SHARES)
    died = 18 * draws.weibull(1.3, SIZE) * np.where(first, 1.4, 1.0) / np.array([1.0, 1.5, 2.5])[stage]
    left = np.minimum(draws.uniform(20, 56, SIZE), draws.exponential(400, SIZE))
    return np.round(np.minimum(died, left), 2) + 0.01, died <= left, first, stage


def publication(patients, printed_stages):
    """Curves of both arms, and of some stages, with risk tables; Table 1."""
    time, event, first, stage = patients
    curves, counts, sizes = [], [], []
    for arm, inside in (("treated", first), ("control", ~first)):
        size = int(inside.sum())
        sizes.append(SurvivalNumber(arm, "before", "n", None, printed(str(size))))
        for level, name in enumerate(("I", "II", "III")):
            count = int((inside & (stage == level)).sum())
            row = ("Stage", name, False, "stage", name, arm, "before", size, count, None, None, "", "")
            counts.append(LevelCount(*row))
        stages = [
            (f"os of {one}", f"stage={one}", inside & (stage == len(one) - 1)) for one in printed_stages
        ]
        for name, subgroup, who in (("os", "", inside), *stages):
            curve = publish_curve(time[who], event[who], curve=name, arm=arm, axis=axis_end(time.max()))
            curves.append(dataclasses.replace(curve, subgroup=subgroup))
    names = EvidenceNames(sha256={}, arms=Arms(treated="first", control="second"), variables={})
    return parse_study(STUDY, "study.toml"), Evidence(
        study="trial", folder=Path("evidence"), names=names, counts=tuple(counts), survival=tuple(sizes), facts=(), cox=(),
        subgroups=(), review=(), trials=(), checksums={}, curves=tuple(curves),
    )  # fmt: skip


def test_an_arm_is_made_around_its_subgroups(patients):
    """Before any move of the chain, deaths of stage III and of the whole arm are where they were, to two pixels."""
    plan = plan_of(*publication(patients, ["III"]))
    state = first_state(plan, np.random.default_rng(1))
    time, event, first, stage = patients
    pixel = plan.evidence.curves[0].time_resolution
    of_arm = plan.strata.treated[plan.strata.of_patient]
    for arm, made in ((first, of_arm), (~first, ~of_arm)):
        for own, found in ((arm, made), (arm & (stage == 2), made & (state.covariates.levels[:, 0] == 2))):
            deaths, there = np.sort(time[own & event]), np.sort(state.time[found & (state.event == 1)])
            assert abs(len(deaths) - len(there)) <= 2
            assert np.median([np.abs(there - death).min() for death in deaths]) < pixel
            assert np.quantile([np.abs(there - death).min() for death in deaths], 0.9) < 2 * pixel


@pytest.mark.long
def test_a_curve_of_a_subgroup_is_met_beside_that_of_the_arm(patients):
    """All but a few points are within their tolerance, and none is a step of the subgroup away; stage III has its own hazard."""
    plan = plan_of(*publication(patients, ["III"]))
    cohort = draw_cohort(plan, 1, 1)
    time, event, first, stage = patients
    pairs = list(zip(plan.targets, cohort.values, strict=True))
    assert len({target.of for target in plan.targets}) == 4
    assert np.mean([abs(target.deviation(value)) <= 1 for target, value in pairs]) > 0.97
    step = 1 / (stage == 2)[first].sum()
    assert max(abs(value - target.printed) for target, value in pairs if target.family == CURVE) < step
    for arm in (first, ~first):
        of_arm = plan.strata.treated[plan.strata.of_patient] == first[arm][0]
        found, own = of_arm & (cohort.covariates[:, 0] == 2), arm & (stage == 2)
        rate = cohort.event[found].sum() / cohort.time[found].sum()
        assert rate == pytest.approx(event[own].sum() / time[own].sum(), rel=0.05)
        assert rate > 1.2 * event[arm].sum() / time[arm].sum()


def test_those_nearest_in_time_are_chosen_deaths_before_losses():
    others, died = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([1, 0, 1, 0, 1])
    chosen = nearest(np.array([2.9, 3.9, 4.8]), np.array([1, 0, 1]), others, died)
    assert list(chosen) == [2, 3, 4]
    # four deaths are wanted and three are there: the fourth becomes the loss that is nearest
    chosen = nearest(np.array([1.0, 3.0, 5.0, 4.4]), np.array([1, 1, 1, 1]), others, died)
    assert list(chosen) == [0, 2, 4, 3]
