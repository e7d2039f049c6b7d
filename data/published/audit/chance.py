"""How far the arms of a randomised trial differ by chance: the yardstick for the balance of matched arms."""

from collections.abc import Sequence

import numpy as np

TRIALS = 20_000
SEED = 20240131
SURE = 0.95


def differences(tables: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Standardised differences of the arms in the share of each level.

    Each is (p1 - p0) / sqrt((p1 (1 - p1) + p0 (1 - p0)) / 2), p1 the share in the treated and p0 in the controls
    (Austin 2009, doi 10.1002/sim.3697). Infinite where one arm has a level in all and the other in none.

    Parameters
    ----------
    tables : ndarray (..., 2, level)
        Counts, the treated first.
    sizes : ndarray (2,)
        Patients of the arms.

    Returns
    -------
    ndarray (..., level)
    """
    shares = tables / np.asarray(sizes, float)[:, None]
    spread = np.sqrt((shares * (1 - shares)).mean(axis=-2))
    apart = shares[..., 0, :] - shares[..., 1, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(apart == 0, 0.0, apart / spread)


def largest_by_chance(
    tables: Sequence[np.ndarray], sure: float = SURE, trials: int = TRIALS, seed: int = SEED
) -> float:
    """The largest standardised difference that a randomised trial with these margins stays below, `sure` of the time.

    The patients of each variable are divided between the arms at random, which gives a multivariate hypergeometric count of
    each level; the variables are drawn independently of each other. Where variables go together, as they do, the
    largest of their differences is a little smaller, so that the limit errs in favour of the arms that are judged.

    Parameters
    ----------
    tables : sequence of ndarray (2, level)
        Counts of each variable, the treated first; arms may differ in size between variables.
    sure : float
        Probability that no difference of any level of any variable is larger.
    trials, seed : int
        Of the simulation; the same give the same limit.

    Returns
    -------
    float

    Examples
    --------
    >>> even = np.array([[67, 68], [68, 67]])
    >>> largest_by_chance([even]) < largest_by_chance([even] * 10)
    True
    """
    rng = np.random.default_rng(seed)
    largest = np.zeros(trials)
    for table in tables:
        totals, sizes = table.sum(axis=0), table.sum(axis=1)
        treated = rng.multivariate_hypergeometric(totals, int(sizes[0]), size=trials)
        drawn = np.stack([treated, totals - treated], axis=1)
        largest = np.maximum(largest, np.abs(differences(drawn, sizes)).max(axis=1))
    return float(np.quantile(largest, sure, method="higher"))
