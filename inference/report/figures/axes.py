"""What the axes of several figures share: ratios on a log scale, survival in percent, texts at the right."""

from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from inference.report.figures.wording import ratio_ticks


def ratio_axis(axes: Axes, side: Literal["x", "y"], low: float, high: float) -> None:
    """Set ratios on a log scale, with round numbers between two limits as ticks; the limits of the axes are left alone."""
    axis = axes.xaxis if side == "x" else axes.yaxis
    axes.set(**{f"{side}scale": "log"})
    ticks = ratio_ticks(low, high)
    axis.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def survival_axis(axes: Axes) -> None:
    """Set survival from 0 to 100 %."""
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def at_right(axes: Axes, height: float, text: str, offset: float, **look: Any) -> None:
    """Print a text to the right of the axes, at a height in its data and so many points away."""
    axes.annotate(
        text,
        (1.0, height),
        xycoords=axes.get_yaxis_transform(),
        xytext=(offset, 0),
        textcoords="offset points",
        va="center",
        annotation_clip=False,
        **look,
    )
