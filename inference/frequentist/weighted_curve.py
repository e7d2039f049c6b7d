"""The Kaplan-Meier curve of patients who count by weights."""

from __future__ import annotations

import warnings

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.exceptions import StatisticalWarning
from numpy.typing import ArrayLike, NDArray

from inference.frequentist.survival import entry_for_lifelines


def weighted_kaplan_meier(
    time: ArrayLike, event: ArrayLike, entry: ArrayLike, weights: ArrayLike, times: ArrayLike
) -> NDArray[np.float64]:
    """Return the weighted Kaplan-Meier survival of one group (Xie and Liu 2005, doi 10.1002/sim.2174), without an interval.

    Parameters
    ----------
    time, event, entry : (patient,) array
        As in `inference.frequentist.survival.kaplan_meier`.
    weights : (patient,) array
        Not negative; those of 0 do not count.
    times : (time,) array
        Where to read the curve.

    Returns
    -------
    (time,) array
        NaN beyond the last follow-up.
    """
    time, event, entry, weights = (np.asarray(one) for one in (time, event, entry, weights))
    own = weights > 0
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        # of its variance, which is not read
        warnings.filterwarnings("ignore", category=StatisticalWarning)
        fitted = KaplanMeierFitter().fit(
            time[own], event[own], entry=entry_for_lifelines(entry[own], time[own]), weights=weights[own]
        )
    steps = fitted.survival_function_.index.to_numpy(dtype=float)
    curve = fitted.survival_function_.to_numpy()[:, 0]
    position = np.searchsorted(steps, times, side="right") - 1
    return np.where(np.asarray(times) <= time[own].max(), curve[np.maximum(position, 0)], np.nan)
