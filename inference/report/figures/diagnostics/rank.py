"""Ranks of every chain's draws among all chains' draws."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from inference.diagnostics.rank_test import rank_test
from inference.report.figures.diagnostics.chosen import (
    WHICH,
    arviz_style,
    figure_of,
    main_variables,
    one_design,
    panel_layout,
    small_titles,
    telling,
    thin_lines,
    titled,
)

CAPTION = (
    "Each line is one chain: by how much the ranks of its draws, among those of all chains, depart from "
    "uniform ones. Lines that mingle around zero mean that the chains sampled the same distribution. p is "
    "that of the hypothesis that chains differ neither in level nor in spread (Kruskal and Wallis, doi 10.1080/01621459.1952.10483441, of "
    "draws thinned to nearly independent ones); below 0.01 it is set in bold. With 16 parameters, one in seven good fits has such a p. "
    + WHICH
)
LEVEL = 0.01
ECDF_POINTS = 120


def rank_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return the difference of the rank ECDF from uniform, by chain.

    Parameters
    ----------
    fit : DataTree
        Group posterior. Of several designs the first is shown; the title says so.
    var_names : sequence of str, optional
        By default those of `main_variables`, of which at most `MOST` numbers are shown.
    """
    names = list(var_names or main_variables(fit["posterior"].to_dataset()))
    shown, note = one_design(fit, ("posterior",))
    shown, count, note = telling(shown, names, note)
    with arviz_style() as az:
        collection = az.plot_rank(
            shown,
            # Its test takes longer than all else that the figure shows, and finds nothing in two chains (see `rank_test`);
            # the envelope that comes in its place is not drawn, and takes no simulations.
            method="envelope",
            thin=False,
            stats={"ecdf_pit": {"n_simulations": 1}},
            visuals={
                "xlabel": False,
                "ecdf_lines": {"width": 0.8},
                "title": {"size": 7.5},
                "credible_interval": False,
            },
            **panel_layout(count, 0.5),
        )
        figure = figure_of(collection, titled("Ranks of the draws by chain", note))
        small_titles(figure)
        panels = {name: collection.viz["plot"][name].item() for name in shown["posterior"].data_vars}
        departures = [np.abs(line.get_ydata()).max() for axes in panels.values() for line in axes.lines]
        height = max(_by_chance(shown["posterior"].sizes["draw"]), *departures)
        for name, draws in shown["posterior"].data_vars.items():
            axes = panels[name]
            axes.set_ylim(-height, height)
            thin_lines(axes, ECDF_POINTS)
            p = rank_test(draws.to_numpy())
            axes.text(
                0.02,
                0.98,
                "no p: too few draws" if np.isnan(p) else f"p = {p:.2f}" if p >= LEVEL else "p < 0.01",
                transform=axes.transAxes,
                va="top",
                fontsize=6.5,
                fontweight="bold" if p < LEVEL else "normal",
            )
    return figure


def _by_chance(draws: int) -> float:
    """Return 1.3 times the difference from the uniform ECDF that independent draws exceed with a probability of at most `LEVEL`.

    Dvoretzky, Kiefer and Wolfowitz 1956, doi 10.1214/aoms/1177728174.
    """
    return 1.3 * float(np.sqrt(np.log(2.0 / LEVEL) / (2.0 * draws)))
