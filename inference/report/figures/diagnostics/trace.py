"""Traces of parameters beside their densities, chain by chain."""

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.diagnostics.chosen import (
    WHICH,
    arviz_style,
    figure_of,
    layout,
    main_variables,
    one_design,
    small_title,
    telling,
    thin_lines,
    titled,
)
from inference.report.figures.style import narrow
from inference.report.figures.wording import broken

CAPTION = (
    "Left, the posterior density by chain: the colours should lie on each other. Right, the draws in the "
    "order in which they came: a trace should look like noise around one level, in every chain the same. "
    "Ticks at the bottom mark divergences. At most 150 evenly spaced draws a chain are drawn. " + WHICH
)
GRID = 128
"""Points of a density: more only make the file larger."""
TRACE_POINTS = 150
ACROSS = 52  # characters of a title, over both panels of a row


def trace_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return densities and traces by chain.

    Parameters
    ----------
    fit : DataTree
        Groups posterior and sample_stats. Of several designs the first is shown; the title says so.
    var_names : sequence of str, optional
        By default those of `main_variables`, of which at most `MOST` numbers are shown.
    """
    names = list(var_names or main_variables(fit["posterior"].to_dataset()))
    shown, note = one_design(fit, ("posterior", "sample_stats"))
    shown, rows, note = telling(shown, names, note)
    with arviz_style() as az:
        collection = az.plot_trace_dist(
            shown,
            compact=False,
            combined=False,
            visuals={"trace": {"width": 0.4, "alpha": 0.7}, "dist": {"width": 1.0}, "xlabel_trace": False},
            stats={"dist": {"grid_len": GRID}},
            **layout(0.72 * rows + 0.6),
        )
        figure = figure_of(collection, titled("Densities and traces", note))
        for left, right in zip(figure.axes[::2], figure.axes[1::2], strict=True):
            small_title(left, broken(left.get_xlabel().replace("\n", ": "), ACROSS))
            left.set_xlabel("")
            right.set_ylabel("")
            right.locator_params(axis="y", nbins=2)
            right.tick_params(labelbottom=right is figure.axes[-1])
            thin_lines(left, GRID // 2)
            thin_lines(right, TRACE_POINTS // 2 if narrow() else TRACE_POINTS)
    return figure
