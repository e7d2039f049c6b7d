"""Figures for one column of a journal, or a narrow screen: nothing is cut, and nothing is lost."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from inference.report.figures.effects import effects_figure
from inference.report.figures.forest import ForestRow, forest_figure, heading
from inference.report.figures.hazard import hazard_figure
from inference.report.figures.predictive_survival import predictive_survival_figure
from inference.report.figures.prior_sets import prior_sets_figure
from inference.report.figures.rendering import lay_out
from inference.report.figures.rmst import rmst_figure
from inference.report.figures.style import COLUMN, canvas, one_column


@pytest.fixture
def drawn(estimands, curves, gbsg2, replicated):
    """What makes each figure, by name."""
    sets = estimands[estimands["baseline"] == "weibull"].assign(adjustment="joint")
    sets["prior_set"] = np.where(np.arange(len(sets)) % 2, "default", "enthusiastic")
    return {
        "effects": lambda: effects_figure(estimands, gbsg2.comparators),
        "rmst": lambda: rmst_figure(estimands),
        "prior_sets": lambda: prior_sets_figure(sets, {"default": (0.4, 2.7)}),
        "hazard": lambda: hazard_figure(curves),
        "predictive": lambda: predictive_survival_figure(*replicated, gbsg2.followed, "days"),
    }


@pytest.mark.parametrize("name", ["effects", "rmst", "prior_sets", "hazard", "predictive"])
def test_in_one_column_nothing_is_cut_and_every_number_is_there(drawn, name, texts, assert_inside):
    with one_column():
        narrow = drawn[name]()
    assert narrow.get_size_inches()[0] == COLUMN
    wide = {text for text in texts(drawn[name]()) if any(sign.isdigit() for sign in text) and "(" in text}
    assert wide <= set(texts(narrow))
    assert_inside(narrow)


def test_labels_stand_above_their_intervals():
    rows = [heading("A"), ForestRow("one\ntwo", 0.5, 0.4, 0.6), ForestRow("", 0.7, 0.6, 0.8)]
    with one_column():
        axes = forest_figure(rows, "Hazard ratio", reference=1.0, log=True).axes[0]
    heights = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "o"]
    labels = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert labels["A"] < labels["one\ntwo"] < heights[0] < heights[1]
    assert list(axes.get_yticks()) == []


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_labels_of_ticks_do_not_lie_on_each_other(scale):
    with one_column():
        figure = canvas(2.0)
    axes = figure.subplots(1, 2)[0]
    axes.set(xscale=scale, xlim=(0.4, 1.2))
    places = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2]
    axes.set_xticks(places, [f"{place:.3f}" for place in places])
    axes.set_xticks([], minor=True)
    lay_out(figure)
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [label.get_window_extent(renderer) for label in axes.get_xticklabels()]
    assert 2 <= len(boxes) < len(places)
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))
    assert [float(label.get_text()) for label in axes.get_xticklabels()] == list(axes.get_xticks())
