"""Ranks of every chain's draws among all chains' draws."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.diagnostics.chosen import (
    WHICH,
    arviz_style,
    cut_titles,
    figure_of,
    main_variables,
    one_design,
    telling,
    thin_lines,
    titled,
)
from inference.report.figures.style import WIDTH

CAPTION = (
    "Each line is one chain: by how much the ranks of its draws, among those of all chains, depart from "
    "uniform ones. Lines that mingle around zero mean that the chains sampled the same distribution. p is "
    "that of a test of uniformity which allows for autocorrelation; below 0.01 black points mark where a "
    "chain departs. With 25 parameters, one in four good fits has such a p. " + WHICH
)
COLUMNS = 4
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
    rows = -(-count // COLUMNS)
    with arviz_style() as az:
        collection = az.plot_rank(
            shown,
            backend="matplotlib",
            col_wrap=COLUMNS,
            visuals={"xlabel": False, "ecdf_lines": {"width": 0.8}, "title": {"size": 7.5}},
            figure_kwargs={"figsize": (WIDTH, 1.25 * rows + 0.5), "layout": "constrained"},
        )
        figure = figure_of(collection, titled("Ranks of the draws by chain", note))
        cut_titles(figure)
        for axes in figure.axes:
            thin_lines(axes, ECDF_POINTS)
            for text in axes.texts:
                text.set_fontsize(6.5)
                text.set_text(text.get_text().split("(")[0].replace("=", " = "))
    return figure
