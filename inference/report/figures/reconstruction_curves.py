"""Published survival curves: the points read over the curves of the cohorts of pseudo-patients, and their distances."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.axes import survival_axis
from inference.report.figures.risk_table import LINE, Followed, table_below
from inference.report.figures.style import (
    ARM_COLOURS,
    OBSERVED,
    REFERENCE_LINE,
    SMALL,
    WIDTH,
    canvas,
    narrow,
    quiet,
    style,
)
from inference.report.figures.wording import time_label, wrapped

CAPTION = (
    "Above: black dots are the points read from the published figure, thin steps the Kaplan-Meier curves of the cohorts of "
    "pseudo-patients, one line each. Below: how far each cohort's curve is from each point, in units of what the reading tells apart (a "
    "pixel, where pixels were read); grey is the tolerance. Of a curve at most 200 points are aimed at. A difference that all points share is an error of the figure's axes, which is "
    "drawn with the cohort. Numbers at the bottom are means over the cohorts."
)


@style()
def reconstruction_curves_figure(
    readings: pd.DataFrame,
    curves: pd.DataFrame,
    followed: Mapping[tuple[str, str], Followed],
    tolerance: float,
    time_unit: str,
    labels: Mapping[str, str],
) -> Figure:
    """Return for each published figure the curves, their distances from the points read, and mean numbers at risk.

    Parameters
    ----------
    readings, curves : DataFrame
        From `inference.published.cohort_differences.curve_readings` and `cohort_curves`.
    followed : mapping
        By figure and arm: of all cohorts, of which numbers are means.
    tolerance : float
        In units of what the reading tells apart.
    time_unit : str
    labels : mapping of str to str
        Of the arms, "treated" and "control".
    """
    names = list(readings["figure"].drop_duplicates())
    cohorts = readings["cohort"].nunique()
    columns = 1 if narrow() else len(names)
    lines, table = len(names) // columns, 8 * LINE
    figure = canvas((4.2 + table) * lines, WIDTH if columns > 1 else 0.7 * WIDTH)
    panels = figure.subplots(3 * lines, columns, squeeze=False, height_ratios=[3.0, 1.2, table] * lines)
    for place, name in enumerate(names):
        row, column = divmod(place, columns)
        above, below, at_risk = panels[3 * row : 3 * row + 3, column]
        read, drawn = readings[readings["figure"] == name], curves[curves["figure"] == name]
        below.axhspan(-tolerance, tolerance, color="#EEEEEE", linewidth=0)
        below.axhline(0, color=REFERENCE_LINE, linewidth=0.6)
        for arm, colour in ARM_COLOURS.items():
            for _, one in drawn[drawn["arm"] == arm].groupby("cohort"):
                above.step(
                    one["time"], one["survival"], where="post", color=colour,
                    linewidth=0.6, alpha=max(0.12, min(0.7, 6 / cohorts)),
                )  # fmt: skip
            points = read[read["arm"] == arm]
            once = points[points["cohort"] == points["cohort"].min()]
            above.plot(
                once["time"], once["survival"], ".", color=OBSERVED, markersize=1.6, zorder=4, rasterized=True
            )
            limit = 2 * tolerance
            off = np.clip(points["off"], -limit, limit)
            below.scatter(points["time"], off, s=1.5, color=colour, alpha=0.35, linewidths=0, rasterized=True)
        above.set_title(wrapped(name, 40) if len(names) > 1 else "")
        survival_axis(above)
        above.set_ylabel("Survival (Kaplan-Meier)")
        above.tick_params(labelbottom=False)
        below.set_ylim(-2 * tolerance, 2 * tolerance)
        below.set_ylabel("Cohort − read")
        below.set_xlabel(time_label(time_unit))
        end = float(drawn["time"].max())
        own = {arm: followed[name, arm] for arm in labels if (name, arm) in followed}
        table_below(below, at_risk, end, own, labels, width=80 // columns, named=column == 0)
        above.set_xlim(0, end)
        above.set_xticks(below.get_xticks())
        for axes in (above, below):
            quiet(axes)
        texts = [(labels[arm], colour) for arm, colour in ARM_COLOURS.items() if (read["arm"] == arm).any()]
        texts += [(f"{cohorts} cohorts of pseudo-patients; black: read from print", OBSERVED)]
        for line, (text, colour) in enumerate(texts):
            above.text(
                0.98, 0.97 - 0.07 * line, wrapped(text, 60), transform=above.transAxes,
                fontsize=SMALL, color=colour, ha="right", va="top",
            )  # fmt: skip
    return figure
