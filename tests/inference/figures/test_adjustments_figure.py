"""The forest of all adjustments: every row is drawn where its numbers are, and no text runs into another."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation
from numpy.testing import assert_allclose

from inference.report.figures.adjustments import CAPTION, adjustments_figure

ADJUSTMENTS = {"all": ("joint", "cut", "none", "iptw"), "overlap": ("joint", "cut", "none", "overlap")} | {
    "treated": ("joint", "cut", "none"),
    "matched": ("matched",),
}
BASELINES = ("piecewise_exponential", "weibull")


def compared_of(baselines=BASELINES, spread=0.15):
    rng = np.random.default_rng(4)
    rows = []
    for population, adjustments in ADJUSTMENTS.items():
        for adjustment in adjustments:
            for baseline in baselines:
                middle = np.exp(rng.normal(-0.3, 0.1))
                rows.append(
                    {
                        "population": population,
                        "baseline": baseline,
                        "adjustment": adjustment,
                        "marginal_hazard_ratio_median": middle,
                        "marginal_hazard_ratio_lower": middle * np.exp(-1.96 * spread),
                        "marginal_hazard_ratio_upper": middle * np.exp(1.96 * spread),
                        "marginal_hazard_ratio_probability_of_benefit": 0.97,
                    }
                )
    return pd.DataFrame(rows)


def labels_of(figure):
    return [tick.get_text() for tick in figure.axes[0].get_yticklabels()]


def assert_texts_apart(figure):
    """No label of a row, number beside it, tick or axis label lies over another."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axes = figure.axes[0]
    texts = [
        *axes.get_yticklabels(),
        *axes.get_xticklabels(),
        *(one for one in axes.texts if isinstance(one, Annotation)),
        axes.xaxis.label,
    ]
    boxes = [
        (one.get_text(), one.get_window_extent(canvas.get_renderer()))
        for one in texts
        if one.get_text().strip()
    ]
    over = [
        (first, second)
        for (first, one), (second, other) in combinations(boxes, 2)
        # a pixel of a line's own margin does not count
        if one.x0 < other.x1 - 1 and other.x0 < one.x1 - 1 and one.y0 < other.y1 - 1 and other.y0 < one.y1 - 1
    ]
    assert not over


def test_every_model_is_drawn_under_its_population(texts, assert_inside):
    compared = compared_of()
    figure = adjustments_figure(compared)
    labels = labels_of(figure)
    assert len(labels) == len(compared) + 4
    headings = [place for place, label in enumerate(labels) if "," not in label]
    assert [labels[place] for place in headings] == [
        "All patients",
        "Overlap population",
        "The treated",
        "Matched patients",
    ]
    assert labels[1:3] == ["Joint propensity, piecewise exponential", "Joint propensity, Weibull"]
    assert "Inverse-probability weights, Weibull" in labels
    printed = texts(figure)
    first = compared.iloc[0]
    numbers = [first[f"marginal_hazard_ratio_{name}"] for name in ("median", "lower", "upper")]
    assert "{:.2f} ({:.2f} to {:.2f})".format(*numbers) in printed
    assert printed.count("0.970") == len(compared)
    assert_inside(figure)
    assert_texts_apart(figure)


def test_points_and_intervals_lie_where_the_numbers_are():
    compared = compared_of()
    axes = adjustments_figure(compared).axes[0]
    points = [line for line in axes.lines if line.get_marker() in "oD" and len(line.get_xdata()) == 1]
    bars = [line for line in axes.lines if len(line.get_xdata()) == 2 and len(set(line.get_ydata())) == 1]
    assert_allclose([line.get_xdata()[0] for line in points], compared["marginal_hazard_ratio_median"])
    ends = np.array([line.get_xdata() for line in bars])
    assert_allclose(ends[:, 0], compared["marginal_hazard_ratio_lower"])
    assert_allclose(ends[:, 1], compared["marginal_hazard_ratio_upper"])
    assert axes.get_xscale() == "log"
    assert axes.get_yticks()[1] == points[0].get_ydata()[0]


def test_baselines_differ_in_colour_and_mark():
    compared = compared_of()
    axes = adjustments_figure(compared).axes[0]
    points = [line for line in axes.lines if line.get_marker() in "oD" and len(line.get_xdata()) == 1]
    looks = {baseline: set() for baseline in BASELINES}
    for baseline, line in zip(compared["baseline"], points, strict=True):
        looks[baseline].add((line.get_color(), line.get_marker(), line.get_markerfacecolor()))
    assert [len(each) for each in looks.values()] == [1, 1]
    (one,), (other,) = looks.values()
    assert all(first != second for first, second in zip(one, other, strict=True))


def test_with_one_baseline_rows_are_named_by_the_adjustment_alone(assert_inside):
    figure = adjustments_figure(compared_of(("weibull",)))
    assert labels_of(figure)[1:5] == [
        "Joint propensity",
        "Cut propensity",
        "Outcome regression",
        "Inverse-probability weights",
    ]
    assert_inside(figure)
    assert_texts_apart(figure)


@pytest.mark.parametrize("spread", [0.02, 0.9])
def test_narrow_and_wide_intervals_fit(spread, assert_inside):
    figure = adjustments_figure(compared_of(spread=spread))
    assert_inside(figure)
    assert_texts_apart(figure)


def test_the_caption_says_how_to_read_it():
    assert "95 % intervals" in CAPTION
    assert "log scale" in CAPTION
    assert "between blocks the populations differ" in CAPTION
