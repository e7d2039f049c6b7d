"""Implied hazard ratios, of the literature and of printed survival: one row each, none pooled, and the printed band."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from data.published.audit.hazards import IntervalRatio
from data.published.printed import printed
from inference.report.figures.audit_hazard_ratios import audit_hazard_ratios_figure
from inference.report.figures.implied_ratios import implied_ratios_figure


def test_only_numbers_are_drawn_and_nothing_is_pooled(texts, assert_inside):
    rows = [("One", "a", "none", 0.64, 0.43, 0.96), ("Two", "b", "d", 0.48), ("Three", "c", "none")]
    columns = ["study", "treatment", "comparator", "hazard_ratio", "lower", "upper"]
    figure = implied_ratios_figure(pd.DataFrame(rows, columns=columns))
    points = [float(line.get_xdata()[0]) for line in figure.axes[0].lines if line.get_marker() == "s"]
    assert points == [0.64, 0.48]
    shown = texts(figure)
    assert "0.64 (0.43 to 0.96)" in shown
    assert "0.48" in shown
    assert not any("Three" in text or "ooled" in text for text in shown)
    assert_inside(figure)


RATIOS = {
    "before": [IntervalRatio("before", 0, 12, 0.32, 0.1), IntervalRatio("before", 12, 36, 0.82, 0.03)],
    "after": [IntervalRatio("after", 0, 12, 0.63, 0.18)],
}


def test_points_stand_in_the_middle_of_their_intervals(texts, assert_inside):
    figure = audit_hazard_ratios_figure(RATIOS, {"after": printed("0.485", "0.361", "0.650")}, "months")
    before, after = figure.axes
    points = [(*line.get_xdata(), *line.get_ydata()) for line in before.lines if len(line.get_xdata()) == 1]
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
