"""Kaplan-Meier curves of replicated cohorts, with the cohort's own curve among them."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.axes import survival_axis
from inference.report.figures.risk_table import Followed, above_tables, table_below
from inference.report.figures.style import ARM_COLOURS, BAND_ALPHA, OBSERVED, SMALL, quiet, style
from inference.report.figures.wording import time_label, wrapped

CAPTION = (
    "Bands hold 50 % and 95 % of the Kaplan-Meier curves of cohorts simulated from the fitted model, with "
    "this cohort's own covariates and censoring; the black steps are the cohort's own curve. A model that "
    "describes the cohort has the steps inside the bands nearly everywhere. Numbers below are this cohort's."
)


@style()
def predictive_survival_figure(
    replicated: xr.Dataset,
    observed: xr.Dataset,
    followed: Mapping[str, Followed],
    time_unit: str,
    treated_label: str = "Treated",
    control_label: str = "Control",
) -> Figure:
    """Return replicated Kaplan-Meier bands by arm with the cohort's own curve and numbers at risk, to the arm's last follow-up.

    Parameters
    ----------
    replicated : Dataset
        From `inference.predictive.replicates.statistics.replicate_statistics`: ``kaplan_meier`` (replicate, arm, grid_time).
    observed : Dataset
        The same of the cohort itself: one replicate; its ``follow_up`` (replicate, arm) ends the panels.
    followed : mapping of str to Followed
        The cohort's, by arm.
    time_unit, treated_label, control_label : str
        For the axis and the titles.
    """
    labels = {"treated": treated_label, "control": control_label}
    grid = replicated["grid_time"].to_numpy()
    end = float(observed["follow_up"].max())
    figure, panels = above_tables(3.0, 3, 2)
    for (axes, table), (arm, label) in zip(panels, labels.items(), strict=True):
        colour = ARM_COLOURS[arm]
        shown = grid <= float(observed["follow_up"].isel(replicate=0).sel(arm=arm))
        curves = replicated["kaplan_meier"].sel(arm=arm).to_numpy()[:, shown]
        for low, high in ((0.025, 0.975), (0.25, 0.75)):
            band = np.quantile(curves, [low, high], axis=0)
            axes.fill_between(grid[shown], *band, step="post", color=colour, alpha=BAND_ALPHA, linewidth=0)
        own = observed["kaplan_meier"].isel(replicate=0).sel(arm=arm).to_numpy()
        axes.step(grid[shown], own[shown], where="post", color=OBSERVED, linewidth=1.1)
        axes.set_title(wrapped(label, 40), color=colour)
        survival_axis(axes)
        axes.set_xlabel(time_label(time_unit))
        table_below(axes, table, end, followed, {arm: ""}, named=arm == "treated")
        quiet(axes)
        if arm == "treated":
            axes.set_ylabel("Event-free (Kaplan-Meier)")
            texts = (("this cohort", OBSERVED), (f"{curves.shape[0]} replicates: 50 %, 95 %", colour))
            for row, (text, shade) in enumerate(texts):
                axes.text(
                    0.03,
                    0.03 + 0.07 * row,
                    text,
                    transform=axes.transAxes,
                    fontsize=SMALL,
                    color=shade,
                )
    return figure
