"""How far the arms differ in each variable, before and after matching, against what chance gives in a randomised trial."""

from collections.abc import Iterator, Sequence

import numpy as np

from data.published.audit.finding import Finding, verdict
from data.published.audit.margins import Margin, margins
from data.published.evidence import Evidence
from data.study.study import Study

FAMILY = "balance"
TRIALS = 20_000
SEED = 20240131
SURE = 0.95
"""Probability that no difference of any level of any variable is larger."""


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


def largest_by_chance(tables: Sequence[np.ndarray], trials: int = TRIALS) -> float:
    """The largest standardised difference that a randomised trial with these margins stays below, `SURE` of the time.

    The patients of each variable are divided between the arms at random, which gives a multivariate hypergeometric count of
    each level; the variables are drawn independently of each other. Where variables go together, as they do, the
    largest of their differences is a little smaller, so that the limit errs in favour of the arms that are judged.

    Parameters
    ----------
    tables : sequence of ndarray (2, level)
        Counts of each variable, the treated first; arms may differ in size between variables.
    trials : int
        Of the simulation, whose seed is `SEED`.

    Examples
    --------
    >>> even = np.array([[67, 68], [68, 67]])
    >>> largest_by_chance([even]) < largest_by_chance([even] * 10)
    True
    """
    rng = np.random.default_rng(SEED)
    largest = np.zeros(trials)
    for table in tables:
        totals, sizes = table.sum(axis=0), table.sum(axis=1)
        treated = rng.multivariate_hypergeometric(totals, int(sizes[0]), size=trials)
        drawn = np.stack([treated, totals - treated], axis=1)
        largest = np.maximum(largest, np.abs(differences(drawn, sizes)).max(axis=1))
    return float(np.quantile(largest, SURE, method="higher"))


def standardised_differences(margin: Margin) -> dict[str, float]:
    """The standardised difference of the arms in the share of each level.

    It does not depend on the number of patients, which a P value does.

    Examples
    --------
    >>> one = Margin("age", "before", ("young", "old"), (50, 50), (30, 70), (100, 100), None, True)
    >>> round(standardised_differences(one)["young"], 3)
    0.417
    """
    found = differences(margin.table, np.array(margin.sizes))
    return dict(zip(margin.levels, map(float, found), strict=True))


def chance_limit(evidence: Evidence, phase: str) -> float | None:
    """The largest standardised difference, over all printed variables, that a randomised trial stays below 95 % of the time.

    None where no variable can be judged.
    """
    tables = [one.table for one in margins(evidence) if one.phase == phase and _judged(one)]
    return largest_by_chance(tables) if tables else None


def check_balance(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """The largest standardised difference of each variable after matching, beside the one before and what chance gives."""
    limit = chance_limit(evidence, "after")
    by_name: dict[str, dict[str, Margin]] = {}
    for one in margins(evidence):
        if _judged(one):
            by_name.setdefault(one.name, {})[one.phase] = one
    for name, phases in by_name.items():
        if "after" in phases and limit is not None:
            yield _of_variable(name, phases, limit)


def _judged(margin: Margin) -> bool:
    """Whether both arms have patients, and levels that add up where they must: counts that do not are found elsewhere."""
    adds_up = sum(margin.treated) == margin.sizes[0] and sum(margin.control) == margin.sizes[1]
    return min(margin.sizes) > 0 and adds_up


def _of_variable(name: str, phases: dict[str, Margin], limit: float) -> Finding:
    after, counts = standardised_differences(phases["after"]), phases["after"]
    # Where several levels may apply, "none of it" says the same as the level.
    levels = list(after) if counts.complete else list(after)[:1]
    level = max(levels, key=lambda one: abs(after[one]))
    named = f"{name} ({level})" if counts.complete else name
    before = standardised_differences(phases["before"]).get(level) if "before" in phases else None
    at, apart = counts.levels.index(level), abs(after[level])
    beyond = apart > limit
    grew = (
        f", more than before matching ({before:+.2f})" if before is not None and apart > abs(before) else ""
    )
    return verdict(
        (FAMILY, name),
        not beyond,
        "medium",
        f"balance of {named} after matching",
        f"{counts.treated[at]}/{counts.sizes[0]} against {counts.control[at]}/{counts.sizes[1]}",
        f"standardised difference {after[level]:+.2f}"
        + ("" if before is None else f", before {before:+.2f}")
        + f"; a randomised trial stays below {limit:.2f} in all printed variables, 95 % of the time",
        f"The matched arms differ in {named} by {apart:.2f} standard deviations{grew}; randomised arms of the same size "
        "would differ as much in some variable.",
        f"The matched arms differ in {named} by {apart:.2f} standard deviations{grew}: further than chance alone would leave "
        "any of the printed variables in a randomised trial.",
        kind="design",
    )
