"""Draws of the parameters that mix worst, two at a time."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from inference.diagnostics.rhat_ess import ess_bulk
from inference.report.figures.diagnostics.chosen import (
    arviz_style,
    figure_of,
    layout,
    main_variables,
    one_design,
    telling,
    titled,
)
from inference.report.figures.style import SMALL, WARNING, across, narrow
from inference.report.figures.wording import broken

SHOWN = 4
LINE = 52  # characters of the key
DRAWS = 150
CAPTION = (
    "Draws of the parameters with the smallest effective sample sizes, two at a time. A round cloud is easy to sample; a banana, a funnel or "
    "two clouds are not. Divergent transitions, if there are any, are marked: where they gather the sampler cannot enter. At most 150 evenly spaced draws are shown."
)


def worst_parameters(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> tuple[xr.DataTree, str]:
    """Return a fit whose posterior has the numbers with the smallest effective sample sizes, each as a variable, and a note on designs."""
    names = list(var_names or main_variables(fit["posterior"].to_dataset()))
    single, note = one_design(fit, ("posterior", "sample_stats"))
    single, _, _ = telling(single, names, note)
    posterior = single["posterior"].to_dataset()
    drawn = np.stack([posterior[name].transpose("chain", "draw").to_numpy() for name in posterior.data_vars])
    order = np.argsort(np.nan_to_num(ess_bulk(drawn)))[:SHOWN]
    kept = posterior[[list(posterior.data_vars)[place] for place in sorted(order)]]
    return xr.DataTree.from_dict(
        {"posterior": kept, "sample_stats": single["sample_stats"].to_dataset()}
    ), note


def pairs_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return scatter plots of the worst parameters.

    Parameters
    ----------
    fit : DataTree
        Groups posterior and sample_stats. Of several designs the first is shown; the title says so.
    var_names : sequence of str, optional
        Among which they are chosen; by default those of `main_variables`.
    """
    worst, note = worst_parameters(fit, var_names)
    total = worst["posterior"].sizes["chain"] * worst["posterior"].sizes["draw"]
    step = max(1, -(-total // DRAWS))
    some = worst.isel(draw=slice(None, None, step))
    with arviz_style() as az:
        collection = az.plot_pair(
            some,
            visuals={"scatter": {"size": 4, "alpha": 0.4}, "divergence": {"color": WARNING, "size": 14}},
            **layout(0.8 * across() + 0.7),
        )
        figure = figure_of(collection, titled("Pairs of the parameters that mix worst", note))
    letters = dict(zip(map(str, some["posterior"].data_vars), "ABCD", strict=False))
    for axes in figure.axes:
        axes.tick_params(labelsize=5 if narrow() else 6)
        axes.locator_params(nbins=1 if narrow() else 4, min_n_ticks=1)
        axes.set_xlabel(letters.get(axes.get_xlabel(), ""))
        axes.set_ylabel(letters.get(axes.get_ylabel(), ""))
    key = [broken(f"{letter}  {name.replace('\n', ': ')}", LINE) for name, letter in letters.items()]
    figure.supxlabel("\n".join(key), x=0.01, ha="left", fontsize=SMALL)
    return figure
