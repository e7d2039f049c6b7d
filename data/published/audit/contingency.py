"""Tests of two unpaired groups in a table of counts: Pearson with and without correction, Fisher's exact test."""

import numpy as np
from scipy.special import gammaln
from scipy.stats import chi2, chi2_contingency

MOST_TABLES = 3_000_000
TIE = 1e-7
"""Tables as likely as the observed one count as extreme, as R and scipy do it."""


def pearson(table: np.ndarray, *, corrected: bool = False) -> float:
    """P of Pearson's chi-squared test, with Yates's correction for a table of two by two if asked for.

    A level that nobody has carries no information and is left out.
    """
    used = table[:, table.sum(axis=0) > 0]
    if used.shape[1] < 2:
        return 1.0
    return float(chi2_contingency(used, correction=corrected)[1])


def fisher(table: np.ndarray) -> float | None:
    """P of Fisher's exact test of a table of two rows, by enumeration of all tables with its margins.

    Parameters
    ----------
    table : ndarray of int
        Two arms by any number of levels.

    Returns
    -------
    float or None
        None where there are too many tables to enumerate.

    References
    ----------
    Freeman, Halton 1951, doi 10.1093/biomet/38.1-2.141.
    """
    columns, first = table.sum(axis=0), int(table[0].sum())
    ordered = np.sort(columns[columns > 0])
    if len(ordered) < 2:
        return 1.0
    if np.prod(ordered[:-1] + 1.0) > MOST_TABLES:
        return None
    # The last level follows from the others, so the largest is left to the last.
    grids = np.meshgrid(*(np.arange(total + 1) for total in ordered[:-1]), indexing="ij")
    last = first - sum(grids)
    possible = (last >= 0) & (last <= ordered[-1])
    logs = sum(
        _log_choose(total, np.clip(chosen, 0, total))
        for total, chosen in zip(ordered, [*grids, last], strict=True)
    ) - _log_choose(ordered.sum(), np.array(first))
    observed = sum(
        float(_log_choose(total, np.array(chosen))) for total, chosen in zip(columns, table[0], strict=True)
    ) - float(_log_choose(ordered.sum(), np.array(first)))
    chances = np.exp(np.asarray(logs)[possible])
    return float(min(1.0, chances[chances <= np.exp(observed) * (1 + TIE)].sum()))


def _log_choose(total: int, chosen: np.ndarray) -> np.ndarray:
    return gammaln(total + 1) - gammaln(chosen + 1) - gammaln(total - chosen + 1)


def heterogeneity(estimates: np.ndarray, variances: np.ndarray) -> tuple[float, float]:
    """Cochran's Q test that independent estimates are of one quantity.

    Parameters
    ----------
    estimates, variances : ndarray

    Returns
    -------
    pooled, p : float
        Inverse-variance mean, and the P value.

    References
    ----------
    Cochran 1954, doi 10.2307/3001666.
    """
    weights = 1 / variances
    pooled = float((weights * estimates).sum() / weights.sum())
    statistic = float((weights * (estimates - pooled) ** 2).sum())
    return pooled, float(chi2.sf(statistic, len(estimates) - 1))
