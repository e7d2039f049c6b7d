"""The plots of a fit that a reviewer opens, by name, all through ArviZ: of a fit and names of variables."""

from collections.abc import Callable, Sequence

import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.diagnostics.energy import energy_figure
from inference.report.figures.diagnostics.ess import ess_figure
from inference.report.figures.diagnostics.forest import forest_figure
from inference.report.figures.diagnostics.loo import khat_figure
from inference.report.figures.diagnostics.prior_posterior import prior_posterior_figure
from inference.report.figures.diagnostics.rank import rank_figure
from inference.report.figures.diagnostics.trace import trace_figure

DIAGNOSTICS: dict[str, Callable[[xr.DataTree, Sequence[str] | None], Figure]] = {
    "trace": trace_figure,
    "rank": rank_figure,
    "ess": ess_figure,
    "energy": energy_figure,
    "forest": forest_figure,
    "prior_posterior": prior_posterior_figure,
    "loo": khat_figure,
}

__all__ = ["DIAGNOSTICS"]
