"""Statistics of replicated cohorts, each with the cohort's own value among them."""

import math
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from inference.diagnostics.checks.predictive import two_sided_probability
from inference.report.figures.style import (
    ARM_COLOURS,
    OBSERVED,
    POSTERIOR,
    SMALL,
    canvas,
    narrow,
    quiet,
    style,
)
from inference.report.figures.wording import number, wrapped

CAPTION = (
    "Each histogram is a statistic of the cohorts that the fitted model simulates, computed as a paper "
    "would; the black line is its value in this cohort. p is the two-sided predictive probability of a "
    "value as extreme: small values mean that the model does not reproduce that statistic (among "
    "twenty panels, one may be near 0.05 by chance)."
)

COLUMNS = 4


@dataclass(frozen=True)
class Panel:
    """One statistic: its title, its values in the replicates, its value in the cohort, and its colour."""

    title: str
    values: NDArray[np.float64]
    observed: float
    colour: str = POSTERIOR


@style()
def predictive_statistics_figure(
    replicated: xr.Dataset,
    observed: xr.Dataset,
    time_unit: str,
    treated_label: str = "Treated",
    control_label: str = "Control",
) -> Figure:
    """Return the replicated distributions of the statistics of a survival paper.

    Parameters
    ----------
    replicated : Dataset
        From `inference.predictive.replicates.statistics.replicate_statistics`.
    observed : Dataset
        The same of the cohort itself: one replicate.
    time_unit, treated_label, control_label : str
        For the titles.
    """
    labels = {"treated": treated_label, "control": control_label}
    return panels_figure(_panels(replicated, observed, time_unit, labels))


def panels_figure(panels: list[Panel | None]) -> Figure:
    """Return one histogram a statistic, four in a row; None leaves a place empty."""
    columns = 2 if narrow() else COLUMNS
    rows = math.ceil(len(panels) / columns)
    figure = canvas(1.55 * rows + 0.2)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip_longest(grid, panels):
        if panel is None:
            axes.set_axis_off()
        else:
            _draw(axes, panel)
    return figure


def _panels(
    replicated: xr.Dataset, observed: xr.Dataset, time_unit: str, labels: dict[str, str]
) -> list[Panel | None]:
    """Return the panels row by row, so that the arms stand side by side."""
    own = observed.isel(replicate=0)
    panels: list[Panel | None] = [
        Panel(title, np.exp(replicated[name].to_numpy()), float(np.exp(own[name])))
        for name, title in (
            ("cox_unadjusted", "Cox hazard ratio\nunadjusted"),
            ("cox_adjusted", "Cox hazard ratio\nadjusted"),
        )
    ]
    panels += [
        Panel("Log-rank\nchi-square", replicated["log_rank"].to_numpy(), float(own["log_rank"])),
        None,
    ]
    for name, title in (("median", f"Median ({time_unit})"), ("events", "Events")):
        panels += [
            Panel(
                f"{title}\n{_short(label)}",
                replicated[name].sel(arm=arm).to_numpy().astype(float),
                float(own[name].sel(arm=arm)),
                ARM_COLOURS[arm],
            )
            for arm, label in labels.items()
        ]
    for time in replicated["time"].to_numpy():
        panels += [
            Panel(
                f"Survival at {time:g} {time_unit}\n{_short(label)}",
                replicated["survival"].sel(arm=arm, time=time).to_numpy(),
                float(own["survival"].sel(arm=arm, time=time)),
                ARM_COLOURS[arm],
            )
            for arm, label in labels.items()
        ]
    return panels


def _short(label: str) -> str:
    return wrapped(label, 26)


def _draw(axes: Axes, panel: Panel) -> None:
    finite = panel.values[np.isfinite(panel.values)]
    axes.set_title(panel.title, fontsize=SMALL, fontweight="normal")
    axes.set_yticks([])
    quiet(axes, left=False)
    known = np.concatenate([finite, [panel.observed] if math.isfinite(panel.observed) else []])
    if not known.size:
        axes.text(0.5, 0.5, "never reached", transform=axes.transAxes, ha="center", fontsize=SMALL)
        axes.set_xticks([])
        return
    low, high = float(known.min()), float(known.max())
    margin = 0.05 * (high - low) or max(abs(low) * 0.05, 0.5)
    counts, edges = np.histogram(finite, bins=24, range=(low - margin / 2, high + margin / 2))
    axes.stairs(counts, edges, fill=True, color=panel.colour, alpha=0.35)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    low, high = low - margin, high + margin
    place, never = panel.observed, np.isposinf(panel.values)
    if never.any() or np.isposinf(panel.observed):
        # A bar of its own at the right, apart from the times.
        width = 0.08 * (high - low)
        bar = high + 1.5 * width
        axes.bar(bar, never.sum(), width=width, color=panel.colour, alpha=0.35)
        axes.axvline(high + 0.4 * width, color="#BBBBBB", linewidth=0.6)
        axes.text(
            bar + 0.9 * width, 0.5, "not reached", rotation=90, fontsize=6, va="center",
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip
        high = bar + 2.2 * width
        place = bar if math.isinf(panel.observed) else place
    axes.set_xlim(low, high)
    axes.axvline(place, color=OBSERVED, linewidth=1.3)
    axes.set_ylim(0, 1.08 * max(1, counts.max(), never.sum()))
    p = two_sided_probability(panel.values, panel.observed)
    replicates = max(1, int(np.sum(~np.isnan(panel.values))))
    text = f"p < {2 / replicates:.2g}" if p < 2 / replicates else f"p = {p:.2f}"
    axes.set_xlabel(
        "no estimate" if math.isnan(p) else f"cohort {number(panel.observed)}, {text}", fontsize=SMALL
    )
