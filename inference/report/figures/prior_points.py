"""What the priors alone say about survival, with the points that a publication prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from inference.report.figures.axes import survival_axis
from inference.report.figures.style import (
    ARM_COLOURS,
    OBSERVED,
    PRIOR,
    SMALL,
    WIDTH,
    canvas,
    narrow,
    quiet,
    style,
)
from inference.report.figures.wording import time_label, wrapped

CAPTION = (
    "Survival of an untreated patient with average covariates as each prior set alone has it (median, and the "
    "intervals that hold 50 % and 95 % of the curves), with the survival that the publication prints for each "
    "arm. Whether a prior was stated, or moved, with such points in view is for its reason to say. Points should lie inside the bands, "
    "and the bands should hold little that a clinician would call impossible. The treated arm's points are shown for comparison: "
    "the curves are of untreated patients."
)
COLUMNS = 3
ARM_MARKERS = {"treated": "^", "control": "o"}
PHASE_FILL = {"before": True, "after": False}


@dataclass(frozen=True)
class PrintedPoint:
    """A survival probability that a publication prints."""

    time: float
    survival: float  # between 0 and 1
    arm: str  # "treated" or "control"
    phase: str = "before"  # "before" or "after" matching


@style()
def prior_points_figure(
    times: ArrayLike,
    curves: Mapping[str, ArrayLike],
    points: Sequence[PrintedPoint],
    labels: Mapping[str, str],
    time_unit: str,
) -> Figure:
    """Return the prior predictive survival under each prior set, one panel a set, with the printed points.

    Parameters
    ----------
    times : (time,) array
        Increasing from 0.
    curves : mapping of str to (draw, time) array
        By the words for a prior set: draws of the survival of an untreated patient with average covariates, such
        as those of `inference.predictive.prior_draws.prior_survival`.
    points : sequence of PrintedPoint
    labels : mapping of str to str
        Words for "treated" and "control".
    time_unit : str
        For the axis.
    """
    times = np.asarray(times, dtype=float)
    columns = min(2 if narrow() else COLUMNS, len(curves))
    lines = -(-len(curves) // columns)
    figure = canvas(0.5 + 2.3 * lines, min(WIDTH, 3.6 * columns))
    panels = np.ravel(figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False))
    for axes in panels[len(curves) :]:
        axes.set_visible(False)
    for place, (axes, (name, survival)) in enumerate(zip(panels, curves.items(), strict=False)):
        _draw_bands(axes, times, np.asarray(survival, dtype=float))
        _draw_points(axes, points)
        axes.set_title(wrapped(name, 24))
        if place + columns >= len(curves):
            axes.tick_params(labelbottom=True)
            axes.set_xlabel(time_label(time_unit))
        quiet(axes)
    panels[0].set_xlim(0, times.max())
    survival_axis(panels[0])
    for line in range(lines):
        panels[line * columns].set_ylabel("Survival")
    _name_points(figure, points, labels)
    return figure


def _draw_bands(axes: Axes, times: NDArray, survival: NDArray) -> None:
    for share in (0.95, 0.5):
        low, high = np.quantile(survival, [0.5 - share / 2, 0.5 + share / 2], axis=0)
        axes.fill_between(times, low, high, color=PRIOR, alpha=0.25, linewidth=0)
    axes.plot(times, np.median(survival, axis=0), color=OBSERVED, linewidth=1.2)


def _draw_points(axes: Axes, points: Sequence[PrintedPoint]) -> None:
    for point in points:
        colour = ARM_COLOURS[point.arm]
        axes.plot(
            point.time,
            point.survival,
            marker=ARM_MARKERS[point.arm],
            color=colour,
            markerfacecolor=colour if PHASE_FILL[point.phase] else "white",
            markersize=4.5,
            linestyle="none",
            zorder=3,
        )


def _name_points(figure: Figure, points: Sequence[PrintedPoint], labels: Mapping[str, str]) -> None:
    """Say below the panels what each marker is."""
    kinds = dict.fromkeys((point.arm, point.phase) for point in points)
    handles = []
    for arm, phase in kinds:
        colour = ARM_COLOURS[arm]
        handles += figure.axes[0].plot(
            [],
            [],
            marker=ARM_MARKERS[arm],
            color=colour,
            markerfacecolor=colour if PHASE_FILL[phase] else "white",
            markersize=4.5,
            linestyle="none",
            label=f"{labels[arm]}, {phase} matching",
        )
    if handles:
        columns = 1 if figure.get_size_inches()[0] < WIDTH else 2
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=SMALL)
