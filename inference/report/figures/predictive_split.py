"""Replicated cohorts in which treatment begins during follow-up: survival of all, events before and after the start."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference.report.figures.axes import survival_axis
from inference.report.figures.predictive_statistics import Panel, panels_figure
from inference.report.figures.risk_table import Followed, above_tables, table_below
from inference.report.figures.style import (
    ARM_COLOURS,
    BAND_ALPHA,
    OBSERVED,
    POSTERIOR,
    SMALL,
    quiet,
    style,
)
from inference.report.figures.wording import time_label

ALL = "all"
COLOURS = {"untreated": ARM_COLOURS["control"], "treated": ARM_COLOURS["treated"]}
TITLES = {"untreated": "Events while untreated", "treated": "Events under treatment"}
HOW = (
    "Each replicate has this cohort's covariates, censoring and starts of treatment; the start of who was never treated is "
    "drawn from the waiting times of the others, beyond the time at which that patient was last seen untreated, and treatment "
    "begins in a replicate only if the patient lives to see it. "
)
CAPTION = (
    "First panel: Kaplan-Meier curves of all patients together, because curves by ever treated are biased by immortal time. Second and "
    "third: events up to each time, by whether treatment had begun. Bands hold 50 % and 95 % of the cohorts simulated from the "
    "fitted model; black steps are this cohort. " + HOW + "A model that describes the cohort has the "
    "steps inside the bands nearly everywhere. Numbers below are this cohort's; who begins treatment leaves the untreated like one censored."
)
STATISTICS = (
    "Each histogram is a statistic of the cohorts that the fitted model simulates, with treatment that changes over time: Cox "
    "models and the log-rank test split each patient's time at the start of treatment, and events count in the state in which "
    "they came. The black line is its value in this cohort; p is the two-sided predictive probability of a value as extreme "
    "(among twenty panels, one may be near 0.05 by chance). Patients who begin treatment say whether the waiting times "
    "are described too."
)


@style()
def predictive_split_figure(
    replicated: xr.Dataset, observed: xr.Dataset, followed: Mapping[str, Followed], time_unit: str
) -> Figure:
    """Return bands of the replicates' survival, and of their events by state, with the cohort's own steps and numbers at risk.

    Parameters
    ----------
    replicated, observed : Dataset
        From `inference.predictive.replicates.split_statistics`; the observed cohort is its one replicate.
    followed : mapping of str to Followed
        The cohort's: "all", and "untreated" and "treated" by state.
    time_unit : str
        For the axis.
    """
    grid = replicated["grid_time"].to_numpy()
    own = observed.isel(replicate=0)
    shown = grid <= float(own["follow_up"])
    figure, panels = above_tables(2.7, 3, 3)
    first, *others = (axes for axes, _ in panels)
    _steps(
        first, grid[shown], replicated["kaplan_meier"].to_numpy()[:, shown], own["kaplan_meier"], POSTERIOR
    )
    first.set_title("All patients")
    first.set_ylabel("Event-free (Kaplan-Meier)")
    survival_axis(first)
    texts = (
        ("this cohort", OBSERVED),
        (f"{replicated.sizes['replicate']} replicates: 50 %, 95 %", POSTERIOR),
    )
    for row, (text, shade) in enumerate(texts):
        first.text(0.97, 0.97 - 0.07 * row, text, transform=first.transAxes, fontsize=SMALL, color=shade, ha="right", va="top")  # fmt: skip
    for axes, (state, colour) in zip(others, COLOURS.items(), strict=True):
        values = replicated["cumulative_events"].sel(state=state).to_numpy()[:, shown]
        _steps(axes, grid[shown], values, own["cumulative_events"].sel(state=state), colour)
        axes.set_title(TITLES[state], color=colour)
        axes.set_ylim(0)
    others[0].set_ylabel("Events")
    end, shades = float(own["follow_up"]), {ALL: POSTERIOR, **COLOURS}
    for (axes, table), state in zip(panels, (ALL, *COLOURS), strict=True):
        axes.set_xlabel(time_label(time_unit))
        table_below(axes, table, end, followed, {state: ""}, 4, colours=shades, named=state == ALL)
        quiet(axes)
    return figure


def _steps(axes: Axes, times: np.ndarray, replicates: np.ndarray, own: xr.DataArray, colour: str) -> None:
    for low, high in ((0.025, 0.975), (0.25, 0.75)):
        band = np.quantile(replicates, [low, high], axis=0)
        axes.fill_between(times, *band, step="post", color=colour, alpha=BAND_ALPHA, linewidth=0)
    axes.step(times, own.to_numpy()[: len(times)], where="post", color=OBSERVED, linewidth=1.1)


@style()
def predictive_split_statistics_figure(
    replicated: xr.Dataset, observed: xr.Dataset, time_unit: str
) -> Figure:
    """Return the replicated distributions of the statistics of a study with treatment that begins during follow-up.

    Parameters
    ----------
    replicated, observed : Dataset
        From `inference.predictive.replicates.split_statistics`.
    time_unit : str
        For the titles.
    """
    own = observed.isel(replicate=0)
    panels: list[Panel | None] = [
        Panel(title, np.exp(replicated[name].to_numpy()), float(np.exp(own[name])))
        for name, title in (
            ("cox_unadjusted", "Split Cox hazard ratio\nunadjusted"),
            ("cox_adjusted", "Split Cox hazard ratio\nadjusted"),
        )
    ]
    for name, title in (
        ("log_rank", "Log-rank chi-square,\nsplit at the start"),
        ("started", "Patients who\nbegin treatment"),
        ("median", f"Median ({time_unit})\nall patients"),
    ):
        panels.append(Panel(title, replicated[name].to_numpy().astype(float), float(own[name])))
    for state, colour in COLOURS.items():
        values = replicated["events"].sel(state=state).to_numpy().astype(float)
        panels.append(
            Panel(f"Events\n{_while(state)}", values, float(own["events"].sel(state=state)), colour)
        )
    for time in replicated["time"].to_numpy():
        title = f"Survival at {time:g} {time_unit}\nall patients"
        panels.append(
            Panel(
                title, replicated["survival"].sel(time=time).to_numpy(), float(own["survival"].sel(time=time))
            )
        )
    return panels_figure(panels)


def _while(state: str) -> str:
    return {"untreated": "while untreated", "treated": "under treatment"}[state]
