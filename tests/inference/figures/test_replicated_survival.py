"""Replicated survival figures: every cohort's curve, every printed point, in its own panel and colour."""

import numpy as np
import pandas as pd
import pytest

from inference.report.figures.pairs_by_caliper import METHOD_COLOURS, pairs_by_caliper_figure
from inference.report.figures.replicated_survival import replicated_survival_figure
from inference.report.figures.risk_table import Followed
from inference.report.figures.style import ARM_COLOURS

LABELS = {"treated": "Radiotherapy", "control": "No radiotherapy", "before matching": "Before matching"}
RATES = {"treated": 0.01, "control": 0.02}


def curves(panels=("before matching", "after matching"), groups=("treated", "control")):
    time = np.linspace(0, 100, 11)
    parts = [
        pd.DataFrame(
            {
                "panel": panel,
                "group": group,
                "cohort": cohort,
                "time": time,
                "survival": np.exp(-time * RATES.get(group, 0.03) * cohort),
            }
        )
        for panel in panels
        for group in groups
        for cohort in (1, 2)
    ]
    return pd.concat(parts, ignore_index=True)


def followed(drawn):
    """Two cohorts of four in every group: of each two are censored at 50 and two die at 90."""
    one = Followed(
        np.zeros(8), np.array([50.0, 50.0, 90.0, 90.0] * 2), np.array([False, False, True, True] * 2), 2
    )
    return dict.fromkeys(zip(drawn["panel"], drawn["group"], strict=True), one)


POINTS = pd.DataFrame(
    [
        ("before matching", "treated", "survival", 12.0, 12.0, 12.0, 0.946),
        ("before matching", "treated", "median", 51.7, 48.8, 63.8, 0.5),
        ("after matching", "control", "survival", 60.0, 60.0, 60.0, 0.222),
    ],
    columns=["panel", "group", "kind", "time", "lower", "upper", "survival"],
)


def test_every_cohort_has_its_line_and_print_its_points(texts, assert_inside):
    figure = replicated_survival_figure(curves(), POINTS, followed(curves()), LABELS, "months")
    before, after = figure.axes[:2]
    for axes in (before, after):
        drawn = [line for line in axes.lines if len(line.get_xdata()) == 11]
        assert len(drawn) == 4
        assert {line.get_color() for line in drawn} == set(ARM_COLOURS.values())
    of_cohorts = [line for line in before.lines if len(line.get_xdata()) == 11]
    treated = [line.get_ydata()[-1] for line in of_cohorts if line.get_color() == ARM_COLOURS["treated"]]
    assert treated == [pytest.approx(np.exp(-1)), pytest.approx(np.exp(-2))]
    marks = [
        (line.get_xdata()[0], line.get_ydata()[0])
        for axes in (before, after)
        for line in axes.lines
        if len(line.get_xdata()) == 1
    ]
    assert marks == [(12.0, 0.946), (51.7, 0.5), (60.0, 0.222)]
    spans = [tuple(line.get_xdata()) for line in before.lines if line.get_linewidth() == 1.6]
    assert spans == [(48.8, 63.8)]
    shown = texts(figure)
    assert {"Before matching", "after matching", "Radiotherapy", "Survival of pseudo-patients"} <= set(shown)
    assert_inside(figure)


def test_groups_that_are_no_arms_have_colours_of_their_own(assert_inside):
    drawn = curves(("",), ("3D-CRT", "IMRT", "SBRT"))
    figure = replicated_survival_figure(drawn, POINTS.iloc[:0], followed(drawn), LABELS, "months")
    axes, table = figure.axes
    assert {text.get_color() for text in table.texts} == {line.get_color() for line in axes.lines}
    numbers = [text.get_text() for text in table.texts if text.get_text().isdigit()]
    assert numbers == [*"444220", *"000222", *"000002"] * 3
    colours = {line.get_color() for line in axes.lines if len(line.get_xdata()) == 11}
    assert len(colours) == 3
    assert not [line for line in axes.lines if len(line.get_xdata()) == 1]
    assert_inside(figure)


def test_more_panels_than_places_leave_the_rest_empty():
    drawn = curves(("bone", "brain", "liver"))
    figure = replicated_survival_figure(drawn, POINTS.iloc[:0], followed(drawn), LABELS, "months")
    assert [axes.get_visible() for axes in figure.axes] == [True] * 5 + [False, True, False]


def test_pairs_have_their_mean_and_range_over_cohorts(texts, assert_inside):
    pairs = pd.DataFrame(
        [
            (cohort, method, caliper, base + 10 * cohort, 0.1 * cohort)
            for cohort in (1, 2)
            for method, base in (("greedy", 100), ("optimal", 110))
            for caliper in (0.01, 0.02)
        ],
        columns=["cohort", "method", "caliper", "pairs", "largest_difference"],
    )
    figure = pairs_by_caliper_figure(pairs, "of the propensity", 135)
    found, balance = figure.axes
    means = {line.get_color(): list(line.get_ydata()) for line in found.lines if line.get_marker() == "o"}
    assert means == {METHOD_COLOURS["greedy"]: [115, 115], METHOD_COLOURS["optimal"]: [125, 125]}
    band = found.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (110, 120)
    assert balance.lines[0].get_ydata()[0] == pytest.approx(0.15)
    assert found.get_xlabel() == "Caliper (of the propensity)"
    assert "published: 135" in texts(figure)
    assert_inside(figure)
    assert "published" not in " ".join(texts(pairs_by_caliper_figure(pairs, "of the propensity")))
