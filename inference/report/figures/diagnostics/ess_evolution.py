"""Effective sample size as draws come in."""

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.diagnostics.chosen import WHICH, panel_figure

CAPTION = (
    "Effective sample size of the centre (blue) and of the tails (orange) of each posterior, from the first draws alone to all of them. It should grow in "
    "proportion to the draws and end above the line at 400; where it levels off, more draws bring nothing new. "
    + WHICH
)


def ess_evolution_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return bulk and tail effective sample sizes by number of draws; arguments as of `panel_figure`."""
    figure = panel_figure(
        fit,
        var_names,
        "Effective sample size as draws come in",
        lambda az, shown, **layout: az.plot_ess_evolution(
            shown,
            min_ess=400,
            visuals={
                "xlabel": False,
                "ylabel": False,
                "ess_bulk": {"size": 6},
                "ess_tail": {"size": 6},
                "title": {"size": 7.5},
            },
            **layout,
        ),
    )
    figure.supxlabel("Draws of all chains", fontsize=7.5)
    return figure
