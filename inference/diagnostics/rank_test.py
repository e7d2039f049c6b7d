"""Whether chains have the same distribution: a test of the ranks of their draws, with autocorrelation allowed for."""

import numpy as np
from scipy.stats import kruskal

from inference.diagnostics.rhat_ess import ess_bulk

FEWEST = 5
"""Draws of a chain, at about the size of its effective sample, below which the test is left out."""


def rank_test(draws: np.ndarray) -> float:
    """Return the p value of the hypothesis that chains differ neither in level nor in spread.

    Kruskal and Wallis' test (1952, doi 10.1080/01621459.1952.10483441) of the draws, and of their distances from the median, as R-hat has it
    of both; the smaller p, doubled. Each of the two is thinned to nearly independent values by its own effective sample size, within chains,
    so that chains that part are not thinned for it: draws that swing from side to side need no thinning, their distances, which go together,
    do. (ArviZ's own p value, `mchain_uniformity_test`, is 1 for most pairs of chains, whether they part or not:
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
    if len(draws) < 2 or np.ptp(draws) == 0:
        return float("nan")
    both = draws, np.abs(draws - np.median(draws))
    return float(np.minimum(1.0, 2.0 * np.min([_of_levels(values) for values in both])))


def _of_levels(values: np.ndarray) -> float:
    """Return the p value of Kruskal and Wallis' test of values (chain, draw), thinned; NaN with too few independent ones."""
    independent = ess_bulk(values[:, None]).mean()
    if not independent >= FEWEST:
        return float("nan")
    step = max(1, round(2 * values.shape[1] / independent) - 1)
    return float(kruskal(*values[:, ::step]).pvalue)
