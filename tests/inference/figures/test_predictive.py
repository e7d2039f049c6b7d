"""Replicated cohorts with the observed one among them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from inference.checks.predictive import two_sided_probability
from inference.figures.predictive_statistics import predictive_statistics_figure
from inference.figures.predictive_survival import predictive_survival_figure
from inference.figures.style import OBSERVED

LABELS = ("days", "Hormonal therapy", "No hormonal therapy")


def test_curves_are_quantiles_of_the_replicates_and_the_cohorts_own(replicated, assert_inside):
    replicates, observed = replicated
    figure = predictive_survival_figure(replicates, observed, *LABELS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(LABELS[1:])
    for axes, arm in zip(figure.axes, ("treated", "control"), strict=True):
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


def test_long_labels_stay_inside(replicated, long_label, assert_inside):
    assert_inside(predictive_statistics_figure(*replicated, "months", long_label, f"No {long_label}"))
    assert_inside(predictive_survival_figure(*replicated, "months", long_label, f"No {long_label}"))
