"""Prior survival with printed points: bands are quantiles, points are where they were printed."""

import numpy as np
from numpy.testing import assert_allclose

from inference.report.figures.prior_points import PrintedPoint, prior_points_figure
from inference.report.figures.style import ARM_COLOURS

TIMES = np.linspace(0, 100, 51)
RATES = np.linspace(0.001, 0.1, 1001)
LABELS = {"treated": "Radiotherapy", "control": "No radiotherapy"}
POINTS = [
    PrintedPoint(12.0, 0.95, "treated"),
    PrintedPoint(12.0, 0.84, "control"),
    PrintedPoint(60.0, 0.22, "control", "after"),
]


def test_every_set_has_a_panel_with_its_own_bands_and_all_points(assert_inside, texts):
    curves = {f"set {place}": np.exp(-np.outer(place * RATES, TIMES)) for place in (1, 2, 3, 4)}
    figure = prior_points_figure(TIMES, curves, POINTS, LABELS, "months")
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in panels] == list(curves)
    for axes, survival in zip(panels, curves.values(), strict=True):
        assert_allclose(axes.lines[0].get_ydata(), np.median(survival, axis=0))
        marks = [
            (line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines[1:] if len(line.get_xdata())
        ]
        assert marks == [(point.time, point.survival) for point in POINTS]
        edge = axes.collections[0].get_paths()[0].vertices
        assert_allclose(edge[:, 1].max(), 1.0)
        at_end = edge[np.isclose(edge[:, 0], 100.0), 1]
        assert_allclose([at_end.min(), at_end.max()], np.quantile(survival[:, -1], [0.025, 0.975]), rtol=1e-6)
    shown = texts(figure)
    assert "Radiotherapy, before matching" in shown
    assert "No radiotherapy, after matching" in shown
    assert not any("Radiotherapy, after" in text and "No" not in text for text in shown)
    assert_inside(figure)


def test_points_after_matching_are_hollow_and_the_key_of_one_panel_is_whole(assert_inside):
    figure = prior_points_figure(
        TIMES, {"default": np.exp(-np.outer(RATES, TIMES))}, POINTS, LABELS, "months"
    )
    faces = [line.get_markerfacecolor() for line in figure.axes[0].lines[1:4]]
    assert faces == [ARM_COLOURS["treated"], ARM_COLOURS["control"], "white"]
    others = [PrintedPoint(36.0, 0.5, "treated", "after")]
    assert_inside(
        prior_points_figure(
            TIMES, {"default": np.exp(-np.outer(RATES, TIMES))}, POINTS + others, LABELS, "months"
        )
    )
