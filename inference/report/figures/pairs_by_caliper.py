"""How many pairs a matching finds, and how balanced they are, by the width of the caliper."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference.report.figures.style import COMPARATOR, CYCLE, REFERENCE_LINE, SMALL, beside, quiet, style

CAPTION = (
    "Pairs of pseudo-patients that 1:1 matching without replacement finds within a caliper, and the largest "
    "standardised difference of a covariate that is left among them (mean over cohorts, range shaded). The dashed "
    "line is the published number of pairs; below 0.1, dotted, a difference is usually called small. Greedy matching takes "
    "treated pseudo-patients one after the other, optimal matching all at once. The publication gives neither caliper nor method."
)
METHOD_COLOURS = {"greedy": CYCLE[2], "optimal": CYCLE[3]}


@style()
def pairs_by_caliper_figure(pairs: pd.DataFrame, scale: str, printed: float | None = None) -> Figure:
    """Return pairs and balance by caliper and method.

    Parameters
    ----------
    pairs : DataFrame
        ``cohort, method, caliper, pairs, largest_difference``.
    scale : str
        Words for what the caliper is measured in.
    printed : float, optional
        Published number of pairs.
    """
    figure, (found, balance) = beside(3.0, 2)
    for axes, column in ((found, "pairs"), (balance, "largest_difference")):
        for method, rows in pairs.groupby("method", sort=False):
            _draw_range(axes, rows, column, str(method))
        ticks = sorted(pairs["caliper"].unique())
        axes.set_xscale("log")
        axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks], rotation=60)
        axes.set_xticks([], minor=True)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(f"Caliper ({scale})")
        quiet(axes)
    found.set_ylabel("Pairs")
    balance.set_ylabel("Largest standardised difference")
    balance.axhline(0.1, color=REFERENCE_LINE, linewidth=0.8, linestyle=(0, (1, 2)))
    if printed is not None:
        found.axhline(printed, color=COMPARATOR, linewidth=0.9, linestyle=(0, (4, 3)))
        found.annotate(
            f"published: {printed:.0f}",
            (0.0, printed),
            xycoords=found.get_yaxis_transform(),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=SMALL,
            color=COMPARATOR,
        )
    found.legend(loc="lower right")
    return figure


def _draw_range(axes: Axes, rows: pd.DataFrame, column: str, method: str) -> None:
    by_caliper = rows.groupby("caliper")[column].agg(["mean", "min", "max"])
    colour = METHOD_COLOURS[method]
    axes.plot(by_caliper.index, by_caliper["mean"], marker="o", markersize=3, color=colour, label=method)
    axes.fill_between(
        by_caliper.index, by_caliper["min"], by_caliper["max"], color=colour, alpha=0.18, linewidth=0
    )
