"""Posterior intervals of all parameters, chain by chain."""

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.diagnostics.chosen import (
    arviz_style,
    figure_of,
    layout,
    main_variables,
    pooled,
    single_numbers,
    titled,
)
from inference.report.figures.style import DASHED, SMALL, narrow
from inference.report.figures.wording import broken

CAPTION = (
    "Posterior means with 50 % (thick) and 95 % (thin) intervals on the scale of the parameters (log "
    "hazard ratios and log odds ratios, per unit of the covariate), one line a chain: lines of one "
    "parameter should agree."
)
# Of another size than log ratios: they would squeeze all others into a point.
APART = ("log_hazard_level", "log_hazard", "median_survival")
LINE = 0.15  # inches of a line of a label: all rows are as high as the longest label needs


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
    numbers = single_numbers(shown["posterior"].to_dataset(), names)
    most = 29 if narrow() else 46
    labels = {number: broken(number.replace("\n", ": "), most) for number in numbers}
    lines = max(label.count("\n") + 1 for label in labels.values())
    sized = layout(max(0.34 if narrow() else 0.28, LINE * lines) * len(labels) + 0.7)
    sized["figure_kwargs"]["width_ratios"] = (1, 0.8 if narrow() else 1.5)
    from arviz_base.labels import MapLabeller  # as in `inference.fits.datatree`

    with arviz_style() as az:
        collection = az.plot_forest(
            xr.DataTree.from_dict({"posterior": xr.Dataset(numbers)}),
            combined=False,
            ci_probs=(0.5, 0.95),
            labeller=MapLabeller(var_name_map={**labels}),
            visuals={
                "point_estimate": {"size": 10},
                "trunk": {"width": 2.0},
                "twig": {"width": 0.8},
                "ticklabels": False,
                "labels": {"size": SMALL},
            },
            **sized,
        )
        figure = figure_of(collection, titled("Posterior intervals by chain", note))
        names_axes, intervals = figure.axes[0], figure.axes[-1]
        names_axes.xaxis.set_visible(False)
        names_axes.spines["bottom"].set_visible(False)
        intervals.margins(y=0.01)
        intervals.axvline(0, **DASHED, zorder=0)
    return figure
