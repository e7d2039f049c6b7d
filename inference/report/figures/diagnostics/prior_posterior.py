"""Prior and posterior density of every parameter."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.diagnostics.chosen import (
    arviz_style,
    figure_of,
    main_variables,
    panel_layout,
    panels,
    pooled,
    short_labels,
    small_titles,
    titled,
)
from inference.report.figures.priors import name_the_densities, shown_range
from inference.report.figures.style import POSTERIOR, PRIOR

CAPTION = (
    "Prior and posterior density of every parameter. Where both agree the cohort says nothing about the "
    "parameter; where the posterior lies in the prior's tail, the two disagree. Axes are cut to where the "
    "posterior lies."
)


def prior_posterior_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return prior and posterior densities by parameter.

    Parameters
    ----------
    fit : DataTree
        Groups prior and posterior. The draws of several designs are pooled; the title says so.
    var_names : sequence of str, optional
        By default those of `main_variables` that have prior draws.
    """
    prior = fit["prior"].to_dataset()
    names = [
        name for name in var_names or main_variables(fit["posterior"].to_dataset()) if name in prior.data_vars
    ]
    shown, note = pooled(fit, ("prior", "posterior"), names)
    count = panels(shown["posterior"].to_dataset(), names)
    with arviz_style() as az:
        collection = az.plot_prior_posterior(
            shown,
            var_names=names,
            labeller=short_labels(names),
            visuals={"title": {"size": 7.5}},
            stats={"dist": {"grid_len": 128}},
            color=[PRIOR, POSTERIOR],
            **panel_layout(count, 0.6),
        )
        figure = figure_of(collection, titled("Prior and posterior", note))
        for legend in figure.legends:
            legend.remove()
        for axes in figure.axes:
            if len(axes.lines) == 2:
                before, after = (np.asarray(line.get_xdata(), dtype=float) for line in axes.lines)
                axes.set_xlim(*shown_range(before, after))
        small_titles(figure)
        name_the_densities(figure.axes[0])
    return figure
