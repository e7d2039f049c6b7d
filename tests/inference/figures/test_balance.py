"""Propensities by arm, and love plots of one adjustment and of all."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from inference.adjustments.weighting import balance_of_designs, design_weights
from inference.frequentist.balance import (
    effective_sample_size,
    iptw_weights,
    overlap_weights,
    standardised_differences,
)
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
    columns = ["term", "difference_before", "difference_after"]
    table = pd.DataFrame([("a", -np.inf, np.nan), (long_label, 0.05, np.nan)], columns=columns)
    one = balance_figure(table)
    assert [line.get_marker() for line in one.axes[0].lines].count(">") == 1
    assert "after weighting" not in texts(one), "nothing was weighted"
    table.loc[0, "difference_after"] = np.inf
    several = balance_by_adjustment_figure({"overlap": table})
    assert [line.get_marker() for line in several.axes[0].lines].count(">") == 2
    assert "before\nlargest infinite" in texts(several)
    assert_inside(one)
    assert_inside(several)


def test_in_one_column_long_terms_leave_room_for_the_differences(assert_inside, assert_apart):
    terms = [f"marker_{place}" for place in range(9)]
    terms += ["stage[T.high (above the upper limit of the laboratory)]"] * 3
    table = pd.DataFrame({"term": terms, "difference_before": 0.4, "difference_after": 0.1})
    with one_column():
        figures = [balance_figure(table), balance_by_adjustment_figure({"overlap": table, "iptw": table})]
    for figure in figures:
        assert_inside(figure)
        assert figure.axes[0].get_position().width > 0.4
        assert_apart(figure, figure.axes[0].get_yticklabels(), margin=1.0)


def test_marks_are_the_sizes_of_the_differences_in_the_order_before(gbsg2, texts, assert_inside):
    cohort = gbsg2.cohort
    propensity = np.random.default_rng(1).uniform(0.2, 0.8, (5, cohort.size))
    tables = {
        kind: balance_of_designs(cohort, design_weights(weighting, propensity, cohort.treatment))
        for kind, weighting in (("iptw", iptw_weights), ("overlap", overlap_weights))
    }
    # Rows in another order belong to the same terms.
    figure = balance_by_adjustment_figure(tables | {"matched": tables["iptw"].iloc[::-1]})
    axes = figure.axes[0]
    line, before, iptw, overlap, matched = axes.lines
    assert_allclose(line.get_xdata(), 0.1)
    order = [tick.get_text().replace("\n", " ") for tick in axes.get_yticklabels()]
    indexed = {kind: table.set_index("term").loc[order] for kind, table in tables.items()}
    assert_allclose(before.get_xdata(), indexed["iptw"]["difference_before"].abs())
    assert np.all(np.diff(before.get_xdata()) <= 0)
    assert_allclose(iptw.get_xdata(), indexed["iptw"]["difference_after"].abs())
    assert_allclose(overlap.get_xdata(), indexed["overlap"]["difference_after"].abs())
    assert_allclose(matched.get_xdata(), iptw.get_xdata())
    assert len({(one.get_marker(), one.get_color()) for one in (before, iptw, overlap, matched)}) == 4
    printed = " ".join(texts(figure))
    assert f"overlap weights\nlargest {overlap.get_xdata().max():.2g}" in printed
    assert_inside(figure)


def test_twenty_terms_do_not_run_into_each_other(long_label, assert_inside, assert_apart):
    terms = [f"{number:02d} {long_label}"[:60] for number in range(20)]
    before, after = np.random.default_rng(2).normal(0, [[0.3], [0.05]], (2, 20))
    table = pd.DataFrame({"term": terms, "difference_before": before, "difference_after": after})
    figure = balance_by_adjustment_figure({"iptw": table, "overlap": table, "matched": table})
    assert_apart(figure, figure.axes[0].get_yticklabels(), margin=1.0)
    assert_inside(figure)


def test_no_adjustment_is_refused():
    with pytest.raises(ValueError, match="at least one adjustment"):
        balance_by_adjustment_figure({})
