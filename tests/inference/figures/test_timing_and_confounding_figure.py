"""The surface over delay and strength: thin lines lie where their numbers say, the thick one where the probability is 0.95."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.contour import QuadContourSet
from numpy.testing import assert_allclose
from scipy.special import ndtr

from inference.report.figures.timing_and_confounding import timing_and_confounding_figure


def effect(delay, strength):
    """A log hazard ratio that is a plane, with a standard deviation of 0.15."""
    mean = -0.6 + 0.02 * delay + 0.4 * np.log(strength)
    return pd.DataFrame(
        {
            "delay": delay,
            "strength": strength,
            "hazard_ratio": np.exp(mean),
            "rmst_difference": -12.0 * mean,
            "probability_of_benefit": ndtr(-mean / 0.15),
        }
    )


@pytest.fixture
def figure():
    delay, strength = np.meshgrid(np.linspace(0, 24, 41), np.geomspace(1, 4, 41), indexing="ij")
    return timing_and_confounding_figure(effect(delay.ravel(), strength.ravel()), "months", 60.0, 0.95)


@pytest.mark.parametrize(("panel", "name"), [(0, "hazard_ratio"), (1, "rmst_difference")])
def test_lines_lie_where_they_say(figure, panel, name, assert_inside):
    found = [
        one for one in figure.axes[panel].collections if isinstance(one, QuadContourSet) and not one.filled
    ]
    thin, thick = found
    assert len(thin.levels) >= 3
    for lines, column in ((thin, name), (thick, "probability_of_benefit")):
        for level, parts in zip(lines.levels, lines.allsegs, strict=True):
            delay, strength = np.concatenate(parts).T
            value = effect(delay, strength)[column]
            assert_allclose(value, level, rtol=0.01, atol=0.02)
    assert thick.levels.tolist() == [0.95]
    assert_inside(figure)


def test_a_benefit_that_is_nowhere_certain_has_no_thick_line():
    delay, strength = np.meshgrid(np.linspace(0, 24, 11), np.geomspace(1, 4, 11), indexing="ij")
    table = effect(delay.ravel(), strength.ravel())
    table["probability_of_benefit"] *= 0.9
    drawn = timing_and_confounding_figure(table, "months", 60.0, 0.95)
    for axes in drawn.axes:
        lines = [one for one in axes.collections if isinstance(one, QuadContourSet) and not one.filled]
        assert len(lines) == 1
