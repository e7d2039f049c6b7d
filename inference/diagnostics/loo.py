"""Leave-one-patient-out scores of the outcome, on the same density scale for every baseline.

Vehtari, Gelman and Gabry 2017, doi 10.1007/s11222-016-9696-4.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import logsumexp

from inference.adjustments.adjusted import AdjustedSample
from inference.diagnostics.loo_pit import left_out_survival, log_survival
from inference.diagnostics.rhat_ess import ess_mean
from inference.predictive.pointwise import by_patients, joined_log_likelihood, left_out_patients

CONSTANT = "All tail values are the same"  # ArviZ on a likelihood that the draws do not move


class LeftOut(NamedTuple):
    """Patients left out one at a time, by Pareto-smoothed importance weights of the draws (PSIS).

    All are NaN where they cannot be computed: a likelihood that the draws do not move at all. Of a cohort of more than
    `MOST_LEFT_OUT` so many patients are left out; of the others pareto_k and survival are NaN, and elpd is estimated.
    """

    elpd: np.ndarray  # (patient,): expected log density of each patient's time were the patient left out
    pareto_k: np.ndarray  # (patient,): tail index of the patient's weights
    # (patient,): probability that the patient, left out, survives the own time at risk, given survival to entry
    survival: np.ndarray


def leave_one_out(adjusted: AdjustedSample, posterior: xr.Dataset) -> LeftOut:
    r"""Return the leave-one-out scores of the times, their Pareto k-hat, and the survival of those left out.

    In a large cohort only some patients are left out. The score of another is its log density under all patients, lpd, less what
    leaving out costs on average, so that the sum is the difference estimator

    .. math:: \sum_i \mathrm{lpd}_i + \frac nm \sum_{j} (\mathrm{elpd}_j - \mathrm{lpd}_j)

    of Magnusson, Vehtari, Jonasson and Andersen (2020, doi 10.48550/arXiv.2001.00980).

    Parameters
    ----------
    adjusted : AdjustedSample
        With an outcome model of all patients.
    posterior : Dataset
        Its draws as they are kept: they say how efficient the chains are.
    """
    size = adjusted.designs[0].posterior.cohort.size
    efficiency = _relative_efficiency(posterior)
    known = left_out_patients(size)
    found = LeftOut(*(np.full(size, np.nan) for _ in LeftOut._fields))
    within = np.full(size, np.nan)
    for patients, designs in by_patients(adjusted, known):
        values = _by_patient(joined_log_likelihood(designs, treatment=False)["time"])
        within[patients] = _log_density(values)
        found.elpd[patients], found.pareto_k[patients], log_weights = psis(values, efficiency)
        survived = np.concatenate([log_survival(*one) for one in designs], axis=1)
        found.survival[patients] = left_out_survival(_by_patient(survived), log_weights)
    others = np.setdiff1d(np.arange(size), known)
    if not len(others):
        return found
    for patients, designs in by_patients(adjusted, others):
        within[patients] = _log_density(_by_patient(joined_log_likelihood(designs, treatment=False)["time"]))
    found.elpd[others] = within[others] + np.mean(found.elpd[known] - within[known])
    return found


def _log_density(values: np.ndarray) -> np.ndarray:
    """Return the log density of each patient's time under all patients, from its log likelihood (patient, draw)."""
    return logsumexp(values, axis=-1) - np.log(values.shape[1])


def _by_patient(values: np.ndarray) -> np.ndarray:
    """Return values (chain, draw, patient) as (patient, draw)."""
    values = np.moveaxis(values, -1, 0)
    return values.reshape(len(values), -1).astype(float)


def psis(pointwise: np.ndarray, efficiency: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the leave-one-out score and k-hat (patient,), and the log of the weights (patient, draw) behind both.

    What `arviz_stats.loo` returns, which smooths every patient's weights twice (tests). The weights turn draws of the posterior into
    draws of the posterior without the patient, and those of a patient add up to 1.

    Parameters
    ----------
    pointwise : ndarray (patient, draw)
        Log likelihood.
    efficiency : float
        Effective sample size against the number of draws.
    """
    from arviz_stats.base import array_stats  # as in `inference.fits.datatree`

    try:
        log_weights, pareto_k = array_stats.psislw(pointwise, r_eff=efficiency)
    except ValueError as error:
        if CONSTANT not in str(error):
            raise
        nothing = np.full(len(pointwise), np.nan)
        return nothing, nothing, np.full(pointwise.shape, np.nan)
    return logsumexp(log_weights + pointwise, axis=-1), pareto_k, log_weights


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
