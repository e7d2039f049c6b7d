"""Leave-one-out probabilities of the patients' times against the uniform distribution, model by model."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.style import (
    BAND_ALPHA,
    COMPARATOR,
    DASHED,
    POSTERIOR,
    SMALL,
    WIDTH,
    beside,
    quiet,
    style,
)
from inference.report.figures.wording import words, wrapped

CAPTION = (
    "For every patient, the probability that the model, fitted without that patient, gives to a time as short as the patient's "
    "own or shorter (leave-one-out probability integral transform, LOO-PIT). If the model describes the patients, these "
    "probabilities are uniform: as many below 10 % as between 10 and 20 %. A line shows how far their cumulative share lies above or "
    "below that. Above the zero line at the left: more early events than predicted; below it: fewer. A censored patient's time is "
    "only known to lie beyond the last follow-up, and its probability is drawn evenly from what lies beyond; each line is one "
    "such imputation, or one cohort. The more patients are censored, the less the lines can show. The band holds 95 % of the "
    "lines of as many independent uniform numbers, whole lines; p is of the check (of several cohorts the "
    "median), which allows for what patients left out one at a time have in common."
)

POINTS = 200
SIMULATIONS = 1000


@style()
def loo_pit_figure(models: Mapping[str, tuple[xr.DataArray, float]]) -> Figure:
    """Return the differences of cumulative shares from uniform ones, a panel for each model.

    Parameters
    ----------
    models : mapping of str to (DataArray, float)
        Leave-one-out probabilities by model, with a row for each line: (imputation, patient) or (cohort, patient), and the p value.
    """
    figure, panels = beside(2.9, len(models), WIDTH if len(models) > 1 else 0.6 * WIDTH, sharey=True)
    for axes, (name, (pit, p)) in zip(panels, models.items(), strict=True):
        grid, low, high = simultaneous_band(pit.sizes["patient"])
        axes.fill_between(grid, low, high, step="mid", color=COMPARATOR, alpha=BAND_ALPHA, linewidth=0)
        axes.axhline(0.0, **DASHED)
        lines = pit.transpose(..., "patient").to_numpy()
        for row in np.sort(lines, axis=1):
            above = np.searchsorted(row, grid, side="right") / len(row) - grid
            axes.plot(grid, above, color=POSTERIOR, linewidth=0.8, alpha=1.0 if len(lines) == 1 else 0.4)
        axes.set_title(wrapped(words(name), 36))
        axes.set_xlim(0, 1)
        axes.set_xlabel("Leave-one-out probability of the time")
        counted = f"{len(lines)} imputations" if "imputation" in pit.dims else f"{len(lines)} cohorts"
        shown = f"{counted}, p = {p:.2g}" if len(lines) > 1 else f"p = {p:.2g}"
        axes.text(0.98, 0.04, shown, transform=axes.transAxes, ha="right", fontsize=SMALL, color=POSTERIOR)
        quiet(axes)
    panels[0].set_ylabel("Cumulative share − uniform")
    return figure


def simultaneous_band(patients: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities, and between which differences 95 % of uniform cumulative shares lie at all of them.

    By ArviZ (Säilynoja, Bürkner and Vehtari 2022, doi 10.1007/s11222-022-10090-6), on fewer points than patients where there
    are many of them.

    Parameters
    ----------
    patients : int
        How many numbers make a line.
    """
    from arviz_stats.ecdf_utils import get_pointwise_confidence_band, simulate_confidence_bands

    points = min(patients, POINTS)
    inner = np.arange(1, points) / points
    rng = np.random.default_rng(patients)
    level = simulate_confidence_bands(patients, 1, inner, 0.95, SIMULATIONS, rng)
    low, high = get_pointwise_confidence_band(level, patients, inner)
    grid = np.concatenate([[0.0], inner, [1.0]])
    return grid, np.concatenate([[0.0], low, [1.0]]) - grid, np.concatenate([[0.0], high, [1.0]]) - grid
