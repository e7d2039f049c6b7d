"""Risk of harm with and without a drug, by series and in a typical one, against the historical range."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from inference.report.figures.axes import at_right
from inference.report.figures.style import (
    ARM_COLOURS,
    COMPARATOR,
    CYCLE,
    PRIOR,
    SMALL,
    canvas,
    narrow,
    quiet,
    style,
)
from inference.report.figures.wording import wrapped

CAPTION = (
    "Risk of radionecrosis in each published arm: what its counts say alone (thin, open: share with exact 95 % "
    "interval) and what the model says (filled: median and 95 % interval), which lets series share what they know. "
    "Below, a typical series, whose definition of radionecrosis is in the middle. The grey band is the range that the "
    "review gives for radiotherapy without the drug. None of this was randomised."
)
EXPOSURE_COLOURS = {
    "none": ARM_COLOURS["control"],
    "any": ARM_COLOURS["treated"],
    "sequential": CYCLE[2],
    "concurrent": CYCLE[3],
}
ROW = 0.27


@style()
def toxicity_figure(
    risks: pd.DataFrame, historical: tuple[float, float], exposure_words: Mapping[str, str]
) -> Figure:
    """Return risks with and without a drug, one row an arm.

    Parameters
    ----------
    risks : DataFrame
        ``series, exposure, cases, size, crude, crude_lower, crude_upper, median, lower, upper`` (shares); series is empty
        for a typical one, which has no counts.
    historical : tuple of float
        Lowest and highest share without the drug, elsewhere.
    exposure_words : mapping of str to str
        Words for the exposures none, any, sequential and concurrent.
    """
    names = list(dict.fromkeys(risks["series"]))
    rows = len(risks) + len(names)
    figure = canvas(0.9 + ROW * rows)
    axes = figure.subplots()
    axes.axvspan(*historical, color=PRIOR, alpha=0.25, linewidth=0, zorder=0)
    position, ticks = 0, []
    for name in names:
        ticks.append((position, wrapped(name or "A typical series", 30), True))
        position += 1
        for _, arm in risks[risks["series"] == name].iterrows():
            ticks.append((position, exposure_words[arm["exposure"]], False))
            _draw_arm(axes, position, arm)
            position += 1
    axes.set_yticks([place for place, _, _ in ticks], labels=[label for _, label, _ in ticks])
    for tick, (_, _, bold) in zip(axes.get_yticklabels(), ticks, strict=True):
        tick.set_fontweight("bold" if bold else "normal")
    axes.set_ylim(position - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("Risk of radionecrosis")
    low, high = (f"{100 * end:g}" for end in historical)
    axes.annotate(
        wrapped(f"{low}\N{EN DASH}{high} %: range without the drug, by the review", 30 if narrow() else 60),
        (0.0 if narrow() else historical[1], 1.0),
        xycoords=axes.get_xaxis_transform(),
        xytext=(4, 3),
        textcoords="offset points",
        fontsize=SMALL,
        color=COMPARATOR,
        va="bottom",
    )
    quiet(axes, left=False)
    return figure


def _draw_arm(axes: Axes, position: int, arm: pd.Series) -> None:
    """Draw an arm: counts alone above, model below, and the counts at the right."""
    colour = EXPOSURE_COLOURS[str(arm["exposure"])]
    counted = not pd.isna(arm["crude"])
    height = position + (0.14 if counted else 0.0)
    axes.plot([arm["lower"], arm["upper"]], [height] * 2, color=colour, linewidth=2.0, solid_capstyle="butt")
    axes.plot(arm["median"], height, "o", color=colour, markersize=5)
    if not counted:
        return
    above = position - 0.16
    axes.plot(
        [arm["crude_lower"], arm["crude_upper"]],
        [above] * 2,
        color=colour,
        linewidth=0.8,
        solid_capstyle="butt",
    )
    axes.plot(arm["crude"], above, "o", color=colour, markerfacecolor="white", markersize=4.5)
    at_right(axes, position, f"{arm['cases']:.0f} of {arm['size']:.0f}", 6, fontsize=SMALL, color=colour)
