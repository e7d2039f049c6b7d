"""What is read off the survival curves of the page at any time: both arms and their difference."""

from typing import Any

import numpy as np
import xarray as xr

from inference.report.content import Live
from inference.report.headline import MAIN_POPULATION


def live_survival(curves: xr.Dataset) -> Live:
    """Return the readings of the curves of the figure.

    Parameters
    ----------
    curves : Dataset
        From `inference.fits.tables.summarise_curves`, with its attributes.
    """
    ends = (curves.attrs["treated_end"], curves.attrs["control_end"])
    return Live(
        "survival",
        survival_readings(curves, MAIN_POPULATION)
        | {
            "unit": curves.attrs["time_unit"],
            "labels": [curves.attrs[f"{arm}_label"] for arm in ("treated", "control")],
            "followed": float(f"{min(ends):.4g}"),  # the exact one is a patient's
        },
    )


def survival_readings(curves: xr.Dataset, population: str) -> dict[str, Any]:
    """Return survival of the treated and of the untreated, and their difference, at each time of the curves.

    Each reading is the lower limit, the median and the upper limit, in percent.
    """
    chosen = curves.sel(population=population)

    def rounded(values: xr.DataArray) -> list[list[float]]:
        return np.round(100 * values.transpose("time", "quantile").to_numpy().astype(float), 2).tolist()

    return {
        "time": [float(f"{time:.5g}") for time in curves["time"].to_numpy()],
        "arms": [rounded(chosen["survival"].sel(arm=arm)) for arm in ("treated", "control")],
        "difference": rounded(chosen["survival_difference"]),
    }
