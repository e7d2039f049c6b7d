"""Implied hazard ratios: one row each, none for words, none pooled."""

import numpy as np
import pandas as pd

from inference.report.figures.implied_ratios import implied_ratios_figure


def test_only_numbers_are_drawn_and_nothing_is_pooled(texts, assert_inside):
    ratios = pd.DataFrame(
        {
            "study": ["One", "Two", "Three"],
            "treatment": ["a", "b", "c"],
            "comparator": ["none", "d", "none"],
            "hazard_ratio": [0.64, 0.48, np.nan],
            "lower": [0.43, np.nan, np.nan],
            "upper": [0.96, np.nan, np.nan],
        }
    )
    figure = implied_ratios_figure(ratios)
    points = [float(line.get_xdata()[0]) for line in figure.axes[0].lines if line.get_marker() == "s"]
    assert points == [0.64, 0.48]
    shown = texts(figure)
    assert "0.64 (0.43 to 0.96)" in shown
    assert "0.48" in shown
    assert not any("Three" in text or "ooled" in text for text in shown)
    assert_inside(figure)
