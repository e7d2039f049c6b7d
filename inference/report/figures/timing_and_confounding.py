"""What is left of the effect where treatment began late and a harmful condition was overlooked: a surface over both."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator

from inference.report.figures.rendering import lay_out
from inference.report.figures.style import OBSERVED, POSTERIOR, SMALL, beside, narrow, quiet, style
from inference.report.figures.wording import ratio_ticks

CAPTION = (
    "Both at once: treatment began later than time zero, after an exponential delay with the mean on the horizontal axis, and a "
    "harmful condition was overlooked that multiplies the hazard by the number on the vertical axis and is as many times more "
    "common among those who were not to be treated. Thin lines join the combinations that leave the same hazard ratio (first panel) or the "
    "same difference in restricted mean survival time (second; posterior medians). On the thick line the probability of benefit is "
    "0.95: it is higher towards the lower left. The lower edge is the delay alone, the left edge the condition alone."
)
SHADES = ("#CFE1EF", "#F2EDF3", "#F6DCEB")  # benefit at least 0.95; less; harm more probable than benefit
EDGES = (-0.1, 0.5, 0.95, 1.1)


@style()
def timing_and_confounding_figure(surface: pd.DataFrame, unit: str, horizon: float, certain: float) -> Figure:
    """Return contours of hazard ratio and RMST difference over delay and strength.

    Parameters
    ----------
    surface : DataFrame
        delay (months), strength, hazard_ratio, rmst_difference (time unit), probability_of_benefit; every pair of a grid.
    unit : str
        Time unit of the restricted mean.
    horizon : float
        Of the restricted mean.
    certain : float
        Probability of benefit of the thick line.
    """
    figure, (left, right) = beside(3.7, 2, sharey=True)
    for axes, name in ((left, "hazard_ratio"), (right, "rmst_difference")):
        _draw(axes, surface, name, certain)
    left.set_ylabel("Hazard ratio of the overlooked condition,\nand how many times more common it is")
    left.set_title("Hazard ratio of treatment")
    right.set_title(f"Difference in restricted mean, {horizon:g} {unit}")
    thick = Line2D([], [], color=OBSERVED, linewidth=2.0, label=f"probability of benefit {certain:g}")
    likelier = Patch(color=SHADES[2], label="harm more probable than benefit")
    figure.legend(handles=[thick, likelier], loc="outside lower center", ncols=1 if narrow() else 2)
    lay_out(figure)
    return figure


def _draw(axes: Axes, surface: pd.DataFrame, name: str, certain: float) -> None:
    def table(column: str) -> pd.DataFrame:
        return surface.pivot(index="strength", columns="delay", values=column)

    axes.set_yscale("log")
    values, benefit = table(name), table("probability_of_benefit").to_numpy(dtype=float)
    delay, strength = values.columns.to_numpy(dtype=float), values.index.to_numpy(dtype=float)
    axes.contourf(delay, strength, benefit, levels=EDGES, colors=SHADES[::-1], zorder=0)
    shown = values.to_numpy(dtype=float)
    levels = _levels(name, float(shown.min()), float(shown.max()))
    if levels:
        lines = axes.contour(
            delay, strength, shown, levels=levels, colors=POSTERIOR, linewidths=0.8, linestyles="solid"
        )
        paths = [np.asarray(path.vertices) for path in lines.get_paths()]
        middles = [places[len(places) // 2] for places in paths]
        axes.clabel(lines, manual=middles, fmt=_label, fontsize=SMALL, inline_spacing=3, zorder=3)
    if benefit.min() < certain < benefit.max():
        axes.contour(delay, strength, benefit, levels=[certain], colors=OBSERVED, linewidths=2.0, zorder=2)
    ticks = [tick for tick in (1, 1.5, 2, 2.5, 3, 4, 6) if tick <= strength[-1] * 1.001]
    axes.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 3, 4, 5, 6, 10]))
    axes.set_xlabel("Mean delay of treatment (months)")
    quiet(axes)


def _levels(name: str, lowest: float, highest: float) -> list[float]:
    """Return round values of the thin lines within the surface's range."""
    if name == "hazard_ratio":
        ticks = ratio_ticks(lowest, highest)
    else:
        ticks = list(MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]).tick_values(lowest, highest))
    return sorted(float(tick) for tick in ticks if lowest < tick < highest)


def _label(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
