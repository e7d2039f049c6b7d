"""The confounding figure: contours lie where the probability is, points where covariates are, labels apart."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.contour import QuadContourSet
from matplotlib.text import Annotation
from numpy.testing import assert_allclose
from scipy.special import ndtr

from inference.report.figures.confounding import LABELLED, LEVELS, confounding_figure

SD = 0.15


def effect(start, ratio, difference):
    """A posterior in closed form: what is left of a log hazard ratio of `start`."""
    mean = start + difference * np.log(ratio)
    limits = {name: np.exp(mean + z * SD) for name, z in (("median", 0), ("lower", -1.96), ("upper", 1.96))}
    benefit = {"probability_of_benefit": ndtr(-mean / SD)}
    return pd.DataFrame({"hazard_ratio": ratio, "difference": difference, **limits, **benefit})


def inputs(start=-0.34):
    ratio, difference = np.meshgrid(np.geomspace(1, 4, 41), np.linspace(0, 0.6, 41), indexing="ij")
    line = np.geomspace(1, 4, 41)
    return effect(start, ratio.ravel(), difference.ravel()), effect(start, line, 0.2 * (line - 1))


def covariates(count=8, label="Covariate"):
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "label": [f"{label} {number}" for number in range(count)],
            "hazard_ratio": np.exp(rng.uniform(0.05, 1.0, count)),
            "difference": rng.uniform(-0.3, 0.3, count),
            "e_value": np.linspace(1.1, 2.0, count),
        }
    )


def labels_of(axes):
    return [one for one in axes.texts if isinstance(one, Annotation)]


def test_contours_lie_where_the_probability_is_what_they_say(assert_inside):
    figure = confounding_figure(*inputs(), covariates())
    (lines,) = [
        one for one in figure.axes[0].collections if isinstance(one, QuadContourSet) and not one.filled
    ]
    assert set(lines.levels) == {0.5, 0.8, 0.95}  # 0.99 is more than there is without a confounder
    for level, vertices in zip(lines.levels, lines.allsegs, strict=True):
        difference, ratio = np.concatenate(vertices).T
        found = effect(-0.34, ratio, difference)["probability_of_benefit"]
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
    measured = pd.DataFrame(
        {
            "label": ["same way", "other way", "beyond"],
            "hazard_ratio": [1.5, 2.0, 9.0],
            "difference": [0.3, -0.2, 0.9],
            "e_value": [1.5, 1.4, 1.3],
        }
    )
    left = confounding_figure(*inputs(), measured).axes[0]
    points = [one for one in left.lines if one.get_marker() == "o"]
    places = [(one.get_xdata()[0], one.get_ydata()[0], one.get_markerfacecolor()) for one in points]
    assert [(x, height) for x, height, _ in places] == [(0.3, 1.5), (0.2, 2.0), (0.6, 4.0)]
    assert [face == "white" for *_, face in places] == [False, True, False]


@pytest.mark.parametrize("count", [3, 40])
def test_labels_are_of_the_strongest_and_lie_apart(count, assert_inside):
    measured = covariates(count)
    figure = confounding_figure(*inputs(), measured)
    renderer = FigureCanvasAgg(figure).get_renderer()
    shown = labels_of(figure.axes[0])
    assert 1 <= len(shown) <= LABELLED
    strongest = set(measured.nlargest(LABELLED, "e_value")["label"])
    assert {one.get_text() for one in shown} <= strongest
    boxes = [one.get_window_extent(renderer) for one in shown]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])
    assert_inside(figure)


def test_labels_with_special_characters_fit(long_label, assert_inside):
    assert_inside(confounding_figure(*inputs(), covariates(6, long_label)))


@pytest.mark.parametrize(("start", "levels"), [(1.0, set()), (-0.34, set(LEVELS[:3])), (-9.0, set())])
def test_no_contour_is_needed_where_the_answer_is_the_same_everywhere(start, levels, assert_inside):
    figure = confounding_figure(*inputs(start), covariates(0))
    drawn = [one for one in figure.axes[0].collections if isinstance(one, QuadContourSet) and not one.filled]
    assert {level for one in drawn for level in one.levels} == levels
    assert not labels_of(figure.axes[0])
    assert_inside(figure)
