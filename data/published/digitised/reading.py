"""What a digitising program wrote: data sets of times and survival, as they stand in its file."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Series:
    """The points of one curve.

    Attributes
    ----------
    name : str
        Of the data set in the file; empty where it has none.
    time, survival : ndarray of float (point,)
        In the units and the order of the file.
    """

    name: str
    time: np.ndarray
    survival: np.ndarray


@dataclass(frozen=True, eq=False)
class Digitised:
    """The data sets of a file.

    Attributes
    ----------
    kind : str
        What the file was taken for, in words.
    series : tuple of Series
    time_resolution, survival_resolution : float or None
        The size of a pixel in the units of the file, where the file states how its axes were calibrated.
    """

    kind: str
    series: tuple[Series, ...]
    time_resolution: float | None = None
    survival_resolution: float | None = None
