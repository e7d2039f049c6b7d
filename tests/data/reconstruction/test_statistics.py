"""The compiled statistics are those of lifelines, on random lifetimes and without the optimiser."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import logrank_test, multivariate_logrank_test

from data.published.reconstruction.arrays import (
    HAZARD_RATIO,
    LOG_RANK,
    LOG_RATIO_ERROR,
    MEDIAN,
    MEDIAN_ERROR,
    OVERALL,
    SURVIVAL,
)
from data.published.reconstruction.covariates import draw_covariates
from data.published.reconstruction.layout import layout_of, membership_of
from data.published.reconstruction.margins import strata_of
from data.published.reconstruction.modalities import group_statistics
from data.published.reconstruction.statistics import evaluate, misfit
from data.published.reconstruction.target import CoxFit, Group, Target, Term
from data.published.reconstruction.targets import targets_of


@pytest.fixture(scope="module", params=[1, 2, 3])
def drawn(request, li2024, evidence):
    """Random lifetimes of pseudo-patients, and every steered statistic of them."""
    draws = np.random.default_rng(request.param)
    strata = strata_of(li2024, evidence)
    levels = draw_covariates(li2024, evidence.names.constraints, strata, draws).levels
    size = len(levels)
    death, end = draws.exponential(45, size), draws.uniform(5, 120, size)
    time, event = np.minimum(death, end), (death <= end).astype(np.int64)
    frame = pd.DataFrame(levels, columns=list(li2024.covariates))
    frame["treatment"] = strata.treated[strata.of_patient]
    frame["matched"] = strata.matched[strata.of_patient]
    return frame.assign(time=time, event=event), strata, levels


def computed(targets, study, drawn):
    frame, strata, levels = drawn
    time, event = frame["time"].to_numpy(), frame["event"].to_numpy()
    values = np.zeros(len(targets))
    layout, member = layout_of(targets, list(study.covariates)), membership_of(targets, study, strata, levels)
    evaluate(np.argsort(time), time, event, layout, member, values)
    return values


def members(frame, group):
    inside = frame if group.phase == "before" else frame[frame["matched"]]
    if group.arm:
        inside = inside[inside["treatment"] == (group.arm == "treated")]
    return inside[inside[group.column] == 1] if group.column else inside


def curve(rows, reverse=False):
    return KaplanMeierFitter().fit(rows["time"], rows["event"] != reverse)


def test_curves_are_those_of_lifelines(li2024, evidence, drawn):
    targets = targets_of(li2024, evidence)
    values = computed(targets, li2024, drawn)
    seen = set()
    for target, value in zip(targets, values, strict=True):
        if target.kind in (SURVIVAL, MEDIAN):
            fitted = curve(members(drawn[0], target.of), target.of.reverse)
            expected = fitted.median_survival_time_ if target.kind == MEDIAN else fitted.predict(target.time)
            assert value == pytest.approx(expected, rel=1e-9), target.name
            seen.add((target.kind, target.of.reverse, bool(target.of.column)))
    assert len(seen) == 4


def test_log_rank_deviates_are_those_of_lifelines(li2024, evidence, drawn):
    targets = targets_of(li2024, evidence)
    values = computed(targets, li2024, drawn)
    pairs = zip(targets, values, strict=True)
    tests = [(target, value) for target, value in pairs if target.kind == LOG_RANK]
    assert len(tests) == 6
    for target, value in tests:
        one, other = (members(drawn[0], group) for group in target.of)
        expected = logrank_test(one["time"], other["time"], one["event"], other["event"])
        assert value**2 == pytest.approx(expected.test_statistic, rel=1e-8), target.name
        assert target.value(value) == pytest.approx(expected.p_value, rel=1e-6)


def test_the_error_of_a_median_is_spss_s_formula(li2024, evidence, drawn):
    targets = targets_of(li2024, evidence)
    for target, value in zip(targets, computed(targets, li2024, drawn), strict=True):
        if target.kind != MEDIAN_ERROR:
            continue
        rows = members(drawn[0], target.of)
        died = rows["event"] != target.of.reverse
        fitted = KaplanMeierFitter().fit(rows["time"], died)
        steps = fitted.survival_function_["KM_estimate"]
        steps = steps[steps.index.isin(rows.loc[died, "time"])]
        high, low = steps[steps >= 0.55], steps[steps <= 0.45]
        slope = (high.iloc[-1] - low.iloc[0]) / (low.index[0] - high.index[-1])
        median = fitted.median_survival_time_
        table = fitted.event_table.loc[:median]
        greenwood = (table["observed"] / (table["at_risk"] * (table["at_risk"] - table["observed"]))).sum()
        assert value == pytest.approx(steps[median] * np.sqrt(greenwood) / slope, rel=1e-8), target.name


def test_cox_rows_are_those_of_lifelines_near_the_printed(li2024, drawn):
    """One Newton step from a value near the estimate is the estimate; errors and the overall test come with it."""
    frame = drawn[0]
    columns = {"t_stage": ("T2", "T3", "T4"), "brain": ("1",), "treatment": ("1",)}
    for names, phase in (
        (("t_stage",), "after"),
        (("brain", "treatment"), "before"),
        (("treatment",), "after"),
    ):
        rows = frame if phase == "before" else frame[frame["matched"]]
        wanted = [(name, level) for name in names for level in columns[name]]
        numbers = {(name, level): int(level.lstrip("T")) - (name == "t_stage") for name, level in wanted}
        design = pd.DataFrame(
            {f"{name}{level}": (rows[name] == at) * 1.0 for (name, level), at in numbers.items()}
        )
        fitted = CoxPHFitter().fit(design.assign(time=rows["time"], event=rows["event"]), "time", "event")
        near = fitted.params_.to_numpy() + 0.01
        terms = [Term(name, (level,), at) for (name, level), at in zip(wanted, near, strict=True)]
        fit = CoxFit(phase, tuple(terms))
        blank = Target("", "", 0.0, 1.0, "=", 0, fit, None, 0.0, 1.0)
        count, targets = len(wanted), ()
        for kind in (HAZARD_RATIO, LOG_RATIO_ERROR):
            targets += tuple(replace(blank, kind=kind, of=(fit, place)) for place in range(count))
        targets += (replace(blank, kind=OVERALL),)
        values = computed(targets, li2024, drawn)
        assert np.log(values[:count]) == pytest.approx(fitted.params_.to_numpy(), abs=2e-4)
        assert values[count : 2 * count] == pytest.approx(fitted.standard_errors_.to_numpy(), rel=5e-3)
        estimate = fitted.params_.to_numpy()
        overall = estimate @ np.linalg.inv(fitted.variance_matrix_.to_numpy()) @ estimate
        assert values[-1] == pytest.approx(overall, rel=0.02, abs=0.02)


def test_groups_without_sizes_are_tested_as_lifelines_does(drawn):
    rows = drawn[0].sort_values("time")
    label = np.random.default_rng(8).integers(0, 3, len(rows))
    values = np.zeros(4)
    group_statistics(label, rows["time"].to_numpy(), rows["event"].to_numpy(), values)
    expected = multivariate_logrank_test(rows["time"], label, rows["event"])
    assert values[3] == pytest.approx(expected.test_statistic, rel=1e-8)
    for group in range(3):
        assert values[group] == pytest.approx(curve(rows[label == group]).median_survival_time_)


def test_misfit_counts_a_bound_on_one_side_only():
    group = Group("before", "treated")
    one = Target("a", "", 5.0, 1.0, "=", MEDIAN, group, None, 5.0, 0.5)
    bound = Target("b", "", 3.0, 1.0, "<", MEDIAN, group, None, 3.0, 0.5)
    layout = layout_of((one, bound), [])
    assert misfit(np.array([6.0, 9.0]), layout) == pytest.approx(2.0)
    assert misfit(np.array([5.0, 2.0]), layout) == pytest.approx(2.0)
