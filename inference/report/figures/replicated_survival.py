"""A survival figure of a paper, drawn again from pseudo-patients, with the points that the paper prints."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference.report.figures.axes import survival_axis
from inference.report.figures.risk_table import Followed, above_tables, table_below
from inference.report.figures.style import (
    ARM_COLOURS,
    CYCLE,
    OBSERVED,
    REFERENCE_LINE,
    SMALL,
    WIDTH,
    narrow,
    quiet,
    style,
)
from inference.report.figures.wording import time_label

CAPTION = (
    "Kaplan-Meier curves of pseudo-patients, one line a reconstructed cohort, with what the publication prints: survival "
    "probabilities (diamonds) and medians (bars at one half, with their 95 % interval where it is printed). The lines lie close together "
    "where print ties them down; between the points, and above all at the end, they show what the publication leaves open. No line "
    "is of anybody who was there. Numbers below are means over the cohorts."
)
COLUMNS = 2


@style()
def replicated_survival_figure(
    curves: pd.DataFrame,
    points: pd.DataFrame,
    followed: Mapping[tuple[str, str], Followed],
    labels: Mapping[str, str],
    time_unit: str,
) -> Figure:
    """Return survival curves of all cohorts with the printed points and mean numbers at risk, one panel a part of the study.

    Parameters
    ----------
    curves : DataFrame
        ``panel, group, cohort, time, survival``.
    points : DataFrame
        ``panel, group, kind`` ("survival" or "median")``, time, lower, upper, survival``.
    followed : mapping
        By panel and group: of all cohorts, of which numbers are means.
    labels : mapping of str to str
        Words for groups and panels; others stand as they are.
    time_unit : str
        For the axes.
    """
    panels = list(dict.fromkeys(curves["panel"]))
    columns = min(COLUMNS, len(panels))
    groups = list(dict.fromkeys(curves["group"]))
    colours = _colours(groups)
    width = WIDTH if columns > 1 else 0.7 * WIDTH
    figure, drawn = above_tables(2.4, 4 * len(groups), len(panels), width, COLUMNS)
    lightness = max(0.15, min(0.8, 4.0 / curves["cohort"].nunique()))
    for place, ((axes, table), panel) in enumerate(zip(drawn, panels, strict=True)):
        for _, line in curves[curves["panel"] == panel].groupby(["group", "cohort"], sort=False):
            colour = colours[str(line["group"].iloc[0])]
            axes.step(
                line["time"], line["survival"], where="post", color=colour, linewidth=0.7, alpha=lightness
            )
        _draw_points(axes, points[points["panel"] == panel], colours)
        axes.set_title(labels.get(panel, panel))
        axes.set_xlabel(time_label(time_unit))
        survival_axis(axes)
        first = place % columns == 0
        if first or narrow():
            axes.set_ylabel("Survival of pseudo-patients")
        own = {group: followed[panel, group] for group in groups if (panel, group) in followed}
        headings = {group: labels.get(group, group) for group in groups}
        end = float(curves["time"].max())
        table_below(axes, table, end, own, headings, colours=colours, width=44, named=first)
        quiet(axes)
    handles = [
        drawn[0][0].plot([], [], color=colour, linewidth=2, label=labels.get(group, group))[0]
        for group, colour in colours.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=SMALL)
    return figure


def _colours(groups: list[str]) -> dict[str, str]:
    if set(groups) <= set(ARM_COLOURS):
        return {group: ARM_COLOURS[group] for group in groups}
    return {group: CYCLE[place % len(CYCLE)] for place, group in enumerate(groups)}


def _draw_points(axes: Axes, points: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """Draw printed survival probabilities, and medians with their intervals at one half."""
    if (points["kind"] == "median").any():
        axes.axhline(0.5, color=REFERENCE_LINE, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
    for point in points.to_dict("records"):
        colour = colours[point["group"]]
        if point["kind"] == "median":
            axes.plot([point["lower"], point["upper"]], [0.5, 0.5], color=colour, linewidth=1.6, zorder=3)
        axes.plot(
            point["time"],
            point["survival"],
            marker="|" if point["kind"] == "median" else "D",
            markersize=9 if point["kind"] == "median" else 4,
            markeredgewidth=2 if point["kind"] == "median" else 0.8,
            color=colour,
            markeredgecolor=colour if point["kind"] == "median" else OBSERVED,
            linestyle="none",
            zorder=4,
        )
