"""Implied hazard ratios: points where they were computed, and the printed band."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from data.published.audit.hazards import IntervalRatio
from data.published.printed import printed
from inference.report.figures.audit_hazard_ratios import audit_hazard_ratios_figure

RATIOS = {
    "before": [IntervalRatio("before", 0, 12, 0.32, 0.1), IntervalRatio("before", 12, 36, 0.82, 0.03)],
    "after": [IntervalRatio("after", 0, 12, 0.63, 0.18)],
}


def test_points_stand_in_the_middle_of_their_intervals(texts, assert_inside):
    figure = audit_hazard_ratios_figure(RATIOS, {"after": printed("0.485", "0.361", "0.650")}, "months")
    before, after = figure.axes
    points = [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in before.lines
        if len(np.atleast_1d(line.get_xdata())) == 1
    ]
    assert points == [(6.0, 0.32), (24.0, 0.82)]
    spans = [list(line.get_ydata()) for line in before.lines if list(line.get_xdata()) == [6.0, 6.0]]
    assert_allclose(spans, [[0.32 / np.exp(1.959964 * 0.1**0.5), 0.32 * np.exp(1.959964 * 0.1**0.5)]])
    (band,) = after.patches
    assert_allclose([band.get_y(), band.get_y() + band.get_height()], [0.361, 0.650])
    assert not before.patches
    assert {"printed 0.485", "0.32", "0.82", "0.63", "Time (months)"} <= set(texts(figure))
    assert_inside(figure)


def test_one_phase_alone_has_no_title(assert_inside):
    figure = audit_hazard_ratios_figure({"before": RATIOS["before"], "after": []}, {})
    assert len(figure.axes) == 1
    assert figure.axes[0].get_title(loc="left") == ""
    assert_inside(figure)


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="at least one interval, but found none"):
        audit_hazard_ratios_figure({"before": []}, {})
