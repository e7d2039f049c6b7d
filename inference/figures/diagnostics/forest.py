"""Posterior intervals of all parameters, chain by chain."""

from __future__ import annotations

from collections.abc import Sequence

import arviz as az
import xarray as xr
from matplotlib.figure import Figure

from inference.figures.diagnostics.chosen import (
    ShortLabeller,
    arviz_style,
    figure_of,
    main_variables,
    panels,
    pooled,
    titled,
)
from inference.figures.style import WIDTH

CAPTION = (
    "Posterior means with 50 % (thick) and 95 % (thin) intervals on the scale of the parameters (log hazard ratios, log "
    "odds ratios, log hazards), one line a chain: lines of one parameter should agree."
)


def forest_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return posterior intervals by parameter and chain.

    Parameters
    ----------
    fit : DataTree
        Group posterior. The draws of several designs are pooled; the title says so.
    var_names : sequence of str, optional
        By default those of `main_variables`.
    """
    names = list(var_names or main_variables(fit["posterior"].to_dataset()))
    shown, note = pooled(fit, ("posterior",), names)
    rows = panels(shown["posterior"].to_dataset(), names)
    with arviz_style():
        collection = az.plot_forest(
            shown,
            var_names=names,
            combined=False,
            ci_probs=(0.5, 0.95),
            labeller=ShortLabeller(),
            backend="matplotlib",
            figure_kwargs={"figsize": (WIDTH, 0.32 * rows + 0.8), "layout": "constrained"},
        )
        return figure_of(collection, titled("Posterior intervals by chain", note))
