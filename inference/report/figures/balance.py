"""The love plot: how far the arms differ in every covariate, before and after weighting."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.forest import forest_height
from inference.report.figures.style import (
    COMPARATOR,
    POSTERIOR,
    REFERENCE_LINE,
    SMALL,
    WIDTH,
    canvas,
    narrow,
    quiet,
    style,
)
from inference.report.figures.wording import wrapped

CAPTION = (
    "Absolute difference of the arms in the mean of each covariate, in standard deviations: open circles "
    "in the cohort as it is, filled circles after weighting. Differences below 0.1 (dashed line) are "
    "commonly called balanced; an arrow marks a difference beyond the axis."
)

BALANCED = 0.1


@style()
def balance_figure(table: pd.DataFrame, after: str = "after weighting") -> Figure:
    """Return a love plot.

    Parameters
    ----------
    table : DataFrame
        From `inference.frequentist.balance.standardised_differences`: ``term, difference_before, difference_after``;
        the last may be NaN (no weights) and both inf (arms that differ and do not vary).
    after : str
        What was done between before and after.
    """
    ordered = table.assign(size=table["difference_before"].abs()).sort_values(
        "size", ascending=False, kind="stable"
    )
    before = ordered["size"].to_numpy(dtype=float)
    later = ordered["difference_after"].abs().to_numpy(dtype=float)
    both = np.concatenate([before, later])
    limit = max(2 * BALANCED, 1.08 * float(both[np.isfinite(both)].max(initial=0.0)))
    figure = canvas(forest_height(len(ordered), 0.9), 0.85 * WIDTH)
    axes = figure.subplots()
    rows = np.arange(len(ordered))
    axes.hlines(rows, 0, limit, color="#EEEEEE", linewidth=0.8, zorder=0)
    for sizes, colour, filled in ((before, COMPARATOR, False), (later, POSTERIOR, True)):
        if not np.isfinite(sizes).any():
            continue
        axes.plot(
            sizes[np.isfinite(sizes)],
            rows[np.isfinite(sizes)],
            "o",
            color=colour,
            markerfacecolor=colour if filled else "white",
            markersize=5,
            clip_on=False,
            zorder=3,
        )
        for row in rows[np.isinf(sizes)]:
            axes.plot(limit, row, ">", color=colour, markersize=5, clip_on=False)
    axes.axvline(BALANCED, color=REFERENCE_LINE, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    axes.set_xlim(0, limit)
    axes.set_ylim(len(ordered) - 0.4, -0.6)
    axes.set_yticks(rows, labels=[wrapped(term, 40) for term in ordered["term"]])
    axes.set_xlabel("Absolute standardised difference between the arms")
    quiet(axes, left=False)
    texts = [("○ before", COMPARATOR)] + ([(f"● {after}", POSTERIOR)] if np.isfinite(later).any() else [])
    for position, (text, colour) in enumerate(texts):
        axes.annotate(
            text,
            (0.28 * position if narrow() else 0.18 * position, 1.0),
            xycoords="axes fraction",
            xytext=(0, 4),
            textcoords="offset points",
            color=colour,
            fontsize=SMALL,
            va="bottom",
        )
    return figure
