"""Effective sample size along the posterior of every parameter."""

from __future__ import annotations

from collections.abc import Sequence

import arviz as az
import xarray as xr
from matplotlib.figure import Figure

from inference.figures.diagnostics.chosen import (
    arviz_style,
    figure_of,
    main_variables,
    one_design,
    panels,
    short_labels,
    titled,
)
from inference.figures.style import WIDTH

CAPTION = (
    "How many independent draws the sample is worth in each part of a parameter's posterior. Points "
    "should lie above the line at 400, also at the ends, which interval limits depend on."
)
COLUMNS = 4


def ess_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return local effective sample sizes, with the limit of 400.

    Parameters
    ----------
    fit : DataTree
        Group posterior. Of several designs the first is shown; the title says so.
    var_names : sequence of str, optional
        By default those of `main_variables`.
    """
    names = list(var_names or main_variables(fit["posterior"].to_dataset()))
    shown, note = one_design(fit, ("posterior",))
    rows = -(-panels(shown["posterior"].to_dataset(), names) // COLUMNS)
    with arviz_style():
        collection = az.plot_ess(
            shown,
            var_names=names,
            kind="local",
            min_ess=400,
            labeller=short_labels(names),
            backend="matplotlib",
            col_wrap=COLUMNS,
            visuals={"xlabel": False, "ylabel": False, "ess": {"size": 8}, "title": {"size": 7.5}},
            figure_kwargs={"figsize": (WIDTH, 1.25 * rows + 0.5), "layout": "constrained"},
        )
        figure = figure_of(collection, titled("Effective sample size by quantile of the posterior", note))
        figure.supxlabel("Quantile of the posterior", fontsize=7.5)
    return figure
