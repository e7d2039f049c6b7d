"""The share of the treated against the fitted probability of treatment."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from inference.report.figures.style import (
    BAND_ALPHA,
    COMPARATOR,
    DASHED,
    POSTERIOR,
    SMALL,
    WIDTH,
    canvas,
    quiet,
    style,
)

CAPTION = (
    "Among patients to whom the treatment model gives a certain chance of treatment, how many were treated: the line is the share "
    "that rises with the chance and fits best (isotonic regression). A model that describes who is treated has the line on the "
    "diagonal. The band holds at each chance 95 % of the lines of cohorts of the same patients whose treatment does follow the "
    "model, which is fitted anew to each. A line outside the band says that a term is missing from the treatment model, such as "
    "a square or an interaction; a line inside does not say that all confounders are there."
)


@style()
def treatment_calibration_figure(calibration: xr.Dataset, p: float) -> Figure:
    """Return the calibration curve, one for each cohort where there are several, with the band of replicated treatments.

    Parameters
    ----------
    calibration : Dataset
        From `inference.diagnostics.treatment_calibration`; of several cohorts with a dimension `cohort`, over which the band is averaged.
    p : float
        Of the check.
    """
    figure = canvas(0.55 * WIDTH, 0.6 * WIDTH)
    axes = figure.subplots()
    grid = calibration["propensity"].to_numpy()
    shares, lower, upper = (
        np.atleast_2d(calibration[name].transpose(..., "propensity").to_numpy())
        for name in ("share", "lower", "upper")
    )
    inside = np.isfinite(shares).any(axis=0)
    low, high = (np.nanmean(limits[:, inside], axis=0) for limits in (lower, upper))
    axes.fill_between(grid[inside], low, high, color=COMPARATOR, alpha=BAND_ALPHA, linewidth=0)
    axes.plot([0, 1], [0, 1], **DASHED)
    for row in shares:
        axes.plot(
            grid,
            row,
            color=POSTERIOR,
            linewidth=1.4 if len(shares) == 1 else 0.8,
            alpha=1.0 if len(shares) == 1 else 0.4,
        )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel("Fitted chance of treatment")
    axes.set_ylabel("Share treated")
    axes.text(
        0.98, 0.04, f"p = {p:.2g}", transform=axes.transAxes, ha="right", fontsize=SMALL, color=POSTERIOR
    )
    quiet(axes)
    return figure
