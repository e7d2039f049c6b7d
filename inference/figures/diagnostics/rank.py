"""Ranks of every chain's draws among all chains' draws."""

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
    "Each line compares the ranks of one chain's draws with uniform ranks. Lines inside the grey envelope mean that "
    "the chains sampled the same distribution; a line that leaves it is a chain apart from the others."
)
COLUMNS = 4


def rank_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return the difference of the rank ECDF from uniform, by chain.

    Parameters
    ----------
    fit : DataTree
        Group posterior. Of several designs the first is shown; the title says so.
    var_names : sequence of str, optional
        By default those of `main_variables`.
    """
    names = list(var_names or main_variables(fit["posterior"].to_dataset()))
    shown, note = one_design(fit, ("posterior",))
    rows = -(-panels(shown["posterior"].to_dataset(), names) // COLUMNS)
    with arviz_style():
        collection = az.plot_rank(
            shown,
            var_names=names,
            labeller=ShortLabeller(),
            backend="matplotlib",
            col_wrap=COLUMNS,
            visuals={"xlabel": False, "ecdf_lines": {"width": 0.8}, "title": {"size": 7.5}},
            figure_kwargs={"figsize": (WIDTH, 1.25 * rows + 0.5), "layout": "constrained"},
        )
        return figure_of(collection, titled("Ranks of the draws by chain", note))
