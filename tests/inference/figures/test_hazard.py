"""Hazard and hazard ratio: scaled as the axis says, with a line at 1 on a log axis."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from inference.report.figures.hazard import hazard_figure
from inference.report.figures.style import CONTROL, MARGINAL


@pytest.mark.parametrize("population", ["all", "overlap"])
def test_hazard_is_scaled_as_the_axis_says(curves, population, assert_inside):
    figure = hazard_figure(curves, population)
    upper, lower = figure.axes
    assert upper.get_ylabel() == "Events per 10,000 days at risk"
    control = next(line for line in upper.lines if line.get_color() == CONTROL)
    assert_allclose(control.get_ydata(), 4.0)
    assert lower.get_xlabel() == "Time (days)"
    assert_inside(figure)


def test_a_dataset_without_populations_is_shown_as_it_is(curves):
    plain = curves.assign(hazard=curves["hazard"].isel(population=0, drop=True))
    assert hazard_figure(plain).axes[0].get_title(loc="left") == "Hazard"


def test_ratio_on_a_log_axis_with_a_line_at_one(curves):
    lower = hazard_figure(curves).axes[1]
    assert lower.get_yscale() == "log"
    ratio = next(line for line in lower.lines if line.get_color() == MARGINAL)
    assert_allclose(ratio.get_ydata(), 0.75)
    assert [1, 1] in [list(line.get_ydata()) for line in lower.lines]
    bottom, top = lower.get_ylim()
    assert bottom < 0.5
    assert top > 1.1
    assert "1" in [tick.get_text() for tick in lower.get_yticklabels()]


def test_a_hazard_that_is_infinite_at_zero_is_drawn(curves, assert_inside):
    curves["hazard"][..., 0] = np.inf
    figure = hazard_figure(curves)
    assert figure.axes[0].get_ylabel() == "Events per 10,000 days at risk"
    assert_inside(figure)


def test_hazards_above_one_keep_the_unit(curves):
    curves["hazard"] = curves["hazard"] * 1e4
    assert hazard_figure(curves).axes[0].get_ylabel() == "Hazard (unit: days)"
