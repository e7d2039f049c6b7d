"""The plots of a fit that a reviewer opens, by name, all through ArviZ: of a fit and names of variables."""

from collections.abc import Callable, Sequence

import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.diagnostics.energy import energy_figure
from inference.report.figures.diagnostics.ess import ess_figure
from inference.report.figures.diagnostics.ess_evolution import ess_evolution_figure
from inference.report.figures.diagnostics.forest import forest_figure
from inference.report.figures.diagnostics.loo import khat_figure
from inference.report.figures.diagnostics.mcse import mcse_figure
from inference.report.figures.diagnostics.pairs import pairs_figure
from inference.report.figures.diagnostics.prior_posterior import prior_posterior_figure
from inference.report.figures.diagnostics.rank import rank_figure
from inference.report.figures.diagnostics.trace import trace_figure

type Plot = Callable[[xr.DataTree, Sequence[str] | None], Figure]

DIAGNOSTICS: dict[str, Plot] = {
    "trace": trace_figure,
    "rank": rank_figure,
    "ess": ess_figure,
    "energy": energy_figure,
    "forest": forest_figure,
    "prior_posterior": prior_posterior_figure,
    "loo": khat_figure,
}
REVIEWED: dict[str, Plot] = {
    **DIAGNOSTICS,
    "ess_evolution": ess_evolution_figure,
    "mcse": mcse_figure,
    "pairs": pairs_figure,
}
"""Those of a review of one fit, which draws more of them."""

__all__ = ["DIAGNOSTICS", "REVIEWED"]
