"""Tests of counts: of two unpaired groups by Pearson and Fisher, of several estimates by Cochran, and of matched pairs.

The cross table of the pairs is not printed, so a paired test gives not one P value but those of every cross table with
the printed margins.
"""

from itertools import combinations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp, minimize
from scipy.special import gammaln
from scipy.stats import binom, chi2, chi2_contingency

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
    """P of Fisher's exact test of two arms by any number of levels, by enumeration of all tables with these margins.

    None where there are too many of them (Freeman, Halton 1951, doi 10.1093/biomet/38.1-2.141).
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
    """Inverse-variance mean of independent estimates, and P of Cochran's Q test that they are of one quantity (1954, doi 10.2307/3001666)."""
    weights = 1 / variances
    pooled = float((weights * estimates).sum() / weights.sum())
    statistic = float((weights * (estimates - pooled) ** 2).sum())
    return pooled, float(chi2.sf(statistic, len(estimates) - 1))


def mcnemar_exact(treated: int, control: int, pairs: int) -> dict[int, float]:
    """Two-sided P of the exact McNemar test for every possible number of pairs of which exactly one member has the level.

    `treated` and `control` are the patients of each arm that have it (McNemar 1947, doi 10.1007/BF02295996).

    Examples
    --------
    >>> {pairs: round(float(p), 3) for pairs, p in mcnemar_exact(3, 1, 4).items()}
    {2: 0.5, 4: 0.625}
    """
    found = {}
    surplus = abs(treated - control)
    most = min(treated, control, pairs - treated, pairs - control)
    for smaller in range(most + 1):
        total = 2 * smaller + surplus
        found[total] = min(1.0, 2 * float(binom.cdf(smaller, total, 0.5))) if total else 1.0
    return found


def bowker_range(treated: tuple[int, ...], control: tuple[int, ...]) -> tuple[float, float]:
    """Lowest and highest P of the McNemar-Bowker test over all pairings with given margins.

    The statistic is the sum over pairs of levels i < j of (n_ij - n_ji)^2 / (n_ij + n_ji), n_ij being the pairs whose
    treated member has level i and whose control has level j, with k (k - 1) / 2 degrees of freedom. Moving pairs
    from n_ij and n_ji to the diagonal keeps the margins and raises the statistic: the highest is where, of each two
    opposite cells, one is empty, and it then is the number of discordant pairs, which a small integer programme
    maximises. The lowest is a convex problem, solved without asking for whole numbers, so the range may be slightly
    too wide, never too narrow (Bowker 1948, doi 10.1080/01621459.1948.10483284).
    """
    used = [one for one in range(len(treated)) if treated[one] + control[one]]
    rows, columns = np.array(treated, float)[used], np.array(control, float)[used]
    freedom = len(used) * (len(used) - 1) // 2
    if not freedom:
        return 1.0, 1.0
    return float(chi2.sf(_highest(rows, columns), freedom)), float(chi2.sf(_lowest(rows, columns), freedom))


def _margin_rows(levels: int) -> np.ndarray:
    """Rows and columns of a square table as sums over its flattened cells."""
    return np.vstack([np.kron(np.eye(levels), np.ones(levels)), np.kron(np.ones(levels), np.eye(levels))])


def _highest(rows: np.ndarray, columns: np.ndarray) -> float:
    levels, pairs = len(rows), rows.sum()
    opposite = list(combinations(range(levels), 2))
    cells = levels * levels
    discordant = 1 - np.eye(levels).ravel()
    one_way = np.zeros((2 * len(opposite), cells + len(opposite)))
    for number, (first, second) in enumerate(opposite):
        one_way[2 * number, [first * levels + second, cells + number]] = 1, -pairs
        one_way[2 * number + 1, [second * levels + first, cells + number]] = 1, pairs
    margin = np.hstack([_margin_rows(levels), np.zeros((2 * levels, len(opposite)))])
    totals = np.concatenate([rows, columns])
    solved = milp(
        np.concatenate([-discordant, np.zeros(len(opposite))]),
        constraints=[
            LinearConstraint(margin, totals, totals),
            LinearConstraint(one_way, -np.inf, np.tile([0, pairs], len(opposite))),
        ],
        integrality=np.ones(cells + len(opposite)),
        bounds=Bounds(0, np.concatenate([np.full(cells, pairs), np.ones(len(opposite))])),
    )
    if solved.x is None:
        raise ArithmeticError("the pairings with the printed margins could not be searched")
    return float(-solved.fun)


def _lowest(rows: np.ndarray, columns: np.ndarray) -> float:
    levels = len(rows)
    upper = np.triu_indices(levels, 1)

    def statistic(cells: np.ndarray) -> float:
        table = cells.reshape(levels, levels)
        one, other = table[upper], table.T[upper]
        return float(((one - other) ** 2 / (one + other + 1e-9)).sum())

    def slope(cells: np.ndarray) -> np.ndarray:
        table = cells.reshape(levels, levels)
        total = table + table.T + 1e-9
        share = (table - table.T) / total
        return (share * (2 - share)).ravel()

    start = np.outer(rows, columns) / rows.sum()
    margin = _margin_rows(levels)[:-1]  # the last column follows from the others
    totals = np.concatenate([rows, columns])[:-1]
    solved = minimize(
        statistic,
        start.ravel(),
        jac=slope,
        bounds=[(0, None)] * levels**2,
        constraints={"type": "eq", "fun": lambda cells: margin @ cells - totals, "jac": lambda _: margin},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-9},
    )
    return min(float(solved.fun) if solved.success else np.inf, statistic(start.ravel()))
