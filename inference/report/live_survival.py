"""What is read off the survival curves of the page at any time: both arms and their difference."""

from __future__ import annotations

import numpy as np
import xarray as xr

from inference.report.content import Live

POPULATION = "all"  # that of the figure


def live_survival(curves: xr.Dataset) -> Live:
    """Return the readings of the curves.

    Parameters
    ----------
    curves : Dataset
        From `inference.fits.tables.summarise_curves`, with its attributes.
    """
    chosen = curves.sel(population=POPULATION)
    ends = (curves.attrs["treated_end"], curves.attrs["control_end"])

    def rounded(values: xr.DataArray) -> list[list[float]]:
        """Percent, lower limit, median and upper limit at each time."""
        return np.round(100 * values.transpose("time", "quantile").to_numpy().astype(float), 2).tolist()

    return Live(
        "survival",
        {
            "time": [float(f"{time:.5g}") for time in curves["time"].to_numpy()],
            "unit": curves.attrs["time_unit"],
            "arms": [
                {"label": curves.attrs[f"{arm}_label"], "survival": rounded(chosen["survival"].sel(arm=arm))}
                for arm in ("treated", "control")
            ],
            "difference": rounded(chosen["survival_difference"]),
            "followed": float(f"{min(ends):.4g}"),  # the exact one is a patient's
        },
    )
