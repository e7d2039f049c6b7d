"""Toxicity figure: every arm with its own numbers, the band where the review has it."""

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose

from inference.report.figures.toxicity import EXPOSURE_COLOURS, toxicity_figure

WORDS = {"none": "without", "any": "with", "sequential": "in sequence", "concurrent": "at the same time"}
RISKS = pd.DataFrame(
    [
        ["Stumpf", "any", 9, 23, 0.39, 0.2, 0.6, 0.33, 0.19, 0.5],
        ["Stumpf", "none", 1, 22, 0.045, 0.001, 0.23, 0.09, 0.04, 0.18],
        ["", "none", *[np.nan] * 5, 0.088, 0.044, 0.16],
    ],
    columns=[
        *("series", "exposure", "cases", "size", "crude", "crude_lower", "crude_upper", "median", "lower"),
        "upper",
    ],
)


def test_every_arm_shows_what_was_counted_and_what_was_modelled(texts, assert_inside):
    figure = toxicity_figure(RISKS, (0.06, 0.11), WORDS)
    axes = figure.axes[0]
    points = [float(line.get_xdata()[0]) for line in axes.lines if len(line.get_xdata()) == 1]
    assert_allclose(points, [0.33, 0.39, 0.09, 0.045, 0.088])
    ranges = [tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert ranges == [(0.19, 0.5), (0.2, 0.6), (0.04, 0.18), (0.001, 0.23), (0.044, 0.16)]
    low, high = axes.patches[0].get_extents().transformed(axes.transData.inverted()).intervalx
    assert_allclose([low, high], [0.06, 0.11])
    shown = texts(figure)
    assert {"Stumpf", "A typical series", "9 of 23", "1 of 22", "with", "without"} <= set(shown)
    assert_inside(figure)


def test_exposures_keep_their_colours():
    figure = toxicity_figure(RISKS, (0.06, 0.11), WORDS)
    colours = [line.get_color() for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    assert colours == [EXPOSURE_COLOURS[name] for name in ("any", "any", "none", "none", "none")]
