"""RMST differences in the study's unit, with the horizon named and a line at 0."""

import numpy as np
from numpy.testing import assert_allclose

from inference.report.figures.rmst import rmst_figure


def test_numbers_unit_horizon_and_line_at_zero(estimands, texts, assert_inside):
    figure = rmst_figure(estimands)
    axes = figure.axes[0]
    drawn = [float(line.get_xdata()[0]) for line in axes.lines if len(np.atleast_1d(line.get_xdata())) == 1]
    assert_allclose(drawn, np.repeat([110.0, 120.0, 130.0, 140.0], 3))
    assert [0.0, 0.0] in [list(line.get_xdata()) for line in axes.lines]
    assert (
        axes.get_xlabel()
        == "Difference in restricted mean survival to 1826 days, treated minus control (days)"
    )
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert labels[1:4] == [
        "Joint propensity: all patients",
        "Joint propensity: the treated",
        "Joint propensity: overlap population",
    ]
    assert "110 (10 to 250)" in texts(figure)
    assert_inside(figure)
