"""The figure of treatment timing: every number of the tables at its place, and nothing cut off."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from inference.report.figures.style import one_column
from inference.report.figures.timing_scenarios import timing_figure


@pytest.fixture
def scenarios():
    rows = [
        ("All at time zero (naive)", 0.73, 0.59, 0.90, 0.998, 1.0, 0.8, 1.2),
        ("Some within 2 months, others later (elicited)", 0.85, 0.68, 1.05, 0.924, 0.82, 0.68, 0.99),
        ("Evenly over 24 months", 1.2, 0.95, 1.5, 0.03, np.nan, np.nan, np.nan),
        ("In the last third of the patient's own time", 20.4, 15.0, 28.3, 0.0, 1.0, 0.8, 1.25),
    ]
    columns = [
        "label",
        *("hazard_ratio", "lower", "upper", "probability_of_benefit"),
        *("no_effect", "no_effect_lower", "no_effect_upper"),
    ]
    return pd.DataFrame(dict(zip(columns, column, strict=True)) for column in rows)


@pytest.fixture
def delays():
    delay = np.array([0.0, 1, 2, 4, 6, 9, 12, 18, 24])
    centre, none = -0.3 + 0.03 * delay, -0.04 * delay
    return pd.DataFrame(
        {
            "delay": delay,
            "hazard_ratio": np.exp(centre),
            "lower": np.exp(centre - 0.2),
            "upper": np.exp(centre + 0.2),
            "probability_of_benefit": 0.99 - 0.03 * delay,
            "no_effect": np.exp(none),
            "no_effect_lower": np.exp(none - 0.2),
            "no_effect_upper": np.exp(none + 0.2),
        }
    )


def points(axes, filled):
    white = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]
    return [float(line.get_xdata()[0]) for line in white if (line.get_markerfacecolor() != "white") == filled]


def test_scenarios_stand_beside_what_no_effect_prints(scenarios, delays, texts, assert_inside):
    figure = timing_figure(scenarios, delays, 1.5, 0.71)
    upper, _ = figure.axes
    assert_allclose(points(upper, filled=True), [0.73, 0.85, 1.2])
    assert_allclose(points(upper, filled=False), [1.0, 0.82, 1.0])
    assert [line.get_marker() for line in upper.lines if line.get_marker() == ">"] == [">"]
    assert upper.get_xlim()[1] < 5  # the others are not squeezed
    printed = set(texts(figure))
    assert {"0.73 (0.59 to 0.90)", "20.40 (15.00 to 28.30)", "0.82 (0.68 to 0.99)"} <= printed
    assert {"0.924", "< 0.001", "too few live to their start"} <= printed
    assert_inside(figure)


def test_the_curve_holds_the_table_and_marks_the_doubt(scenarios, delays, texts, assert_inside):
    figure = timing_figure(scenarios, delays, 1.53, 0.71)
    _, lower = figure.axes
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in lower.lines]
    for column in ("hazard_ratio", "no_effect"):
        assert any(len(line) == 9 and np.allclose(line, delays[column]) for line in drawn), column
    band = lower.collections[0].get_paths()[0].vertices[:, 1]
    assert_allclose([band.min(), band.max()], [delays["lower"].min(), delays["upper"].max()])
    assert [1.53, 1.53] in [list(line.get_xdata()) for line in lower.lines]
    assert any(np.allclose(line, 0.71) for line in drawn)
    assert any("below 0.95\nat a mean delay of 1.5 months" in text for text in texts(figure))
    assert "months" in lower.get_xlabel()
    assert_inside(figure)


def test_without_a_crossing_nothing_is_marked(scenarios, delays, texts, assert_inside):
    empty = delays.assign(no_effect=np.nan, no_effect_lower=np.nan, no_effect_upper=np.nan)
    figure = timing_figure(scenarios, empty)
    assert not any("falls below" in text for text in texts(figure))
    assert_inside(figure)


def test_labels_of_lines_that_meet_are_pushed_apart(scenarios, delays, assert_inside):
    close = delays.assign(no_effect=delays["hazard_ratio"])
    figure = timing_figure(scenarios, close, 20.0, float(close["hazard_ratio"].iloc[-1]))
    assert_inside(figure)  # draws it
    renderer = figure.canvas.get_renderer()
    boxes = [
        text.get_window_extent(renderer)
        for text in figure.axes[1].texts
        if "\n" in text.get_text() and "below" not in text.get_text()
    ]
    assert len(boxes) == 3
    assert not any(a.overlaps(b) for at, a in enumerate(boxes) for b in boxes[at + 1 :])


def test_long_labels_fit(scenarios, delays, long_label, assert_inside):
    assert_inside(timing_figure(scenarios.assign(label=long_label), delays, 23.0, 0.5))


def test_in_one_column_scenarios_are_named_above_their_intervals(scenarios, delays, texts, assert_inside):
    with one_column():
        figure = timing_figure(scenarios, delays, doubt=5.0, observed=0.6)
    assert set(scenarios["label"]) <= set(texts(figure))
    assert_inside(figure)
