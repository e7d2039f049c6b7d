"""The hazard ratio interval by interval, with the constant one behind."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.axes import ratio_axis
from inference.report.figures.style import (
    BAND_ALPHA,
    COMPARATOR,
    DASHED,
    POSTERIOR,
    REFERENCE_LINE,
    SMALL,
    canvas,
    quiet,
    style,
)
from inference.report.figures.wording import time_label

CAPTION = (
    "Hazard ratio of treatment against time since time zero: posterior median (steps) and 95 % interval (band) of each interval, "
    "where neighbouring intervals share what they know. Grey: the model with one hazard ratio for all times, median (dashed) and 95 % "
    "interval. A band that holds the grey line everywhere gives no reason to doubt proportional hazards; it does not prove them."
)


@style()
def effect_over_time_figure(
    table: pd.DataFrame, time_unit: str, constant: Sequence[float] | None = None
) -> Figure:
    """Return the figure.

    Parameters
    ----------
    table : DataFrame
        start, end, hazard_ratio, lower, upper; from `inference.sensitivity.over_time.effect_over_time`.
    time_unit : str
    constant : sequence of float, optional
        Hazard ratio of the constant model, with its lower and upper limit.
    """
    figure = canvas(3.1)
    axes = figure.subplots()
    edges = [*table["start"].astype(float), float(table["end"].iloc[-1])]
    middle, lower, upper = (table[name].to_numpy(dtype=float) for name in ("hazard_ratio", "lower", "upper"))
    low, high = min(float(lower.min()), 1.0), max(float(upper.max()), 1.0)
    axes.axhline(1.0, **DASHED)
    if constant is not None:
        low, high = min(low, constant[1]), max(high, constant[2])
        axes.axhspan(constant[1], constant[2], color=COMPARATOR, alpha=0.15, linewidth=0)
        axes.axhline(
            constant[0], color=COMPARATOR, linewidth=1.0, linestyle=(0, (6, 3)), label="the same at all times"
        )
    axes.stairs(upper, edges, baseline=lower, fill=True, color=POSTERIOR, alpha=BAND_ALPHA, linewidth=0)
    axes.stairs(middle, edges, baseline=None, color=POSTERIOR, linewidth=1.8, label="by interval")
    low, high = low * 0.88, high * 1.14  # room for words above and below the band
    ratio_axis(axes, "y", low, high)
    axes.set_ylim(low, high)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel(time_label(time_unit))
    axes.set_ylabel("Hazard ratio, conditional")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.0, fontsize=SMALL)
    for text, edge, side in (("treated fare worse", high, "top"), ("treated fare better", low, "bottom")):
        axes.annotate(
            text,
            (edges[-1], edge),
            xytext=(-4, -3 if side == "top" else 3),
            textcoords="offset points",
            ha="right",
            va=side,
            fontsize=SMALL,
            color=REFERENCE_LINE,
        )
    quiet(axes)
    return figure
