"""Points with intervals, one below the other: what forest, RMST, prior-set and LOO figures share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference.report.figures.axes import at_right, ratio_axis
from inference.report.figures.style import (
    BACKED,
    DASHED,
    POSTERIOR,
    SMALL,
    WIDTH,
    canvas,
    narrow,
    quiet,
)
from inference.report.figures.wording import wrapped

ROW_HEIGHT = 0.21
LABEL_LINE = 0.15
"""Inches a row, and a line of a label."""
NARROW_SMALL = 6.5
NARROW_SHARE = 0.84
"""In one column: size of text, and of the widths of columns of text."""


@dataclass(frozen=True)
class ForestRow:
    """One line of a forest plot."""

    label: str  # printed at the left
    # point and interval; NaN where there is none
    estimate: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    colour: str = POSTERIOR
    marker: str = "o"
    filled: bool = True  # whether the marker is filled
    columns: tuple[str, ...] = ()  # texts printed at the right
    # a second interval, drawn thin and grey behind the first (a prior)
    behind: tuple[float, float] | None = None
    heading: bool = False  # true for a line that only names what follows


def heading(label: str) -> ForestRow:
    """Return a line that names the rows below it."""
    return ForestRow(label, heading=True)


def forest_limits(rows: Sequence[ForestRow], reference: float, *, log: bool) -> tuple[float, float]:
    """Return axis limits that hold every point, and every interval that is not absurdly wide.

    Intervals that reach further than six median widths beyond the points are cut, and drawn with an arrow;
    intervals behind (priors) already at one and a half.
    """
    scale = math.log if log else float
    points = [scale(row.estimate) for row in rows if _drawable(row.estimate, log)]
    ends = [
        (scale(row.lower), scale(row.upper))
        for row in rows
        if _drawable(row.lower, log) and _drawable(row.upper, log)
    ]
    start = scale(reference)
    widths = [upper - lower for lower, upper in ends]
    width = float(np.median(widths)) if widths else 1.0
    lowest, highest = min([start, *points]), max([start, *points])
    behind = [
        (scale(row.behind[0]), scale(row.behind[1]))
        for row in rows
        if row.behind is not None and all(_drawable(end, log) for end in row.behind)
    ]
    reached = [(ends, 6 * width), (behind, 1.5 * width)]
    low = min([lowest, *(max(lower, lowest - most) for pairs, most in reached for lower, _ in pairs)])
    high = max([highest, *(min(upper, highest + most) for pairs, most in reached for _, upper in pairs)])
    margin = 0.06 * (high - low) or 0.1
    low, high = low - margin, high + margin
    return (math.exp(low), math.exp(high)) if log else (low, high)


def _drawable(value: float, log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not log)


def forest_figure(
    rows: Sequence[ForestRow],
    xlabel: str,
    *,
    reference: float,
    log: bool = False,
    headers: Sequence[str] = (),
    widths: Sequence[float] = (),
    around: float = 0.75,
    width: float = WIDTH,
) -> Figure:
    """Return a figure of one forest.

    Parameters
    ----------
    rows, reference, log, headers, widths
        As of `draw_forest`.
    xlabel : str
    around : float
        Inches above and below the rows.
    width : float
        In inches.
    """
    lines = sum(row.label.count("\n") + 1 for row in rows)
    height = round(positions(rows)[-1]) + 1 if narrow() and rows else lines
    figure = canvas(forest_height(height, around), width)
    axes = figure.subplots()
    draw_forest(axes, rows, reference=reference, log=log, headers=headers, widths=widths)
    axes.set_xlabel(xlabel)
    return figure


def positions(rows: Sequence[ForestRow]) -> list[float]:
    """Return the height of each row, counted downwards; in one column a label has a line of its own above its interval."""
    if not narrow():
        return [float(place) for place in range(len(rows))]
    heights, at = [], 0.0
    for row in rows:
        lines = 0 if row.heading or not row.label else row.label.count("\n") + 1
        heights.append(at + 0.85 * lines)
        at = heights[-1] + 1.0
    return heights


def rows_of_labels(labels: Sequence[str], row: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return the middles of rows whose labels stand beside the axes, their edges, and the labels in lines that leave the axes room.

    Parameters
    ----------
    labels : sequence of str
    row : float
        Height of a row with a label of one line, in inches: the unit of middles and edges.
    """
    broken = [wrapped(label, 18 if narrow() else 40) for label in labels]
    needed = np.array([max(1.0, LABEL_LINE * (text.count("\n") + 1) / row) for text in broken])
    edges = np.append(0.0, needed.cumsum()) - 0.5
    return (edges[1:] + edges[:-1]) / 2, edges, broken


def draw_forest(
    axes: Axes,
    rows: Sequence[ForestRow],
    *,
    reference: float,
    log: bool = False,
    labels: bool = True,
    headers: Sequence[str] = (),
    widths: Sequence[float] = (),
) -> None:
    """Draw rows from top to bottom, a line at the reference, and texts in columns at the right.

    Parameters
    ----------
    axes : Axes
    rows : sequence of ForestRow
    reference : float
        Value of no difference.
    log : bool
        Log axis, with round ratios as ticks.
    labels : bool
        Print the rows' labels; False for the second of two aligned axes.
    headers : sequence of str
        Headings of the text columns.
    widths : sequence of float
        Their widths in points.
    """
    limits = forest_limits(rows, reference, log=log)
    axes.axvline(reference, **DASHED, zorder=0)
    if log:
        ratio_axis(axes, "x", *limits)
    axes.set_xlim(*limits)
    if narrow():
        axes.tick_params(axis="x", labelsize=NARROW_SMALL)
        widths = [NARROW_SHARE * width for width in widths]
    heights = positions(rows)
    for position, row in zip(heights, rows, strict=True):
        if row.behind is not None:
            _draw_interval(axes, position - 0.22, row.behind, limits, "#999999", 1.0)
        if not row.heading:
            _draw_row(axes, position, row, limits)
        _print_columns(axes, position, row.columns, widths)
    _print_columns(axes, -1, headers, widths, weight="bold")
    axes.set_ylim((heights[-1] if rows else 0) + 0.6, -0.6)
    if narrow():
        _print_labels(axes, rows, heights)
    else:
        axes.set_yticks(heights, labels=[row.label if labels else "" for row in rows])
        for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
            tick.set_fontweight("bold" if row.heading else "normal")
    quiet(axes, left=False)


def _print_labels(axes: Axes, rows: Sequence[ForestRow], heights: Sequence[float]) -> None:
    """Print each label above its interval, over the whole width; the axes need not make room for it."""
    axes.set_yticks([])
    for position, row in zip(heights, rows, strict=True):
        lines = 0 if row.heading else row.label.count("\n") + 1
        axes.text(
            0.0,
            position - 0.85 * lines / 2 - (0.1 if lines else 0.0),
            row.label.strip(),
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=NARROW_SMALL,
            fontweight="bold" if row.heading else "normal",
            bbox=BACKED,
        ).set_in_layout(False)


def _draw_row(axes: Axes, position: float, row: ForestRow, limits: tuple[float, float]) -> None:
    if math.isnan(row.estimate):
        return
    if not math.isnan(row.lower) and not math.isnan(row.upper):
        _draw_interval(axes, position, (row.lower, row.upper), limits, row.colour, 1.5)
    axes.plot(
        row.estimate,
        position,
        marker=row.marker,
        color=row.colour,
        markerfacecolor=row.colour if row.filled else "white",
        markersize=5,
        linestyle="none",
    )


def _draw_interval(
    axes: Axes,
    position: float,
    ends: tuple[float, float],
    limits: tuple[float, float],
    colour: str,
    width: float,
) -> None:
    axes.plot(np.clip(ends, *limits), [position] * 2, color=colour, linewidth=width, solid_capstyle="butt")
    for limit, beyond, arrow in (
        (limits[0], ends[0] < limits[0], "<"),
        (limits[1], ends[1] > limits[1], ">"),
    ):
        if beyond:
            axes.plot(limit, position, arrow, color=colour, markersize=2.5 * width, clip_on=False)


def _print_columns(
    axes: Axes, position: float, columns: Sequence[str], widths: Sequence[float], weight: str = "normal"
) -> None:
    offset = 8.0
    for text, width in zip(columns, widths, strict=False):
        size = NARROW_SMALL if narrow() else SMALL
        at_right(axes, position, text, offset, fontsize=size, fontweight=weight)
        offset += width


def forest_height(rows: int, around: float = 0.75) -> float:
    """Return the height in inches of a figure of so many rows."""
    return max(1.6, around + ROW_HEIGHT * rows)
