"""Figures of a reconstruction and of the replicated analysis: every cohort's curve, every printed point."""

from contextlib import nullcontext
from itertools import product

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose

from inference.report.figures.captions import caption_of
from inference.report.figures.pairs_by_caliper import METHOD_COLOURS, pairs_by_caliper_figure
from inference.report.figures.reconstruction_curves import reconstruction_curves_figure
from inference.report.figures.reconstruction_spread import reconstruction_spread_figure
from inference.report.figures.reconstruction_survival import followed_by_phase, reconstruction_survival_figure
from inference.report.figures.reconstruction_targets import reconstruction_targets_figure
from inference.report.figures.rendering import png_bytes
from inference.report.figures.replicated_survival import replicated_survival_figure
from inference.report.figures.risk_table import Followed, followed_patients
from inference.report.figures.style import ARM_COLOURS, WARNING, one_column

LABELS = {"treated": "Radiotherapy", "control": "No radiotherapy"}


@pytest.fixture
def targets():
    rows = [
        (name, family, allowed, cohort, z)
        for cohort in (1, 2)
        for family, name, allowed, z in (
            ("table 1", "age", 0.5, 0.0),
            ("median", "median of a", 0.3, -0.4),
            ("median", "median of b", 0.3, 1.3),
        )
    ]
    table = pd.DataFrame(rows, columns=["target", "family", "tolerance", "cohort", "z"])
    return table.assign(printed=1.0, value=1.0)


def test_every_target_of_every_cohort_is_a_dot_and_a_miss_stands_out(targets):
    figure = reconstruction_targets_figure(targets)
    axes, names = figure.axes
    dots = np.concatenate([one.get_offsets() for one in axes.collections])
    assert len(dots) == len(targets)
    assert sorted(dots[:, 0]) == pytest.approx(sorted(targets["z"]))
    colours = [to_hex(colour) for one in axes.collections for colour in one.get_facecolors()]
    assert colours.count(WARNING.lower()) == 2
    assert [text.get_text() for text in names.texts] == ["all exact", "median of b: +1.30"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["table 1 (1)", "median (2)"]


def test_curves_of_every_cohort_and_the_printed_points_are_drawn():
    places = product(("before", "after"), LABELS, (1, 2, 3), np.linspace(0, 60, 5))
    curves = pd.DataFrame(places, columns=["phase", "arm", "cohort", "time"])
    curves["survival"] = np.exp(-0.01 * curves["cohort"] * curves["time"])
    printed = pd.DataFrame(
        [
            ("before", "treated", "survival", 12.0, 12.0, 12.0, 0.9),
            ("before", "treated", "median", 40.0, 30.0, 50.0, 0.5),
        ],
        columns=["phase", "arm", "kind", "time", "lower", "upper", "survival"],
    )
    patients = pd.DataFrame(
        [(cohort, 1, matched, 10.0 * cohort, matched) for cohort in (1, 2, 3) for matched in (0, 1)]
        + [(cohort, 0, 1, 10.0 * cohort, 1) for cohort in (1, 2, 3)],
        columns=["cohort", "treatment", "matched", "time", "event"],
    )
    followed = followed_by_phase(patients)
    assert followed["before"]["treated"].until([0.0, 15.0, 31.0]) == {
        "At risk": [2, 1, 0],  # means over three cohorts, of 4 / 3 at 15
        "Censored": [0, 0, 1],
        "Events": [0, 0, 1],
    }
    assert followed["after"]["treated"].until([0.0])["At risk"] == [1]
    figure = reconstruction_survival_figure(curves, printed, followed, "months", LABELS)
    before, after = figure.axes[:2]
    for axes in (before, after):
        for colour in ARM_COLOURS.values():
            drawn = [line for line in axes.lines if line.get_color() == colour]
            assert [line.get_ydata()[-1] for line in drawn] == pytest.approx(
                np.exp(-0.6 * np.array([1, 2, 3]))
            )
    dots = [line for line in before.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in dots] == [[12.0]]
    assert "3 cohorts of pseudo-\npatients; black: printed" in {text.get_text() for text in after.texts}
    alone = reconstruction_survival_figure(
        curves[curves["phase"] == "before"], printed, followed, "months", LABELS
    )
    assert len(alone.axes) == 2


def test_quantities_that_are_not_printed_are_drawn_over_cohorts():
    spread = pd.DataFrame(
        [("deaths", "A", 1, 50.0), ("deaths", "A", 2, 54.0), ("hazard ratio of treatment", "all", 1, 0.5),
         ("hazard ratio of treatment", "all", 2, 2.0), ("hazard ratio of treatment", "none", 1, np.nan)],
        columns=["panel", "quantity", "cohort", "value"],
    )  # fmt: skip
    figure = reconstruction_spread_figure(spread)
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes}
    assert set(panels) == {"Deaths", "Hazard ratio of treatment"}
    ratios = panels["Hazard ratio of treatment"]
    assert [label.get_text() for label in ratios.get_yticklabels()] == ["all"]
    centre = [line for line in ratios.lines if line.get_marker() == "|"]
    assert [line.get_xdata()[0] for line in centre] == pytest.approx([1.0])
    assert png_bytes(figure)[:4] == b"\x89PNG"
    with pytest.raises(ValueError, match="spread must hold quantities"):
        reconstruction_spread_figure(spread.assign(value=np.nan))


@pytest.mark.parametrize(
    "name", ["reconstruction_targets", "reconstruction_survival", "reconstruction_spread"]
)
def test_a_caption_speaks_of_pseudo_patients(name):
    caption = caption_of(name)
    assert "pseudo-patients" in caption
    assert " patients" not in caption


@pytest.mark.parametrize("wide", [True, False])
def test_a_published_curve_has_its_points_distances_and_numbers_at_risk(wide, assert_inside):
    arms = pd.DataFrame({"figure": "Figure 2", "arm": ["treated", "control"]})
    times = pd.DataFrame({"time": [0.0, 20.0, 40.0], "survival": [1.0, 0.7, 0.5]})
    curves = arms.merge(pd.DataFrame({"cohort": [1, 2]}), how="cross").merge(times, how="cross")
    patients = pd.DataFrame({"time": [10.0, 30.0, 50.0] * 2, "event": [1, 0, 1] * 2})
    followed = {(name, arm): followed_patients(patients, 2) for name, arm in arms.to_numpy()}
    with nullcontext() if wide else one_column():
        figure = reconstruction_curves_figure(curves.assign(off=0.5), curves, followed, 1.0, "months", LABELS)
    above, below, table = figure.axes
    ticks = list(below.get_xticks())
    assert list(above.get_xticks()) == ticks
    assert [float(text.get_text()) for text in table.texts if text.get_text().isdigit()] == [
        number
        for _ in LABELS
        for own in followed["Figure 2", "treated"].until(ticks).values()
        for number in own
    ]
    assert_allclose(np.concatenate([one.get_offsets()[:, 1] for one in below.collections[1:]]), 0.5)
    assert_inside(figure)


NAMES = {"treated": "Radiotherapy", "control": "No radiotherapy", "before matching": "Before matching"}
RATES = {"treated": 0.01, "control": 0.02}


def replicated_curves(panels=("before matching", "after matching"), groups=("treated", "control")):
    places = product(panels, groups, (1, 2), np.linspace(0, 100, 11))
    drawn = pd.DataFrame(places, columns=["panel", "group", "cohort", "time"])
    rate = drawn["group"].map(RATES).fillna(0.03)
    return drawn.assign(survival=np.exp(-rate * drawn["time"] * drawn["cohort"]))


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
    figure = replicated_survival_figure(
        replicated_curves(), POINTS, followed(replicated_curves()), NAMES, "months"
    )
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
    drawn = replicated_curves(("",), ("3D-CRT", "IMRT", "SBRT"))
    figure = replicated_survival_figure(drawn, POINTS.iloc[:0], followed(drawn), NAMES, "months")
    axes, table = figure.axes
    assert {text.get_color() for text in table.texts} == {line.get_color() for line in axes.lines}
    numbers = [text.get_text() for text in table.texts if text.get_text().isdigit()]
    assert numbers == [*"444220", *"000222", *"000002"] * 3
    colours = {line.get_color() for line in axes.lines if len(line.get_xdata()) == 11}
    assert len(colours) == 3
    assert not [line for line in axes.lines if len(line.get_xdata()) == 1]
    assert_inside(figure)


def test_more_panels_than_places_leave_the_rest_empty():
    drawn = replicated_curves(("bone", "brain", "liver"))
    figure = replicated_survival_figure(drawn, POINTS.iloc[:0], followed(drawn), NAMES, "months")
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
