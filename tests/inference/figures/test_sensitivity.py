"""Figures of confounding, of timing, and of both: contours and points lie where their numbers are, labels apart."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.contour import QuadContourSet
from matplotlib.text import Annotation
from numpy.testing import assert_allclose
from scipy.special import ndtr

from inference.report.figures.confounding import LABELLED, LEVELS, confounding_figure
from inference.report.figures.style import one_column
from inference.report.figures.timing_and_confounding import timing_and_confounding_figure
from inference.report.figures.timing_scenarios import timing_figure

SD = 0.15


def confounded(start, ratio, difference):
    """A posterior in closed form: what is left of a log hazard ratio of `start`."""
    mean = start + difference * np.log(ratio)
    limits = {name: np.exp(mean + z * SD) for name, z in (("median", 0), ("lower", -1.96), ("upper", 1.96))}
    benefit = {"probability_of_benefit": ndtr(-mean / SD)}
    return pd.DataFrame({"hazard_ratio": ratio, "difference": difference, **limits, **benefit})


def inputs(start=-0.34):
    ratio, difference = np.meshgrid(np.geomspace(1, 4, 41), np.linspace(0, 0.6, 41), indexing="ij")
    line = np.geomspace(1, 4, 41)
    return confounded(start, ratio.ravel(), difference.ravel()), confounded(start, line, 0.2 * (line - 1))


def covariates(count=8, label="Covariate"):
    rng = np.random.default_rng(3)
    ratio, difference = np.exp(rng.uniform(0.05, 1.0, count)), rng.uniform(-0.3, 0.3, count)
    names = [f"{label} {number}" for number in range(count)]
    e_value = np.linspace(1.1, 2.0, count)
    return pd.DataFrame({"label": names, "hazard_ratio": ratio, "difference": difference, "e_value": e_value})


def contours_of(axes):
    return [one for one in axes.collections if isinstance(one, QuadContourSet) and not one.filled]


def labels_of(axes):
    return [one for one in axes.texts if isinstance(one, Annotation)]


def test_contours_lie_where_the_probability_is_what_they_say(assert_inside):
    figure = confounding_figure(*inputs(), covariates())
    (lines,) = contours_of(figure.axes[0])
    assert set(lines.levels) == {0.5, 0.8, 0.95}  # 0.99 is more than there is without a confounder
    for level, vertices in zip(lines.levels, lines.allsegs, strict=True):
        difference, ratio = np.concatenate(vertices).T
        found = confounded(-0.34, ratio, difference)["probability_of_benefit"]
        assert_allclose(found, level, atol=0.005)
    assert_inside(figure)


def test_the_right_panel_shows_what_is_left_and_where_it_crosses(texts):
    surface, line = inputs()
    figure = confounding_figure(surface, line, covariates())
    right = figure.axes[1]
    assert_allclose(right.lines[0].get_ydata(), line["median"])
    assert {"P = 0.95", "P = 0.5"} <= set(texts(figure))
    marked = [one.get_xdata()[0] for one in right.lines[2:]]
    for at, level in zip(marked, (0.95, 0.5), strict=True):
        benefit = np.interp(np.log(at), np.log(line["hazard_ratio"]), line["probability_of_benefit"])
        assert benefit == pytest.approx(level, abs=1e-6)


def test_points_are_filled_where_the_covariate_works_the_same_way():
    rows = [("same way", 1.5, 0.3, 1.5), ("other way", 2.0, -0.2, 1.4), ("beyond", 9.0, 0.9, 1.3)]
    measured = pd.DataFrame(rows, columns=["label", "hazard_ratio", "difference", "e_value"])
    left = confounding_figure(*inputs(), measured).axes[0]
    points = [one for one in left.lines if one.get_marker() == "o"]
    places = [(one.get_xdata()[0], one.get_ydata()[0], one.get_markerfacecolor()) for one in points]
    assert [(x, height) for x, height, _ in places] == [(0.3, 1.5), (0.2, 2.0), (0.6, 4.0)]
    assert [face == "white" for *_, face in places] == [False, True, False]


@pytest.mark.parametrize("count", [3, 40])
def test_labels_are_of_the_strongest_and_lie_apart(count, assert_inside, assert_apart):
    measured = covariates(count)
    figure = confounding_figure(*inputs(), measured)
    shown = labels_of(figure.axes[0])
    assert 1 <= len(shown) <= LABELLED
    strongest = set(measured.nlargest(LABELLED, "e_value")["label"])
    assert {one.get_text() for one in shown} <= strongest
    assert_apart(figure, shown)
    assert_inside(figure)


def test_labels_with_special_characters_fit(long_label, assert_inside):
    assert_inside(confounding_figure(*inputs(), covariates(6, long_label)))


@pytest.mark.parametrize(("start", "levels"), [(1.0, set()), (-0.34, set(LEVELS[:3])), (-9.0, set())])
def test_no_contour_is_needed_where_the_answer_is_the_same_everywhere(start, levels, assert_inside):
    figure = confounding_figure(*inputs(start), covariates(0))
    assert {level for one in contours_of(figure.axes[0]) for level in one.levels} == levels
    assert not labels_of(figure.axes[0])
    assert_inside(figure)


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


def test_labels_of_lines_that_meet_are_pushed_apart(scenarios, delays, assert_inside, assert_apart):
    close = delays.assign(no_effect=delays["hazard_ratio"])
    figure = timing_figure(scenarios, close, 20.0, float(close["hazard_ratio"].iloc[-1]))
    assert_inside(figure)
    labels = [
        text for text in figure.axes[1].texts if "\n" in text.get_text() and "below" not in text.get_text()
    ]
    assert len(labels) == 3
    assert_apart(figure, labels)


def test_long_labels_fit(scenarios, delays, long_label, assert_inside):
    assert_inside(timing_figure(scenarios.assign(label=long_label), delays, 23.0, 0.5))


def test_in_one_column_scenarios_are_named_above_their_intervals(scenarios, delays, texts, assert_inside):
    with one_column():
        figure = timing_figure(scenarios, delays, doubt=5.0, observed=0.6)
    assert set(scenarios["label"]) <= set(texts(figure))
    assert_inside(figure)


def planes(points, certain=1.0):
    """The figure of a log hazard ratio that is a plane, with a standard deviation of 0.15."""
    delay, strength = np.meshgrid(np.linspace(0, 24, points), np.geomspace(1, 4, points), indexing="ij")
    table = plane(delay.ravel(), strength.ravel(), certain)
    return timing_and_confounding_figure(table, "months", 60.0, 0.95)


def plane(delay, strength, certain=1.0):
    mean = -0.6 + 0.02 * delay + 0.4 * np.log(strength)
    read = {"hazard_ratio": np.exp(mean), "rmst_difference": -12.0 * mean}
    benefit = certain * ndtr(-mean / 0.15)
    return pd.DataFrame({"delay": delay, "strength": strength, **read, "probability_of_benefit": benefit})


@pytest.mark.parametrize(("panel", "name"), [(0, "hazard_ratio"), (1, "rmst_difference")])
def test_lines_lie_where_they_say(panel, name, assert_inside):
    figure = planes(41)
    thin, thick = contours_of(figure.axes[panel])
    assert len(thin.levels) >= 3
    for lines, column in ((thin, name), (thick, "probability_of_benefit")):
        for level, parts in zip(lines.levels, lines.allsegs, strict=True):
            delay, strength = np.concatenate(parts).T
            assert_allclose(plane(delay, strength)[column], level, rtol=0.01, atol=0.02)
    assert thick.levels.tolist() == [0.95]
    assert_inside(figure)


def test_a_benefit_that_is_nowhere_certain_has_no_thick_line():
    assert [len(contours_of(axes)) for axes in planes(11, certain=0.9).axes] == [1, 1]
