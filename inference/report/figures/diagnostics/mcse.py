"""Monte Carlo error of the quantiles of parameters."""

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.diagnostics.chosen import WHICH, panel_figure

CAPTION = (
    "By how much each quantile of a posterior would change if it were sampled again (Monte Carlo standard error), on the scale of the "
    "parameter. It is larger at the ends; an interval limit is known only so well. " + WHICH
)


def mcse_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return Monte Carlo standard errors along the posterior; arguments as of `panel_figure`."""
    figure = panel_figure(
        fit,
        var_names,
        "Monte Carlo standard error",
        lambda az, shown, **layout: az.plot_mcse(
            shown,
            visuals={"xlabel": False, "ylabel": False, "mcse": {"size": 8}, "title": {"size": 7.5}},
            **layout,
        ),
    )
    figure.supxlabel("Quantile of the posterior", fontsize=7.5)
    return figure
