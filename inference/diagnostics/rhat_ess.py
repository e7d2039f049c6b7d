"""R-hat, effective sample sizes and Monte Carlo errors of many quantities at once, equal to ArviZ's one by one.

Definitions are those of Vehtari et al. 2021, doi 10.1214/20-BA1221. Arrays have chains and draws as their last two dimensions;
chains are split in halves, so that a chain that drifts disagrees with itself.
"""

from collections.abc import Callable

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import ndtri
from scipy.stats import rankdata

TAILS = (0.05, 0.95)
AT_ONCE = 2_000_000  # numbers in memory


def rhat(draws: np.ndarray) -> np.ndarray:
    """Return the rank-normalised split R-hat of draws (..., chain, draw): the larger of that of bulk and of spread."""
    if draws.shape[-2] < 2:
        return np.full(draws.shape[:-2], np.nan)
    return _by_parts(draws, _rhat)


def ess_bulk(draws: np.ndarray) -> np.ndarray:
    """Return the effective sample size of the centre of draws (..., chain, draw)."""
    return _by_parts(draws, lambda part: _ess(normal_scores(split_chains(part))))


def ess_tail(draws: np.ndarray) -> np.ndarray:
    """Return the smaller effective sample size of the 5 % and 95 % quantiles of draws (..., chain, draw)."""
    return _by_parts(draws, _ess_tail)


def ess_mean(draws: np.ndarray) -> np.ndarray:
    """Return the effective sample size of the mean of draws (..., chain, draw)."""
    return _by_parts(draws, lambda part: _ess(split_chains(part)))


def mcse_mean(draws: np.ndarray) -> np.ndarray:
    """Return the Monte Carlo standard error of the mean of draws (..., chain, draw)."""
    return _by_parts(draws, lambda part: part.std(axis=(1, 2), ddof=1) / np.sqrt(_ess(split_chains(part))))


def split_chains(draws: np.ndarray) -> np.ndarray:
    """Return the halves of chains (..., chain, draw) as chains (..., 2 chain, half); of an odd number the middle is left out."""
    half = draws.shape[-1] // 2
    return np.concatenate([draws[..., :half], draws[..., draws.shape[-1] - half :]], axis=-2)


def normal_scores(draws: np.ndarray) -> np.ndarray:
    """Return draws (..., chain, draw) as normal quantiles of their ranks among all chains (Blom 1958)."""
    flat = draws.reshape(*draws.shape[:-2], -1)
    return ndtri((rankdata(flat, axis=-1) - 0.375) / (flat.shape[-1] + 0.25)).reshape(draws.shape)


def variances(chains: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the variance between chains (..., chain, draw), on the scale of single draws, and the one within them."""
    between = chains.shape[-1] * chains.mean(axis=-1).var(axis=-1, ddof=1)
    return between, chains.var(axis=-1, ddof=1).mean(axis=-1)


def _by_parts(draws: np.ndarray, compute: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return what is computed of (row, chain, draw), a part of the rows at a time."""
    rows = np.asarray(draws, dtype=float).reshape(-1, *draws.shape[-2:])
    size = max(1, AT_ONCE // max(rows[0].size, 1)) if len(rows) else 1
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = [compute(rows[first : first + size]) for first in range(0, len(rows), size)]
    return np.concatenate([*parts, np.empty(0)]).reshape(draws.shape[:-2])


def _rhat(draws: np.ndarray) -> np.ndarray:
    chains = split_chains(draws)
    centre = np.median(chains, axis=(1, 2), keepdims=True)
    ratios = []
    for values in (chains, np.abs(chains - centre)):
        between, within = variances(normal_scores(values))
        ratios.append(np.sqrt((between / within + chains.shape[-1] - 1) / chains.shape[-1]))
    return np.maximum(*ratios)


def _ess_tail(draws: np.ndarray) -> np.ndarray:
    limits = np.quantile(draws, TAILS, axis=(1, 2))[..., None, None]
    return np.minimum(*(_ess(split_chains((draws <= limit).astype(float))) for limit in limits))


def _ess(chains: np.ndarray) -> np.ndarray:
    """Return the effective sample size of the mean of (row, chain, draw), by Geyer's initial monotone sequence."""
    rows, count, length = chains.shape
    padded = next_fast_len(2 * length)
    spectrum = rfft(chains - chains.mean(axis=-1, keepdims=True), n=padded, axis=-1)
    covariance = irfft(np.abs(spectrum) ** 2, n=padded, axis=-1)[..., :length].mean(axis=1) / length
    of_draws = covariance[:, 0] * length / (length - 1)
    total = covariance[:, 0] + (chains.mean(axis=-1).var(axis=1, ddof=1) if count > 1 else 0.0)
    correlation = 1.0 - (of_draws[:, None] - covariance) / total[:, None]
    correlation[:, 0] = 1.0
    # Sums of two neighbours are positive and fall, in theory; the series ends with the first that is not positive.
    last = (length - 3) // 2
    pairs = correlation[:, 0 : 2 * last + 1 : 2] + correlation[:, 1 : 2 * last + 2 : 2]
    ended = pairs <= 0
    ends = np.where(ended.any(axis=1), ended.argmax(axis=1), last)
    falling = np.minimum.accumulate(pairs, axis=1)
    kept = np.where(np.arange(last + 1) < ends[:, None], falling, 0.0).sum(axis=1)
    after = correlation[np.arange(rows), 2 * ends]
    undecided = pairs[np.arange(rows), ends] > 0  # the draws end before the series does
    time = -1.0 + 2.0 * kept + np.where(undecided, after, np.maximum(after, 0.0))
    found = count * length / np.maximum(time, 1.0 / np.log10(count * length))
    constant = np.ptp(chains, axis=(1, 2)) < np.finfo(float).resolution
    return np.where(constant, count * length, np.where(np.isnan(correlation).any(axis=1), np.nan, found))
