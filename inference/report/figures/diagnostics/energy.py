"""The sampler's energy: does it move through the whole posterior."""

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.diagnostics.chosen import arviz_style, figure_of, layout, one_design, titled
from inference.report.figures.style import narrow

CAPTION = (
    "The distribution of the energy and of its changes from draw to draw should be alike; where the "
    "changes are much narrower the sampler explores the tails too slowly. The fraction of missing "
    "information (E-BFMI), by chain, should be above 0.3."
)


def energy_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return the energy distributions and the E-BFMI of every chain.

    Parameters
    ----------
    fit : DataTree
        Group sample_stats with ``energy``. Of several designs the first is shown; the title says so.
    var_names : sequence of str, optional
        Not used: the energy is of all parameters together.
    """
    shown, note = one_design(fit, ("sample_stats",))
    sized = layout(2.6)
    if narrow():
        sized["figure_kwargs"]["width_ratios"] = (1, 1.5)
    with arviz_style() as az:
        collection = az.plot_energy(
            shown,
            visuals={"legend": {"loc": f"outside {'lower' if narrow() else 'upper'} right", "ncols": 2}},
            **sized,
        )
        figure = figure_of(collection, titled("Energy", note))
        by_chain, distribution = figure.axes[:2]
        by_chain.set_title("E-BFMI")
        by_chain.set_yticks(range(shown["sample_stats"].sizes["chain"]))
        by_chain.set_xlim(0, None)
        distribution.set_xlabel("Energy, centred")
    return figure
