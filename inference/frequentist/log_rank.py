"""The log-rank test of two arms."""

import numpy as np
from lifelines.statistics import logrank_test
from numpy.typing import ArrayLike
from scipy.stats import chi2
from statsmodels.duration.survfunc import survdiff


def log_rank(
    time: ArrayLike, event: ArrayLike, treatment: ArrayLike, entry: ArrayLike | None = None
) -> tuple[float, float, str]:
    """Return the log-rank chi-square on one degree of freedom, its p-value, and why there is none if so.

    Parameters
    ----------
    time : (patient,) array
        Time of the event or of the end of observation.
    event, treatment : (patient,) array of bool
        True for an event; true for the treated.
    entry : (patient,) array, optional
        Start of observation (left truncation); patients are at risk on (entry, time].

    Notes
    -----
    lifelines has no left truncation in this test; with late entry statsmodels computes it.
    """
    time, event, treatment = np.asarray(time, float), np.asarray(event, bool), np.asarray(treatment, bool)
    entry = np.zeros(time.size) if entry is None else np.asarray(entry, float)
    if not event.any():
        return float("nan"), float("nan"), "no events"
    if treatment.all() or not treatment.any():
        return float("nan"), float("nan"), "only one arm"
    if not np.any(entry > 0):
        arms = (time[treatment], time[~treatment], event[treatment], event[~treatment])
        statistic = float(logrank_test(*arms).test_statistic)
    else:
        try:
            statistic = float(survdiff(time, event.astype(int), treatment.astype(int), entry=entry)[0])
        except np.linalg.LinAlgError:
            statistic = float("nan")
    if not np.isfinite(statistic):
        return float("nan"), float("nan"), "the arms are never at risk together"
    # From the upper tail: 1 - cdf, as statsmodels has it, is 0 for a p-value below 1e-16.
    return statistic, float(chi2.sf(statistic, 1)), ""
