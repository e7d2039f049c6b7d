"""Trace of every parameter beside its density, chain by chain."""

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
    one_design,
    panels,
    titled,
)
from inference.figures.style import WIDTH

CAPTION = (
    "Left, the posterior density by chain: the colours should lie on each other. Right, the draws in the order in "
    "which they came: a trace should look like noise around one level, in every chain the same. Ticks at the bottom "
    "mark divergences."
)


def trace_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return densities and traces by chain.

    Parameters
    ----------
    fit : DataTree
        Groups posterior and sample_stats. Of several designs the first is shown; the title says so.
    var_names : sequence of str, optional
        By default those of `main_variables`.
    """
    names = list(var_names or main_variables(fit["posterior"].to_dataset()))
    shown, note = one_design(fit, ("posterior", "sample_stats"))
    rows = panels(shown["posterior"].to_dataset(), names)
    with arviz_style():
        collection = az.plot_trace_dist(
            shown,
            var_names=names,
            compact=False,
            combined=False,
            labeller=ShortLabeller(),
            visuals={"trace": {"width": 0.4, "alpha": 0.7}},
            backend="matplotlib",
            figure_kwargs={"figsize": (WIDTH, 0.85 * rows + 0.5), "layout": "constrained"},
        )
        figure = figure_of(collection, titled("Densities and traces", note))
        for axes in figure.axes[1::2]:
            for line in axes.lines:
                # Thousands of points a line: as an image they are a hundredth of the size.
                line.set_rasterized(True)
    return figure
