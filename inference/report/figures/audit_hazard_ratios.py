"""Hazard ratios that the printed survival implies, interval by interval, beside the printed hazard ratio."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data.published.audit.hazards import IntervalRatio
from data.published.printed import Printed
from inference.report.figures.axes import ratio_axis
from inference.report.figures.style import (
    BAND_ALPHA,
    COMPARATOR,
    DASHED,
    POSTERIOR,
    SMALL,
    WIDTH,
    beside,
    quiet,
    style,
)
from inference.report.figures.wording import time_label

CAPTION = (
    "Hazard ratio of treatment in each interval between the times of which survival is printed, computed from "
    "the printed survival of both arms: points with 95 % intervals, which are at their narrowest because they "
    "assume that nobody was censored before. The grey line and band are the printed hazard ratio and its 95 % "
    "interval. Points at one height mean proportional hazards; below 1 treatment helps."
)

TITLES = {"before": "Before matching", "after": "After matching"}


@style()
def audit_hazard_ratios_figure(
    ratios: Mapping[str, Sequence[IntervalRatio]],
    printed: Mapping[str, Printed | None],
    unit: str = "",
) -> Figure:
    """Return implied hazard ratios over time, one panel for each phase of the study.

    Parameters
    ----------
    ratios : mapping of str to sequence of IntervalRatio
        By phase, "before" or "after" matching, in the order of the panels; from `data.published.audit.hazards.interval_ratios`.
    printed : mapping of str to Printed or None
        The printed hazard ratio of each phase, None where none is printed.
    unit : str
        Of time.
    """
    shown = {phase: list(found) for phase, found in ratios.items() if found}
    if not shown:
        raise ValueError("hazard ratios must be of at least one interval, but found none")
    ends = [end for found in shown.values() for one in found for end in one.interval]
    ends += [end for one in printed.values() if one is not None for end in one.interval or ()]
    limits = (0.92 * min([*ends, 1.0]), 1.08 * max([*ends, 1.0]))
    figure, panels = beside(2.9, len(shown), WIDTH if len(shown) > 1 else 0.62 * WIDTH, sharey=True)
    for axes, (phase, found) in zip(panels, shown.items(), strict=True):
        _band(axes, printed.get(phase), max(one.end for one in found))
        _intervals(axes, found)
        ratio_axis(axes, "y", *limits)
        axes.set_ylim(*limits)
        times = sorted({0.0, *(one.start for one in found), *(one.end for one in found)})
        axes.set_xticks(times, labels=[f"{time:g}" for time in times])
        axes.set_xlim(0, 1.02 * times[-1])
        axes.axhline(1.0, **DASHED, zorder=0)
        axes.set_xlabel(time_label(unit))
        if len(shown) > 1:
            axes.set_title(TITLES.get(phase, phase))
        quiet(axes)
    panels[0].set_ylabel("Hazard ratio, treated to control")
    return figure


def _band(axes: Axes, printed: Printed | None, last: float) -> None:
    if printed is None or printed.interval is None:
        return
    axes.axhspan(*printed.interval, color=COMPARATOR, alpha=BAND_ALPHA, linewidth=0)
    axes.axhline(printed.value, color=COMPARATOR, linewidth=1.0)
    axes.text(
        0.985 * last,
        printed.interval[0] * 0.975,
        f"printed {printed.text}",
        color=COMPARATOR,
        fontsize=SMALL,
        ha="right",
        va="top",
    )


def _intervals(axes: Axes, found: Sequence[IntervalRatio]) -> None:
    for one in found:
        middle = (one.start + one.end) / 2
        axes.plot([one.start, one.end], [one.ratio] * 2, color=POSTERIOR, linewidth=1.2)
        axes.plot([middle] * 2, one.interval, color=POSTERIOR, linewidth=1.5, solid_capstyle="butt")
        axes.plot(middle, one.ratio, "o", color=POSTERIOR, markersize=5)
        axes.annotate(
            f"{one.ratio:.2f}",
            (middle, one.ratio),
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=SMALL,
            color=POSTERIOR,
        )
