"""The love plot: how far the arms differ in every covariate, before and after weighting."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.forest import ROW_HEIGHT, rows_of_labels
from inference.report.figures.style import (
    COMPARATOR,
    DASHED,
    POSTERIOR,
    WIDTH,
    canvas,
    narrow,
    quiet,
    style,
)

CAPTION = (
    "Absolute difference of the arms in the mean of each covariate, in standard deviations: open circles "
    "in the cohort as it is, filled circles after weighting by the score of the main fit's posterior (weighted fits have a score of "
    "their own, and differences of their own). Differences below 0.1 (dashed line) are commonly called balanced; an arrow marks a "
    "difference beyond the axis."
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
    rows, edges, labels = rows_of_labels(list(map(str, ordered["term"])), ROW_HEIGHT)
    figure = canvas(max(1.6, 0.9 + ROW_HEIGHT * (edges[-1] + 0.5)), 0.85 * WIDTH)
    axes = figure.subplots()
    axes.hlines(rows, 0, limit, color="#EEEEEE", linewidth=0.8, zorder=0)
    for sizes, colour, label in ((before, COMPARATOR, "before"), (later, POSTERIOR, after)):
        if not np.isfinite(sizes).any():
            continue
        axes.plot(
            sizes[np.isfinite(sizes)],
            rows[np.isfinite(sizes)],
            "o",
            color=colour,
            markerfacecolor="white" if sizes is before else colour,
            markersize=5,
            label=label,
            clip_on=False,
            zorder=3,
        )
        for row in rows[np.isinf(sizes)]:
            axes.plot(limit, row, ">", color=colour, markersize=5, clip_on=False)
    axes.axvline(BALANCED, **DASHED, zorder=0)
    axes.set_xlim(0, limit)
    axes.set_ylim(edges[-1] + 0.1, -0.6)
    axes.set_yticks(rows, labels=labels)
    axes.set_xlabel("Absolute standardised difference between the arms")
    quiet(axes, left=False)
    figure.legend(loc="outside upper left", ncols=1 if narrow() else 2, handletextpad=0.3)
    return figure
