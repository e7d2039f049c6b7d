"""Summaries of draws, with their Monte Carlo error and convergence, for one posterior or for several pooled designs; bands of curves."""

import numpy as np

from inference.diagnostics import rhat_ess
from inference.diagnostics.rhat_ess import normal_scores, split_chains, variances

UNDETERMINED = 0.025  # share of draws without a value beyond which an interval is left out
COLUMNS = ("mean", "sd", "median", "lower", "upper", "mcse", "ess_bulk", "ess_tail", "rhat")
ROUNDING = 1e-12  # from 0 and from 1, at which survival has no log(-log)


def summarise(draws: np.ndarray) -> dict[str, np.ndarray]:
    """Return mean, sd, median, 95 % equal-tailed interval, Monte Carlo error and convergence of many quantities.

    Parameters
    ----------
    draws : ndarray (row, chain, draw, design)
        A single posterior has one design. Infinite where a time is not reached, NaN where a value is undetermined.

    Returns
    -------
    dict of str to ndarray (row,)
        `COLUMNS`. Over designs, `rhat` is the largest and the effective sample sizes are sums; `mcse` then is the
        error of a mean over that many designs. Mean and sd are NaN where any draw is infinite or undetermined, and
        everything is where more than 2.5 % are undetermined.
    """
    rows, _, _, designs = draws.shape
    summary = _described(draws)
    finite = np.isfinite(summary["mean"])
    ranked = np.stack([_finite(draws[row]) for row in range(rows)]) if rows else draws
    by_design = np.moveaxis(ranked, -1, 0)
    # A quantity that never varies has converged; R-hat has no number for it.
    constant = np.ptp(by_design, axis=(2, 3)) == 0
    summary["rhat"] = np.where(constant, 1.0, rhat_ess.rhat(by_design)).max(axis=0)
    total = draws.shape[1] * draws.shape[2]
    summary["ess_bulk"] = np.where(constant, total, rhat_ess.ess_bulk(by_design)).sum(axis=0)
    summary["ess_tail"] = np.where(constant, total, rhat_ess.ess_tail(by_design)).sum(axis=0)
    if designs == 1:
        error = rhat_ess.mcse_mean(by_design)[0]
    else:
        error = by_design.mean(axis=(2, 3)).std(axis=0, ddof=1) / np.sqrt(designs)
    summary["mcse"][finite] = np.where(constant.all(axis=0), 0.0, error)[finite]
    return summary


def summarise_maximisers(draws: np.ndarray) -> dict[str, np.ndarray]:
    """Return the same of independent draws that no chain made: without R-hat and effective sample sizes."""
    summary = _described(draws)
    summary["mcse"] = summary["sd"] / np.sqrt(draws[0].size)
    return summary


def _described(draws: np.ndarray) -> dict[str, np.ndarray]:
    """Return mean, sd, median and interval of each row; what belongs to chains is NaN."""
    flat = draws.reshape(len(draws), -1)
    undetermined = np.isnan(flat).mean(axis=1)
    finite = np.isfinite(flat).all(axis=1)
    summary = {name: np.full(len(flat), np.nan) for name in COLUMNS}
    summary["mean"][finite] = flat[finite].mean(axis=1)
    summary["sd"][finite] = flat[finite].std(axis=1, ddof=1)
    for row in np.flatnonzero(undetermined <= UNDETERMINED):
        summary["lower"][row], summary["median"][row], summary["upper"][row] = quantiles(flat[row])
    return summary


def quantiles(draws: np.ndarray) -> np.ndarray:
    """Return the median and the 95 % limits, lower first, of those draws (draw,) that are determined; NaN if none is."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return np.full(3, np.nan)
    # Quantiles that are draws themselves: between a number and infinity there is nothing to interpolate.
    method = "linear" if np.isfinite(known).all() and len(known) == len(draws) else "inverted_cdf"
    return np.quantile(known, [0.025, 0.5, 0.975], method=method)


def ensemble_rhat(draws: np.ndarray) -> np.ndarray:
    r"""Return one rank-normalised split R-hat of posteriors that differ, each sampled by its own chains.

    The variances between and within chains are averaged over the posteriors before their ratio is taken: the largest
    of many ratios exceeds any limit by chance. With :math:`n` draws in a half chain,

    .. math:: \hat R^2 = \frac{n - 1}{n} + \frac{\sum_u B_u}{n \sum_u W_u}

    and the larger of that for ranks and for ranks of distances from the median (Vehtari et al. 2021,
    doi 10.1214/20-BA1221).

    Parameters
    ----------
    draws : ndarray (row, chain, draw, unit)
        A unit is one posterior.

    Returns
    -------
    ndarray (row,)
        1 for a quantity that never varies.
    """
    finite = np.stack([_finite(row) for row in np.asarray(draws, dtype=float)])
    chains = split_chains(np.moveaxis(finite, -1, 1))
    centre = np.median(chains, axis=(2, 3), keepdims=True)
    length, ratios = chains.shape[-1], []
    for values in (chains, np.abs(chains - centre)):
        between, within = variances(normal_scores(values))
        with np.errstate(invalid="ignore", divide="ignore"):
            squared = (length - 1 + between.sum(axis=1) / within.sum(axis=1)) / length
        ratios.append(np.where(np.ptp(values, axis=(2, 3)).sum(axis=1) == 0, 1.0, np.sqrt(squared)))
    return np.maximum(*ratios)


def _finite(draws: np.ndarray) -> np.ndarray:
    """Return draws in which times not reached are later than all others, and undetermined values in the middle."""
    finite = draws[np.isfinite(draws)]
    if finite.size == draws.size:
        return draws
    if not finite.size:
        return np.zeros_like(draws)
    margin = np.ptp(finite) + 1.0
    return np.nan_to_num(
        draws, nan=float(np.median(finite)), posinf=finite.max() + margin, neginf=finite.min() - margin
    )


def probability_of_benefit(draws: np.ndarray, null: float | None, benefit: int) -> np.ndarray:
    """Return the share of draws in which the treated fare better, NaN for quantities of one arm.

    Parameters
    ----------
    draws : ndarray (row, chain, draw, design)
        Draws of contrasts.
    null : float or None
        Value of no effect.
    benefit : int
        +1 where larger is better, -1 where smaller is.
    """
    if null is None:
        return np.full(len(draws), np.nan)
    flat = draws.reshape(len(draws), -1)
    known = ~np.isnan(flat)
    better = (benefit * (np.where(known, flat, null) - null) > 0).sum(axis=1)
    share = better / np.maximum(known.sum(axis=1), 1)
    return np.where(known.mean(axis=1) >= 1.0 - UNDETERMINED, share, np.nan)


def simultaneous_band(survival: np.ndarray) -> np.ndarray:
    """Return the limits between which 95 % of survival curves lie at all times together.

    At each time the 95 % interval of log(-log S) is stretched about its median, by one factor for all times: the smallest with which
    95 % of the draws never leave it (a sup-t band: Montiel Olea and Plagborg-Møller 2019, doi 10.1002/jae.2656, with the interval's
    two halves in place of a standard deviation). It is never narrower than the interval.

    Parameters
    ----------
    survival : ndarray (..., draw, time)
        Draws of curves, in [0, 1].

    Returns
    -------
    ndarray (limit, ..., time)
        The lower limit and the upper one. Where all draws are equal, such as at time 0, both are that value.
    """
    scaled = np.log(-np.log(np.clip(survival, ROUNDING, 1.0 - ROUNDING)))
    low, middle, high = np.quantile(scaled, (0.025, 0.5, 0.975), axis=-2, keepdims=True)
    apart = scaled - middle
    half = np.broadcast_to(np.where(apart > 0, high - middle, middle - low), apart.shape)
    reached = np.divide(np.abs(apart), half, out=np.zeros_like(apart), where=half > 0).max(axis=-1)
    factor = np.maximum(1.0, np.quantile(reached, 0.95, axis=-1, method="inverted_cdf"))[..., None, None]
    limits = np.exp(-np.exp([middle + factor * (high - middle), middle - factor * (middle - low)]))
    same = np.median(survival, axis=-2, keepdims=True)
    return np.where(low < high, limits, same)[..., 0, :]
