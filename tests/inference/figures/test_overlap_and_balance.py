"""Propensities by arm, and the love plot."""

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose

from inference.frequentist.balance import effective_sample_size, iptw_weights, standardised_differences
from inference.report.figures.balance import balance_figure
from inference.report.figures.balance_by_adjustment import balance_by_adjustment_figure
from inference.report.figures.overlap import overlap_figure
from inference.report.figures.style import one_column


def propensities():
    rng = np.random.default_rng(5)
    propensity = rng.beta(2, 3, 500)
    return propensity, rng.random(500) < propensity


def test_mirrored_counts_common_range_and_effective_sizes(texts, assert_inside):
    propensity, treatment = propensities()
    figure = overlap_figure(propensity, treatment, "Radiotherapy", "None", bins=20)
    axes = figure.axes[0]
    above, below, shade = axes.patches
    assert_allclose(above.get_data().values, np.histogram(propensity[treatment], 20, (0, 1))[0])
    assert_allclose(below.get_data().values, -np.histogram(propensity[~treatment], 20, (0, 1))[0])
    common = (
        max(propensity[treatment].min(), propensity[~treatment].min()),
        min(propensity[treatment].max(), propensity[~treatment].max()),
    )
    assert_allclose((shade.get_x(), shade.get_x() + shade.get_width()), common)
    size = effective_sample_size(iptw_weights(propensity, treatment)[treatment])
    printed = " ".join(texts(figure)).replace("\n", " ")
    assert f"Radiotherapy: {treatment.sum()} patients" in printed
    assert f"{size:.0f} with inverse-probability" in printed
    assert "-" not in "".join(tick.get_text() for tick in axes.get_yticklabels())
    assert_inside(figure)


def test_probabilities_of_zero_and_one_and_no_common_range(long_label, assert_inside):
    treatment = np.repeat([True, False], 20)
    figure = overlap_figure(np.where(treatment, 1.0, 0.0), treatment, long_label, f"No {long_label}")
    assert len(figure.axes[0].patches) == 2, "nothing is shaded"
    assert_inside(figure)


def test_love_plot_holds_the_table_and_a_line_at_a_tenth(gbsg2, texts, assert_inside):
    cohort = gbsg2.cohort
    weights = np.random.default_rng(1).random(cohort.size)
    table = standardised_differences(cohort.propensity, cohort.treatment, weights)
    figure = balance_figure(table, "weighted")
    axes = figure.axes[0]
    before, after = axes.lines[:2]
    order = [list(table["term"]).index(tick.get_text()) for tick in axes.get_yticklabels()]
    assert_allclose(before.get_xdata(), table["difference_before"].abs()[order])
    assert_allclose(after.get_xdata(), table["difference_after"].abs()[order])
    assert np.all(np.diff(before.get_xdata()) <= 0)
    assert [0.1, 0.1] in [list(line.get_xdata()) for line in axes.lines]
    assert {"before", "weighted"} <= set(texts(figure))
    assert_inside(figure)


def test_infinite_and_missing_differences(texts, long_label, assert_inside):
    table = pd.DataFrame(
        {"term": ["a", long_label], "difference_before": [-np.inf, 0.05], "difference_after": [np.nan] * 2}
    )
    figure = balance_figure(table)
    markers = [line.get_marker() for line in figure.axes[0].lines]
    assert markers.count(">") == 1
    assert "after weighting" not in texts(figure), "nothing was weighted"
    assert_inside(figure)


def test_in_one_column_long_terms_leave_room_for_the_differences(assert_inside):
    terms = [f"marker_{place}" for place in range(9)]
    terms += ["stage[T.high (above the upper limit of the laboratory)]"] * 3
    table = pd.DataFrame({"term": terms, "difference_before": 0.4, "difference_after": 0.1})
    with one_column():
        figures = [balance_figure(table), balance_by_adjustment_figure({"overlap": table, "iptw": table})]
    for figure in figures:
        assert_inside(figure)
        axes = figure.axes[0]
        assert axes.get_position().width > 0.4
        labels = [tick.get_window_extent() for tick in axes.get_yticklabels()]
        assert all(below.y1 <= above.y0 + 1 for above, below in pairwise(labels))
