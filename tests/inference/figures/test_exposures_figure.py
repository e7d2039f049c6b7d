"""The forest by count of exposure: every row is drawn where its numbers are, and no text runs into another."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation
from numpy.testing import assert_allclose

from inference.report.figures.exposures import CAPTION, COLOURS, exposures_figure

ORDER = (
    ("naive", "Ever against never treated (naive)"),
    ("time_split", "Split at the start of treatment"),
    ("landmark_30", "Landmark at 30 days, those still followed only"),
)


def rows_of(spread=0.2):
    middles = {"naive": 0.55, "time_split": 0.98, "landmark_30": 1.15}
    # in another order than the figure's
    return pd.DataFrame(
        [
            {
                "exposure": exposure,
                "adjustment": adjustment,
                "median": middles[exposure] * shift,
                "lower": middles[exposure] * shift * np.exp(-1.96 * spread),
                "upper": middles[exposure] * shift * np.exp(1.96 * spread),
                "probability_of_benefit": 0.87,
            }
            for exposure in ("landmark_30", "time_split", "naive")
            for adjustment, shift in (("joint", 1.0), ("cut", 1.03))
        ]
    )


def points_of(axes):
    return [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]


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


def test_every_row_is_drawn_under_its_exposure_in_the_order_asked_for(texts, assert_inside):
    rows = rows_of()
    figure = exposures_figure(rows, ORDER)
    axes = figure.axes[0]
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    pair = ["Joint propensity", "Cut propensity"]
    assert labels == [ORDER[0][1], *pair, ORDER[1][1], *pair, ORDER[2][1], *pair]
    ordered = pd.concat([rows[rows["exposure"] == exposure] for exposure, _ in ORDER])
    assert_allclose([line.get_xdata()[0] for line in points_of(axes)], ordered["median"])
    assert [line.get_ydata()[0] for line in points_of(axes)] == [1, 2, 4, 5, 7, 8]
    bars = [line for line in axes.lines if len(line.get_xdata()) == 2 and len(set(line.get_ydata())) == 1]
    assert_allclose([line.get_xdata() for line in bars], ordered[["lower", "upper"]])
    assert "0.55 (0.37 to 0.81)" in texts(figure)
    assert texts(figure).count("0.870") == 6
    assert_inside(figure)
    assert_texts_apart(figure)


def test_adjustments_differ_in_colour_and_the_reference_is_no_effect():
    axes = exposures_figure(rows_of(), ORDER).axes[0]
    assert [line.get_color() for line in points_of(axes)] == [COLOURS["joint"], COLOURS["cut"]] * 3
    assert COLOURS["joint"] != COLOURS["cut"]
    assert axes.get_xscale() == "log"
    assert_allclose(axes.lines[0].get_xdata(), 1.0)


def test_an_exposure_without_rows_leaves_its_heading_only(assert_inside):
    figure = exposures_figure(
        rows_of(), (*ORDER, ("landmark_60", "Landmark at 60 days, those still followed only"))
    )
    assert len(points_of(figure.axes[0])) == 6
    assert_inside(figure)


@pytest.mark.parametrize("spread", [0.02, 1.2])
def test_narrow_and_wide_intervals_fit(spread, assert_inside):
    figure = exposures_figure(rows_of(spread), ORDER)
    assert_inside(figure)
    assert_texts_apart(figure)


def test_the_caption_says_how_to_read_it():
    assert "95 % intervals" in CAPTION
    assert "in which by definition none of the treated had the event" in CAPTION
