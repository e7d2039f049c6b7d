"""One love plot for all adjustments: how far the arms differ in every covariate, before and after each."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from inference.report.figures.balance import BALANCED
from inference.report.figures.forest import forest_height, rows_of_labels
from inference.report.figures.style import COMPARATOR, CYCLE, DASHED, canvas, narrow, quiet, style
from inference.report.figures.wording import number, words, wrapped

CAPTION = (
    "Absolute difference of the arms in the mean of each covariate, in standard deviations: open circles in the "
    "cohort as it is, filled marks under each adjustment (the mean over its draws of the treatment model), with "
    "the largest of them in the key. Differences below 0.1 (dashed line) are commonly called balanced; an arrow "
    "marks a difference beyond the axis."
)

ROW = 0.25
SPREAD = 0.24  # of the marks of a row, up and down
MARKS = ("o", "s", "D", "^", "v", "P")
COLOURS = (CYCLE[0], CYCLE[4], CYCLE[2], CYCLE[3], CYCLE[5], CYCLE[1])


@style()
def balance_by_adjustment_figure(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Return a love plot with a mark for each adjustment.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By adjustment, from `inference.adjustments.weighting.balance_of_designs`: ``term, difference_before, difference_after``, of
        the same cohort. A difference may be NaN (not drawn) or inf (arms that differ and do not vary).
    """
    if not tables:
        raise ValueError("tables must hold at least one adjustment, but found none")
    first = next(iter(tables.values())).set_index("term")
    before = first["difference_before"].abs().sort_values(ascending=False, kind="stable")
    after = {
        name: table.set_index("term")["difference_after"].abs().reindex(before.index).to_numpy(dtype=float)
        for name, table in tables.items()
    }
    drawn = np.concatenate([before.to_numpy(dtype=float), *after.values()])
    limit = max(2 * BALANCED, 1.06 * float(drawn[np.isfinite(drawn)].max(initial=0.0)))
    rows, edges, labels = rows_of_labels(list(map(str, before.index)), ROW)
    figure = canvas(forest_height(0, 1.1) + ROW * (edges[-1] + 0.5))
    axes = figure.subplots()
    for above, below in zip(edges[:-1:2], edges[1::2], strict=True):
        axes.axhspan(above, below, color="#F5F5F5", linewidth=0, zorder=0)
    axes.axvline(BALANCED, **DASHED, zorder=1)
    _draw(axes, before.to_numpy(dtype=float), rows, limit, "o", COMPARATOR, "before", filled=False)
    offsets = np.linspace(-SPREAD, SPREAD, len(after)) if len(after) > 1 else np.zeros(1)
    for position, (name, sizes) in enumerate(after.items()):
        mark, colour = MARKS[position % len(MARKS)], COLOURS[position % len(COLOURS)]
        _draw(axes, sizes, rows + offsets[position], limit, mark, colour, wrapped(words(name), 28))
    axes.set_xlim(0, limit)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.set_ylim(edges[-1], -0.5)
    axes.set_yticks(rows, labels=labels)
    axes.set_xlabel("Absolute standardised difference between the arms")
    quiet(axes, left=False)
    figure.legend(
        loc="outside upper left",
        ncols=min(1 if narrow() else 4, len(after) + 1),
        handletextpad=0.3,
        columnspacing=1.6,
    )
    return figure


def _draw(
    axes: Axes,
    sizes: np.ndarray,
    rows: np.ndarray,
    limit: float,
    mark: str,
    colour: str,
    label: str,
    *,
    filled: bool = True,
) -> None:
    finite = np.isfinite(sizes)
    known = sizes[~np.isnan(sizes)]
    largest = f"\nlargest {number(float(known.max()), 2)}" if len(known) else ""
    axes.plot(
        sizes[finite],
        rows[finite],
        mark,
        color=colour,
        markerfacecolor=colour if filled else "white",
        markeredgewidth=0.6 if filled else 1.0,
        markeredgecolor="white" if filled else colour,
        markersize=5.5 if mark == "o" else 4.8,
        label=label + largest.replace("not reached", "infinite"),
        clip_on=not finite.any(),  # a line without points would count as drawn in the corner of the figure
        zorder=3 if filled else 2,
    )
    for row in rows[np.isinf(sizes)]:
        axes.plot(limit, row, ">", color=colour, markersize=5, clip_on=False)
