"""Whether chains have the same distribution: a test of the ranks of their draws, with autocorrelation allowed for."""

from __future__ import annotations

import numpy as np
from scipy.stats import kruskal

from inference.diagnostics.rhat_ess import ess_bulk, ess_tail

FEWEST = 5
"""Draws of a chain, at about the size of its effective sample, below which the test is left out."""


def rank_test(draws: np.ndarray) -> float:
    """Return the p value of the hypothesis that chains differ neither in level nor in spread.

    Kruskal and Wallis' test (1952, doi 10.1080/01621459.1952.10483441) of the draws, and of their distances from the median, as R-hat has it
    of both; the smaller p, doubled. Draws are thinned to nearly independent ones by the effective sample size within chains, so that
    chains that part are not thinned for it. (ArviZ's own p value, `mchain_uniformity_test`, is 1 for most pairs of chains, whether they part or not:
    it combines pointwise p values by Cauchy's method without truncation, and one that is exactly 1 hides all others; and it takes draws to
    be independent.)

    Parameters
    ----------
    draws : ndarray (chain, draw)

    Returns
    -------
    float
        NaN for one chain, constant draws, or too few independent ones.
    """
    count, length = draws.shape
    if count < 2 or np.ptp(draws) == 0:
        return float("nan")
    alone = draws[:, None]
    independent = np.fmin(ess_bulk(alone), ess_tail(alone)).mean()
    if not independent >= FEWEST:
        return float("nan")
    step = max(
        1, round(2 * length / independent) - 1
    )  # what correlation is left raises the level by a third at most
    kept = draws[:, ::step]
    distance = np.abs(kept - np.median(kept))
    return float(min(1.0, 2.0 * min(kruskal(*kept).pvalue, kruskal(*distance).pvalue)))
