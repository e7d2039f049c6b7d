"""Leave-one-patient-out scores of the outcome, on the same density scale for every baseline.

Vehtari, Gelman and Gabry 2017, doi 10.1007/s11222-016-9696-4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import logsumexp

from inference.diagnostics.rhat_ess import ess_mean

CONSTANT = "All tail values are the same"  # ArviZ on a likelihood that the draws do not move


class LeftOut(NamedTuple):
    """Patients left out one at a time, by Pareto-smoothed importance weights of the draws (PSIS).

    Attributes
    ----------
    elpd : ndarray (patient,)
        Expected log density of each patient's time were the patient left out.
    pareto_k : ndarray (patient,)
        Tail index of the patient's weights.
    log_weights : ndarray (patient, draw)
        Log of the weights that turn draws of the posterior into draws of the posterior without the patient; the weights of a
        patient add up to 1.

    All are NaN where they cannot be computed: a likelihood that the draws do not move at all.
    """

    elpd: np.ndarray
    pareto_k: np.ndarray
    log_weights: np.ndarray


def leave_one_out(fit: xr.DataTree) -> LeftOut:
    """Return the leave-one-out scores of the times, their Pareto k-hat, and the weights behind both.

    What `arviz_stats.loo` returns, which smooths every patient's weights twice (tests).

    Parameters
    ----------
    fit : DataTree
        With per-patient log likelihoods of `time`.
    """
    from arviz_stats.base import array_stats  # as in `inference.fits.datatree`

    pointwise = fit["log_likelihood"]["time"].transpose("patient", ...).to_numpy().astype(float)
    pointwise = pointwise.reshape(len(pointwise), -1)
    efficiency = _relative_efficiency(fit["posterior"].to_dataset())
    try:
        log_weights, pareto_k = array_stats.psislw(pointwise, r_eff=efficiency)
    except ValueError as error:
        if CONSTANT not in str(error):
            raise
        nothing = np.full(len(pointwise), np.nan)
        return LeftOut(nothing, nothing, np.full(pointwise.shape, np.nan))
    return LeftOut(logsumexp(log_weights + pointwise, axis=-1), pareto_k, log_weights)


def _relative_efficiency(posterior: xr.Dataset) -> float:
    """Return the effective sample size against the number of draws, the mean over all parameters."""
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    if chains == 1:
        return 1.0
    each = [
        values.transpose(..., "chain", "draw").to_numpy().reshape(-1, chains, draws)
        for values in posterior.data_vars.values()
    ]
    return float(ess_mean(np.concatenate(each).astype(float)).mean()) / (chains * draws)


def compare_baselines(pointwise: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return each baseline's score, and its difference from the best with the standard error over patients.

    Parameters
    ----------
    pointwise : dict of str to ndarray (patient,) or (cohort, patient)
        Expected log densities by baseline, all of the same patients.

    Returns
    -------
    DataFrame
        baseline, elpd, difference (0 for the best, else negative), se. Over several cohorts, means; the error then
        holds the differences between cohorts too.
    """
    by_cohort = {name: np.atleast_2d(values) for name, values in pointwise.items()}
    totals = {name: float(values.sum(axis=1).mean()) for name, values in by_cohort.items()}
    best = max(totals, key=lambda name: totals[name])
    rows = []
    for name in sorted(totals, key=lambda name: -totals[name]):
        gap = by_cohort[name] - by_cohort[best]
        of_cohort = gap.sum(axis=1)
        within = gap.shape[1] * gap.var(axis=1, ddof=1).mean()
        between = of_cohort.var(ddof=1) if len(of_cohort) > 1 else 0.0
        error = float(np.sqrt(within + between)) if name != best else 0.0
        rows.append(
            {"baseline": name, "elpd": totals[name], "difference": float(of_cohort.mean()), "se": error}
        )
    return pd.DataFrame(rows)
