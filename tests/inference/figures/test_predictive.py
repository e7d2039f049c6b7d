"""Replicated cohorts with the observed one among them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from inference.diagnostics.checks.predictive import two_sided_probability
from inference.predictive.replicates.split_statistics import split_statistics
from inference.report.figures.predictive_split import (
    predictive_split_figure,
    predictive_split_statistics_figure,
)
from inference.report.figures.predictive_statistics import predictive_statistics_figure
from inference.report.figures.predictive_survival import predictive_survival_figure
from inference.report.figures.risk_table import Followed
from inference.report.figures.style import OBSERVED

LABELS = ("days", "Hormonal therapy", "No hormonal therapy")


def test_curves_are_quantiles_of_the_replicates_and_the_cohorts_own(replicated, gbsg2, assert_inside):
    replicates, observed = replicated
    figure = predictive_survival_figure(replicates, observed, gbsg2.followed, *LABELS)
    panels, tables = figure.axes[:2], figure.axes[2:]
    assert [axes.get_title(loc="left") for axes in panels] == list(LABELS[1:])
    for axes, table, arm in zip(panels, tables, ("treated", "control"), strict=True):
        counted = gbsg2.followed[arm].until(list(axes.get_xticks()))
        assert [text.get_text() for text in table.texts] == [str(n) for own in counted.values() for n in own]
        follow_up = float(observed["follow_up"].isel(replicate=0).sel(arm=arm))
        own = next(line for line in axes.lines if line.get_color() == OBSERVED)
        assert own.get_xdata()[-1] <= follow_up
        expected = observed["kaplan_meier"].isel(replicate=0).sel(arm=arm).to_numpy()
        assert_allclose(own.get_ydata(), expected[: len(own.get_ydata())])
        band = axes.collections[0].get_paths()[0].vertices
        last = len(own.get_xdata()) - 1
        lowest = np.quantile(replicates["kaplan_meier"].sel(arm=arm)[:, last], 0.025)
        assert_allclose(band[:, 1].min(), lowest)
        assert axes.get_xlabel() == "Time (days)"
    assert_inside(figure)


def test_every_statistic_has_its_value_and_probability(replicated, texts, assert_inside):
    replicates, observed = replicated
    figure = predictive_statistics_figure(replicates, observed, *LABELS)
    shown = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}
    assert len(shown) == 3 + 2 * (2 + observed.sizes["time"])
    axes = shown["Cox hazard ratio\nunadjusted"]
    value = float(np.exp(observed["cox_unadjusted"][0]))
    assert list(axes.lines[0].get_xdata()) == [value, value]
    p = two_sided_probability(np.exp(replicates["cox_unadjusted"].to_numpy()), value)
    assert axes.get_xlabel() == f"cohort {value:.3f}, p = {p:.2f}"
    assert axes.patches[0].get_data().values.sum() == replicates.sizes["replicate"]
    assert shown["Events\nHormonal therapy"].get_xlabel().startswith("cohort 94, ")
    assert "Survival at 365 days\nNo hormonal therapy" in shown
    assert_inside(figure)


@pytest.mark.parametrize("seen", [2018.0, np.inf])
def test_medians_that_are_not_reached_have_a_bar_of_their_own(replicated, seen, texts, assert_inside):
    replicates, observed = (dataset.copy(deep=True) for dataset in replicated)
    replicates["median"][:20, 1] = np.inf
    observed["median"][0, 1] = seen
    figure = predictive_statistics_figure(replicates, observed, *LABELS)
    axes = next(one for one in figure.axes if one.get_title(loc="left") == "Median (days)\nHormonal therapy")
    assert np.isfinite(axes.get_xlim()).all()
    bar = axes.patches[-1]
    assert bar.get_height() >= 20
    at = axes.lines[-1].get_xdata()[0]
    assert np.isclose(at, bar.get_x() + bar.get_width() / 2) if np.isinf(seen) else at == seen
    assert "not reached" in texts(figure)
    assert_inside(figure)


def test_statistics_without_estimate_do_not_fail(replicated, assert_inside):
    replicates, observed = (dataset.copy(deep=True) for dataset in replicated)
    replicates["cox_adjusted"][:] = np.nan
    observed["cox_adjusted"][:] = np.nan
    replicates["median"][:], observed["median"][:] = np.inf, np.inf
    assert_inside(predictive_statistics_figure(replicates, observed, *LABELS))


def test_long_labels_stay_inside(replicated, gbsg2, long_label, assert_inside):
    labels = ("months", long_label, f"No {long_label}")
    assert_inside(predictive_statistics_figure(*replicated, *labels))
    assert_inside(predictive_survival_figure(*replicated, gbsg2.followed, *labels))


def test_a_start_during_follow_up_shows_survival_of_all_and_events_by_state(assert_inside):
    rng = np.random.default_rng(4)
    event, entry, design = rng.random((30, 80)) < 0.7, np.zeros(80), rng.normal(size=(80, 1))
    time = rng.exponential(20.0, (30, 80)) + 0.1
    start = rng.exponential(20.0, (30, 80))
    start[start >= time] = np.nan
    times, grid = [6.0, 24.0], np.linspace(0, 60, 61)
    replicates = split_statistics(time, event, start, entry, design, times, grid, [12.0])
    observed = split_statistics(time[0], event[0], start[0], entry, design, times, grid, [12.0])
    everybody = Followed(entry, time[0], event[0])
    followed = {"all": everybody, "untreated": everybody, "treated": everybody}
    figure = predictive_split_figure(replicates, observed, followed, "months")
    survival, untreated, treated = figure.axes[:3]
    for axes, own in (
        (survival, observed["kaplan_meier"][0]),
        (untreated, observed["cumulative_events"][0, 0]),
        (treated, observed["cumulative_events"][0, 1]),
    ):
        line = next(one for one in axes.lines if one.get_color() == OBSERVED)
        assert_allclose(line.get_ydata(), own[: len(line.get_ydata())])
    band = treated.collections[0].get_paths()[0].vertices
    last = len(treated.lines[0].get_xdata()) - 1
    highest = np.quantile(replicates["cumulative_events"].sel(state="treated")[:, last], 0.975)
    assert_allclose(band[:, 1].max(), highest)
    assert_inside(figure)
    numbers = predictive_split_statistics_figure(replicates, observed, "months")
    shown = {axes.get_title(loc="left"): axes for axes in numbers.axes if axes.get_title(loc="left")}
    assert shown["Events\nunder treatment"].lines[0].get_xdata()[0] == observed["events"][0, 1]
    assert shown["Patients who\nbegin treatment"].lines[0].get_xdata()[0] == (~np.isnan(start[0])).sum()
    assert_inside(numbers)
