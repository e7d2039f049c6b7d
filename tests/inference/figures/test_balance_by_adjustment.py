"""The love plot of all adjustments."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.testing import assert_allclose

from inference.adjustments.weighting import balance_of_designs, design_weights
from inference.frequentist.balance import iptw_weights, overlap_weights
from inference.report.figures.balance_by_adjustment import CAPTION, balance_by_adjustment_figure


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


def test_twenty_terms_do_not_run_into_each_other(long_label, assert_inside):
    rng = np.random.default_rng(2)
    terms = [f"{number:02d} {long_label}"[:60] for number in range(20)]
    table = pd.DataFrame(
        {
            "term": terms,
            "difference_before": rng.normal(0, 0.3, 20),
            "difference_after": rng.normal(0, 0.05, 20),
        }
    )
    figure = balance_by_adjustment_figure({"iptw": table, "overlap": table, "matched": table})
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [tick.get_window_extent(canvas.get_renderer()) for tick in figure.axes[0].get_yticklabels()]
    assert all(upper.y0 >= lower.y1 - 1 for upper, lower in itertools.pairwise(boxes))
    assert_inside(figure)


def test_infinite_and_missing_differences(texts, assert_inside):
    table = pd.DataFrame(
        {"term": ["a", "b"], "difference_before": [-np.inf, 0.05], "difference_after": [np.inf, np.nan]}
    )
    figure = balance_by_adjustment_figure({"overlap": table})
    assert [one.get_marker() for one in figure.axes[0].lines].count(">") == 2
    assert "before\nlargest infinite" in texts(figure)
    assert "arrow" in CAPTION
    assert_inside(figure)


def test_no_adjustment_is_refused():
    with pytest.raises(ValueError, match="at least one adjustment"):
        balance_by_adjustment_figure({})
