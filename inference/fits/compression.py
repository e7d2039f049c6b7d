"""Which variables of a fit's file are written compressed: unlike draws, whole numbers and columns of levels then take a tenth of the room."""

from __future__ import annotations

import xarray as xr

COMPRESSED = {"zlib": True, "complevel": 1}


def compress(dataset: xr.Dataset, kinds: str = "iubf") -> xr.Dataset:
    """Return a dataset of which the variables of some kinds are written compressed.

    Parameters
    ----------
    dataset : Dataset
    kinds : str
        Letters of numpy's kinds of numbers: i, u and b are whole numbers.
    """
    found = dataset.copy()
    for value in found.variables.values():
        if value.ndim and value.size and value.dtype.kind in kinds:
            value.encoding = COMPRESSED
    return found
