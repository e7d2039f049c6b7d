"""The two figures of the calibration card: ranks against uniformity, and coverage with its limits."""

import numpy as np
from matplotlib.figure import Figure

from inference.calibration.card import Card

COLUMNS = 4
GRID = np.linspace(0.0, 1.0, 101)


def rank_figure(card: Card) -> Figure:
    """Return, for each posterior, the ECDF of the ranks of every parameter less that of a uniform distribution.

    The band holds 95 % of such curves at all places at once (Säilynoja, Bürkner and Vehtari 2022,
    doi 10.1007/s11222-022-10090-6).
    """
    from arviz_stats.ecdf_utils import ecdf_pit

    rows = -(-len(card.ranks) // COLUMNS)
    figure = Figure(figsize=(10.0, 2.3 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (name, by_parameter) in zip(panels, card.ranks.items(), strict=False):
        for values in by_parameter.values():
            ranks = np.sort(values)
            share = np.searchsorted(ranks, GRID, side="right") / len(ranks)
            axes.plot(GRID, share - GRID, color="#1f4e79", linewidth=0.7, alpha=0.7)
        place, _, lower, upper = ecdf_pit(
            np.asarray(next(iter(by_parameter.values()))), 0.95, 1000, rng=np.random.default_rng(1)
        )
        axes.fill_between(place, lower - place, upper - place, color="#d9d9d9", zorder=0)
        axes.set_title(name.replace("_", " "), fontsize=8)
        axes.tick_params(labelsize=7)
    for axes in panels[len(card.ranks) :]:
        axes.set_visible(False)
    figure.supxlabel("rank of the truth among posterior draws", fontsize=8)
    figure.supylabel("ECDF less uniform", fontsize=8)
    return figure


def coverage_figure(card: Card) -> Figure:
    """Return the share of cohorts whose 95 % interval holds the truth, with the 95 % limits of the share."""
    table = card.coverage_table()
    scenarios = list(dict.fromkeys(table["scenario"]))
    figure = Figure(figsize=(10.0, 2.6 * -(-len(scenarios) // 2)), layout="constrained")
    panels = figure.subplots(-(-len(scenarios) // 2), 2, sharex=True, squeeze=False).ravel()
    for axes, scenario in zip(panels, scenarios, strict=False):
        rows = table[table["scenario"] == scenario].iloc[::-1].reset_index(drop=True)
        share = rows["held_95%"] / rows["cohorts"]
        limits = np.array([share - rows["lower_95%"], rows["upper_95%"] - share]).clip(min=0)
        colours = np.where(rows["estimand"] == "log_hazard_ratio", "#b2182b", "#1f4e79")
        axes.axvline(0.95, color="#888888", linewidth=0.8)
        axes.errorbar(share, rows.index, xerr=limits, fmt="none", ecolor=list(colours), linewidth=1.0)
        axes.scatter(share, rows.index, color=list(colours), s=12)
        short = rows["baseline"].map({"piecewise_exponential": "piecewise", "weibull": "Weibull"})
        axes.set_yticks(
            rows.index, [f"{b}, {a}" for b, a in zip(short, rows["adjustment"], strict=True)], fontsize=6
        )
        axes.set_title(scenario, fontsize=8)
        axes.tick_params(axis="x", labelsize=7)
    for axes in panels[len(scenarios) :]:
        axes.set_visible(False)
    figure.supxlabel(
        "share of cohorts whose 95 % interval holds the truth; red: log hazard ratio, blue: RMST difference",
        fontsize=8,
    )
    return figure
