"""What treatment timing could do to the answer: the effect by start-time scenario, and by mean delay."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference.report.figures.axes import at_right, ratio_axis
from inference.report.figures.forest import NARROW_SHARE, NARROW_SMALL
from inference.report.figures.style import (
    BACKED,
    BAND_ALPHA,
    COMPARATOR,
    CONTROL,
    DASHED,
    POSTERIOR,
    SMALL,
    canvas,
    narrow,
    quiet,
    style,
)
from inference.report.figures.wording import interval, probability, wrapped

CAPTION = (
    "Hazard ratio of treatment if treatment began as each scenario says (blue: posterior median and 95 % interval, covariates "
    "adjusted), and beside it what ever against never treated would print, with the same covariates, if treatment did nothing at "
    "all and only began then (hollow: mean and 95 % range of simulated cohorts). An arrow leads to a number beyond the axis. Below, the same by mean "
    "delay of all who are to be treated, with what the cohort itself prints (dotted); the mark is where the probability of benefit "
    "falls below 0.95. Start times are not known: these are scenarios, and none of them is a correction."
)
WIDEST = (
    5.0  # ratio from the reference beyond which a scenario is named by an arrow, lest it squeeze the others
)
LABEL = 0.13  # height of two lines of text, as a share of the lower panel
SECOND = 108.0  # points from the axes to the second column of texts
APART = 0.17  # rows between a posterior and what no effect would print


@style()
def timing_figure(
    scenarios: pd.DataFrame,
    delays: pd.DataFrame,
    doubt: float = math.nan,
    observed: float = math.nan,
    level: float = 0.95,
) -> Figure:
    """Return two panels: scenarios as intervals, and the effect against the mean delay.

    Parameters
    ----------
    scenarios : DataFrame
        label, hazard_ratio, lower, upper, probability_of_benefit, no_effect, no_effect_lower, no_effect_upper.
    delays : DataFrame
        delay (months) and the same numbers.
    doubt : float
        Mean delay at which the probability of benefit falls below `level`; NaN where it does not.
    observed : float
        What ever against never prints of the cohort itself, NaN to leave it out.
    level : float
    """
    rows = len(scenarios)
    scenario = 0.58 if narrow() else 0.46
    figure = canvas(1.0 + scenario * rows + 2.9)
    upper, lower = figure.subplots(2, 1, height_ratios=[0.5 + scenario * rows, 2.7])
    _draw_scenarios(upper, scenarios)
    _draw_delays(lower, delays, observed)
    if not math.isnan(doubt):
        _mark_doubt(lower, doubt, level)
    return figure


def _draw_scenarios(axes: Axes, scenarios: pd.DataFrame) -> None:
    limits = _limits(scenarios)
    ratio_axis(axes, "x", *limits)
    axes.set_xlim(*limits)
    axes.axvline(1.0, **DASHED, zorder=0)
    for position, (_, row) in enumerate(scenarios.iterrows()):
        _interval(
            axes, position - APART, row[["hazard_ratio", "lower", "upper"]], limits, POSTERIOR, filled=True
        )
        none = row[["no_effect", "no_effect_lower", "no_effect_upper"]]
        _interval(axes, position + APART, none, limits, COMPARATOR, filled=False)
        texts = (
            (-APART, interval(*_floats(row[["hazard_ratio", "lower", "upper"]]), ratio=True), POSTERIOR),
            (APART, _no_effect_text(none), COMPARATOR),
        )
        for shift, text, colour in texts:
            _beside(axes, position + shift, text, 8.0, colour)
        _beside(axes, position - APART, probability(float(row["probability_of_benefit"])), SECOND, POSTERIOR)
    _beside(axes, -0.75, "Hazard ratio (95 %)", 8.0, "black", "bold")
    _beside(axes, -0.75, "P(HR < 1)", SECOND, "black", "bold")
    if narrow():
        axes.set_yticks([])
        for position, label in enumerate(scenarios["label"]):
            _above(axes, position - 0.42, label)
    else:
        axes.set_yticks(range(len(scenarios)), labels=[wrapped(label, 26) for label in scenarios["label"]])
    axes.set_ylim(len(scenarios) - 0.5, -0.7 if narrow() else -0.5)
    axes.set_xlabel("Hazard ratio, log scale")
    axes.set_title("By scenario of when treatment began", pad=14)
    handles = [
        axes.plot([], [], "o-", color=POSTERIOR, markersize=5)[0],
        axes.plot([], [], "o-", color=COMPARATOR, markerfacecolor="white", markersize=5)[0],
    ]
    axes.legend(
        handles,
        ["effect under the scenario", "naive analysis if treatment did nothing"],
        loc="upper left" if narrow() else "upper center",
        bbox_to_anchor=(0.0, -0.16) if narrow() else (0.5, -0.2),
        ncols=1 if narrow() else 2,
        fontsize=NARROW_SMALL if narrow() else SMALL,
    )
    quiet(axes, left=False)


def _above(axes: Axes, position: float, label: str) -> None:
    """Print the name of a scenario above its intervals, over the whole width; the axes need not make room for it."""
    across = axes.get_yaxis_transform()
    text = axes.text(0.0, position, label, transform=across, fontsize=NARROW_SMALL, va="center", bbox=BACKED)
    text.set_in_layout(False)


def _interval(
    axes: Axes, at: float, numbers: pd.Series, limits: tuple[float, float], colour: str, *, filled: bool
) -> None:
    estimate, low, high = _floats(numbers)
    if math.isnan(estimate):
        return
    if estimate > limits[1] or estimate < limits[0]:
        end, arrow = (limits[1], ">") if estimate > limits[1] else (limits[0], "<")
        inside = end**0.9 * (limits[0] if arrow == ">" else limits[1]) ** 0.1
        axes.plot([inside, end], [at, at], color=colour)
        axes.plot(end, at, arrow, color=colour, markersize=5, clip_on=False)
        return
    axes.plot(np.clip([low, high], *limits), [at, at], color=colour, linewidth=1.5, solid_capstyle="butt")
    for end, beyond, arrow in ((limits[0], low < limits[0], "<"), (limits[1], high > limits[1], ">")):
        if beyond:
            axes.plot(end, at, arrow, color=colour, markersize=4, clip_on=False)
    face = colour if filled else "white"
    axes.plot(estimate, at, "o", color=colour, markerfacecolor=face, markersize=5)


def _limits(scenarios: pd.DataFrame) -> tuple[float, float]:
    """Return limits around 1 that hold all intervals of scenarios that are not far beyond."""
    table = scenarios[["hazard_ratio", "lower", "upper", "no_effect", "no_effect_lower", "no_effect_upper"]]
    near = np.abs(np.log(table["hazard_ratio"].to_numpy(float))) < math.log(WIDEST)
    values = np.concatenate(
        [table.to_numpy(float)[near, :3].ravel(), table.to_numpy(float)[:, 3:].ravel(), [0.8, 1.25]]
    )
    values = np.clip(values[np.isfinite(values)], 1 / WIDEST, WIDEST)
    return float(values.min() / 1.06), float(values.max() * 1.06)


def _draw_delays(axes: Axes, delays: pd.DataFrame, observed: float) -> None:
    delay = delays["delay"].to_numpy(float)
    axes.axhline(1.0, **DASHED, zorder=0)
    axes.fill_between(delay, delays["lower"], delays["upper"], color=POSTERIOR, alpha=BAND_ALPHA, linewidth=0)
    axes.plot(delay, delays["hazard_ratio"], color=POSTERIOR)
    axes.plot(
        delay,
        delays["no_effect"],
        "o-",
        color=COMPARATOR,
        markerfacecolor="white",
        markersize=4.5,
        linewidth=0.9,
    )
    if math.isfinite(observed):
        axes.axhline(observed, color="black", linewidth=0.8, linestyle=(0, (1, 2)))
    columns = ["hazard_ratio", "lower", "upper", "no_effect"]
    values = np.append(delays[columns].to_numpy(float), observed)
    values = values[np.isfinite(values)]
    limits = float(min(values.min(), 0.8) / 1.1), float(max(values.max(), 1.25) * 1.1)
    ratio_axis(axes, "y", *limits)
    axes.set_ylim(*limits)
    axes.set_xlim(0, delay.max() * 1.02)
    axes.set_xticks(delay[delay != 1])
    axes.set_xlabel("Mean delay from time zero to the start of treatment (months)")
    axes.set_ylabel("Hazard ratio, log scale")
    axes.set_title("By mean delay of all who are to be treated")
    quiet(axes)
    feasible = delays["no_effect"].dropna()
    none = float(feasible.iloc[-1]) if len(feasible) else math.nan
    lines = [
        (float(delays["hazard_ratio"].iloc[-1]), "effect, if treatment\nbegan so late", POSTERIOR),
        (none, "naive analysis, if\ntreatment did nothing", COMPARATOR),
        (observed, "naive analysis of\nthe cohort itself", "black"),
    ]
    _label_lines(axes, [line for line in lines if math.isfinite(line[0])])


def _label_lines(axes: Axes, lines: Sequence[tuple[float, str, str]]) -> None:
    """Name lines at the right, pushed apart where they would meet."""
    low, high = np.log(axes.get_ylim())
    named = sorted(lines, key=lambda line: line[0])
    places: list[float] = []
    for value, _, _ in named:
        place = (math.log(value) - low) / (high - low)
        places.append(max(place, places[-1] + LABEL) if places else place)
    over = max(0.0, places[-1] - (1.0 - LABEL / 2))
    for place, (_, text, colour) in zip(places, named, strict=True):
        axes.annotate(
            text,
            (1.0, place - over),
            xycoords="axes fraction",
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=NARROW_SMALL if narrow() else SMALL,
            color=colour,
            annotation_clip=False,
        )


def _mark_doubt(axes: Axes, doubt: float, level: float) -> None:
    axes.axvline(doubt, color=CONTROL, linewidth=1.1)
    limits, left = axes.get_ylim(), doubt > 0.6 * axes.get_xlim()[1]
    axes.annotate(
        f"P(HR < 1) falls below {level:g}\nat a mean delay of {doubt:.1f} months",
        (0.0 if narrow() else doubt, limits[1]),
        xytext=(-5 if left and not narrow() else 5, -3),
        textcoords="offset points",
        ha="right" if left and not narrow() else "left",
        va="top",
        fontsize=SMALL,
        color=CONTROL,
        bbox=BACKED,
    )


def _beside(axes: Axes, at: float, text: str, offset: float, colour: str, weight: str = "normal") -> None:
    share, size = (NARROW_SHARE, NARROW_SMALL) if narrow() else (1.0, SMALL)
    at_right(axes, at, text, share * offset, fontsize=size, color=colour, fontweight=weight)


def _no_effect_text(numbers: pd.Series) -> str:
    values = _floats(numbers)
    return "too few live to their start" if math.isnan(values[0]) else interval(*values, ratio=True)


def _floats(numbers: Sequence[float] | pd.Series) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in numbers)
    return first, second, third
