"""Survival under weights and in pairs: the fitted curves over weighted Kaplan-Meier steps, with weighted numbers at risk."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.axes import survival_axis
from inference.report.figures.risk_table import Followed, above_tables, table_below
from inference.report.figures.style import ARM_COLOURS, BAND_ALPHA, SMALL, WHOLE_ALPHA, WIDTH, quiet, style
from inference.report.figures.wording import POPULATION_NAMES, capitalised, time_label, wrapped

CAPTION = (
    "Smooth lines are survival in each arm under the weights, or of the pairs (median, 95 % interval at each time dark, simultaneous 95 % band "
    "light); steps are weighted Kaplan-Meier curves (Xie and Liu 2005, doi 10.1002/sim.2174) at the score that fits best. Where steps leave the "
    "dark band, the baseline hazard fits the weighted patients badly. Numbers below are sums of weights, scaled so that at time zero those of an "
    "arm add up to its patients; of pairs they are patients, means over the sets of pairs. In brackets: how many equally weighted patients carry "
    "the same information, the square of the sum of the weights over the sum of their squares (Kish 1965)."
)
LETTERS = {1: 80, 2: 44, 3: 27}  # of a line of a panel, by how many stand beside each other

TITLE = 0.8  # as many letters of a title, which are larger, fit a line


@dataclass(frozen=True, eq=False)
class WeightedArm:
    """An arm under a design, of one cohort or as a mean of several."""

    # (time,) the weighted Kaplan-Meier curve; NaN beyond the last follow-up
    times: np.ndarray
    survival: np.ndarray
    followed: Followed  # with weights
    effective: float  # effective number of patients


@dataclass(frozen=True, eq=False)
class WeightedPanel:
    """What a panel shows."""

    title: str
    # of the fit: as in `inference.report.figures.survival.survival_figure`, with one population
    curves: xr.Dataset
    arms: dict[str, WeightedArm]


@style()
def weighted_survival_figure(designs: Sequence[WeightedPanel], outcome: str = "survival") -> Figure:
    """Return survival by arm under each design.

    Parameters
    ----------
    designs : sequence of WeightedPanel
        Panels, at most three.
    outcome : str
        What is survived.
    """
    letters = LETTERS[len(designs)]
    headings = [
        {
            arm: f"{design.curves.attrs[f'{arm}_label']} ({one.effective:.0f})"
            for arm, one in design.arms.items()
        }
        for design in designs
    ]
    longest = max(sum(wrapped(text, letters).count("\n") for text in own.values()) for own in headings)
    width = WIDTH if len(designs) > 1 else 0.7 * WIDTH
    figure, panels = above_tables(2.7, 8 + longest, len(designs), width)
    for (axes, table), design, heading in zip(panels, designs, headings, strict=True):
        population = str(design.curves["population"].to_numpy()[0])
        times = design.curves["time"].to_numpy()
        for arm, one in design.arms.items():
            colour, fitted = ARM_COLOURS[arm], design.curves.sel(population=population, arm=arm)
            lower, middle, upper = fitted["survival"].to_numpy()
            axes.fill_between(
                times, *fitted["survival_band"].to_numpy(), color=colour, alpha=WHOLE_ALPHA, linewidth=0
            )
            axes.fill_between(times, lower, upper, color=colour, alpha=BAND_ALPHA, linewidth=0)
            axes.plot(times, middle, color=colour, linewidth=1.4)
            axes.step(one.times, one.survival, where="post", color=colour, linewidth=0.9)
        title = f"{design.title}: {POPULATION_NAMES.get(population, population)}"
        axes.set_title(wrapped(title, int(TITLE * letters)))
        survival_axis(axes)
        axes.set_xlabel(time_label(design.curves.attrs["time_unit"]))
        first = design is designs[0]
        followed = {arm: one.followed for arm, one in design.arms.items()}
        end = float(times.max())
        table_below(axes, table, end, followed, heading, 4, width=letters, named=first)
        quiet(axes)
    panels[0][0].set_ylabel(capitalised(outcome))
    panels[0][0].text(
        0.03, 0.03, "smooth: fitted\nsteps: weighted Kaplan-Meier", transform=panels[0][0].transAxes, fontsize=SMALL, color="#555555",
    )  # fmt: skip
    return figure
