"""Effective sample size along the posterior of parameters."""

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.diagnostics.chosen import WHICH, panel_figure

CAPTION = (
    "How many independent draws the sample is worth in each part of a parameter's posterior. Points "
    "should lie above the line at 400, also at the ends, which interval limits depend on. " + WHICH
)


def ess_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return local effective sample sizes, with the limit of 400; arguments as of `panel_figure`."""
    figure = panel_figure(
        fit,
        var_names,
        "Local effective sample size",
        lambda az, shown, **layout: az.plot_ess(
            shown,
            kind="local",
            min_ess=400,
            visuals={"xlabel": False, "ylabel": False, "ess": {"size": 8}, "title": {"size": 7.5}},
            **layout,
        ),
    )
    figure.supxlabel("Quantile of the posterior", fontsize=7.5)
    return figure
