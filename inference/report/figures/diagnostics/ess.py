"""Effective sample size along the posterior of parameters."""

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
    titled,
)
from inference.report.figures.style import WIDTH

CAPTION = (
    "How many independent draws the sample is worth in each part of a parameter's posterior. Points "
    "should lie above the line at 400, also at the ends, which interval limits depend on. " + WHICH
)
COLUMNS = 4


def ess_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return local effective sample sizes, with the limit of 400.

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
        collection = az.plot_ess(
            shown,
            kind="local",
            min_ess=400,
            backend="matplotlib",
            col_wrap=COLUMNS,
            visuals={"xlabel": False, "ylabel": False, "ess": {"size": 8}, "title": {"size": 7.5}},
            figure_kwargs={"figsize": (WIDTH, 1.25 * rows + 0.5), "layout": "constrained"},
        )
        figure = figure_of(collection, titled("Local effective sample size", note))
        cut_titles(figure)
        figure.supxlabel("Quantile of the posterior", fontsize=7.5)
    return figure
