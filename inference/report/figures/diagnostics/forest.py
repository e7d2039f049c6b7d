"""Posterior intervals of all parameters, chain by chain."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.diagnostics.chosen import (
    arviz_style,
    figure_of,
    main_variables,
    panels,
    pooled,
    short_labels,
    titled,
)
from inference.report.figures.style import REFERENCE_LINE, WIDTH

CAPTION = (
    "Posterior means with 50 % (thick) and 95 % (thin) intervals on the scale of the parameters (log "
    "hazard ratios and log odds ratios, per unit of the covariate), one line a chain: lines of one "
    "parameter should agree."
)
# Of another size than log ratios: they would squeeze all others into a point.
APART = ("log_hazard_level", "log_hazard", "median_survival")


def forest_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return posterior intervals by parameter and chain.

    Parameters
    ----------
    fit : DataTree
        Group posterior. The draws of several designs are pooled; the title says so.
    var_names : sequence of str, optional
        By default those of `main_variables` on the scale of log ratios.
    """
    names = list(
        var_names or [name for name in main_variables(fit["posterior"].to_dataset()) if name not in APART]
    )
    shown, note = pooled(fit, ("posterior",), names)
    rows = panels(shown["posterior"].to_dataset(), names)
    with arviz_style() as az:
        collection = az.plot_forest(
            shown,
            var_names=names,
            combined=False,
            ci_probs=(0.5, 0.95),
            labeller=short_labels(names),
            visuals={
                "point_estimate": {"size": 10},
                "trunk": {"width": 2.0},
                "twig": {"width": 0.8},
                "ticklabels": False,
            },
            backend="matplotlib",
            figure_kwargs={"figsize": (WIDTH, 0.28 * rows + 0.7), "layout": "constrained"},
        )
        figure = figure_of(collection, titled("Posterior intervals by chain", note))
        names_axes, intervals = figure.axes[0], figure.axes[-1]
        names_axes.xaxis.set_visible(False)
        names_axes.spines["bottom"].set_visible(False)
        intervals.axvline(0, color=REFERENCE_LINE, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    return figure
