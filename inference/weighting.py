"""Weights with their uncertainty, what they do to balance, and how much of a variance comes from the design."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from data.cohort import Cohort
from inference.balance import (
    effective_sample_size,
    iptw_weights,
    overlap_weights,
    standardised,
    standardised_differences,
)

Weighting = Literal["iptw", "overlap"]
EXTREME = 10.0


def bootstrap_weights(draws: int, patients: int, rng: np.random.Generator) -> np.ndarray:
    """Return Bayesian bootstrap weights (draw, patient): uniform on the simplex, times the number of patients.

    Standard exponentials over their mean (Rubin 1981, doi 10.1214/aos/1176345338).
    """
    weights = rng.standard_exponential((draws, patients))
    return weights / weights.mean(axis=1, keepdims=True)


def design_weights(
    kind: Weighting, propensity: np.ndarray, treatment: np.ndarray, bootstrap: np.ndarray | None = None
) -> np.ndarray:
    """Return the weights (draw, patient) of a design, times those of the Bayesian bootstrap.

    Parameters
    ----------
    kind : {"iptw", "overlap"}
        iptw: inverse probability of the treatment received, stabilised by the bootstrap-weighted share of the treated
        (Saarela, Stephens, Moodie and Klein 2015, doi 10.1111/biom.12269). overlap: probability of the other treatment
        (Li, Morgan and Zaslavsky 2018, doi 10.1080/01621459.2016.1260466).
    propensity : ndarray (draw, patient)
        Probability of treatment, inside (0, 1).
    treatment : ndarray of bool (patient,)
    bootstrap : ndarray (draw, patient), optional
        From `bootstrap_weights`; None gives the weights of the design alone.
    """
    treatment = np.asarray(treatment, dtype=bool)
    if kind == "overlap":
        weights = overlap_weights(propensity, treatment)
    elif kind == "iptw":
        share = None if bootstrap is None else bootstrap @ treatment / bootstrap.sum(axis=1)
        weights = iptw_weights(propensity, treatment, share)
    else:
        raise ValueError(f"kind must be one of {', '.join(get_args(Weighting))}, but found {kind}")
    return weights if bootstrap is None else weights * bootstrap


def balance_of_designs(cohort: Cohort, weights: np.ndarray) -> pd.DataFrame:
    """Return how far the arms differ in each column of the treatment model, over draws of the weights.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    weights : ndarray (draw, patient)
        Of one design a row, without the bootstrap, which would add its own imbalance; 0 and 1 for pairs.

    Returns
    -------
    DataFrame
        ``term, difference_before, difference_after, lower, upper``: signed differences in standard deviations of the
        unweighted arms (see `standardised_differences`); after weighting their mean over draws, and the limits between
        which 95 % of the draws lie.
    """
    treatment, values = cohort.treatment, cohort.propensity.values
    table = standardised_differences(cohort.propensity, treatment)
    means = []
    for arm in (treatment, ~treatment):
        own = np.asarray(weights, dtype=float)[:, arm]
        total = own.sum(axis=1, keepdims=True)
        if not np.all(total > 0):
            raise ValueError(
                "weights must be above 0 for somebody in both arms, but found "
                f"{int((~(total > 0)).sum())} draws with an arm where all are 0"
            )
        means.append(own @ values[arm] / total)
    variance = sum(
        values[arm].var(axis=0, ddof=min(1, int(arm.sum()) - 1)) for arm in (treatment, ~treatment)
    )
    after = standardised(means[0] - means[1], variance / 2, np.abs(values).max(axis=0, initial=0.0))
    with np.errstate(invalid="ignore"):  # an infinite difference has no finite mean or limits
        lower, upper = np.quantile(after, [0.025, 0.975], axis=0)
        return table[["term", "difference_before"]].assign(
            difference_after=after.mean(axis=0), lower=lower, upper=upper
        )


def effective_sizes(weights: np.ndarray, treatment: np.ndarray) -> dict[str, np.ndarray]:
    """Return how many equally weighted patients carry the information of each arm (draw,), as `treated` and `control`.

    Parameters
    ----------
    weights : ndarray (draw, patient)
        Without the bootstrap, which would halve them.
    treatment : ndarray of bool (patient,)
    """
    treatment = np.asarray(treatment, dtype=bool)
    return {
        "treated": effective_sample_size(weights[:, treatment]),
        "control": effective_sample_size(weights[:, ~treatment]),
    }


def extreme_weights(weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return the `largest` weight and the `share_above_10` of the patients (draw,), of stabilised weights."""
    return {"largest": weights.max(axis=1), "share_above_10": (weights > EXTREME).mean(axis=1)}


@dataclass(frozen=True)
class VarianceByDesign:
    """The variance of a quantity, divided by the law of total variance.

    Attributes
    ----------
    within : float
        Mean over designs of the variance given the design.
    between : float
        Variance over designs of the mean given the design.
    """

    within: float
    between: float

    @property
    def total(self) -> float:
        """Variance over both."""
        return self.within + self.between

    @property
    def share(self) -> float:
        """Share of the variance that lies between designs; 0 where nothing varies."""
        return self.between / self.total if self.total > 0 else 0.0


def within_between(draws: np.ndarray) -> VarianceByDesign:
    """Return the variance within and between designs of draws (..., design), each design sampled by itself.

    Unbiased variances, as for cohorts in `inference.pooling`. The Monte Carlo error of the designs' means counts as between.

    Raises
    ------
    ValueError
        Where there are not two designs of two draws.
    """
    flat = draws.reshape(-1, draws.shape[-1])
    if min(flat.shape) < 2:
        raise ValueError(f"draws must be at least 2 of at least 2 designs, but found {flat.shape}")
    return VarianceByDesign(float(flat.var(axis=0, ddof=1).mean()), float(flat.mean(axis=0).var(ddof=1)))


def variance_of_designs(
    effects: Callable[[np.ndarray, np.ndarray], np.ndarray], propensity: np.ndarray, bootstrap: np.ndarray
) -> VarianceByDesign:
    """Return the variance within and between designs where each draw has a propensity and a bootstrap vector of its own.

    Every one of K propensity draws is crossed with every one of B bootstrap vectors: two-way analysis of variance with
    random effects (Searle, Casella and McCulloch 1992, doi 10.1002/9780470316856). Between designs is the propensity's
    main effect; within are the bootstrap's main effect and the interaction.

    Parameters
    ----------
    effects : callable
        From propensities (draw, patient) and bootstrap weights (draw, patient), row by row, to numbers (draw,).
    propensity : ndarray (K, patient)
        Independent draws, at least 2; some 40 give the shares to about a tenth.
    bootstrap : ndarray (B, patient)
        Independent draws, at least 2.

    Returns
    -------
    VarianceByDesign
        Of one draw of both. An estimate of a part below 0 is returned as 0.
    """
    rows, columns = len(propensity), len(bootstrap)
    if min(rows, columns) < 2:
        raise ValueError(
            f"propensity and bootstrap must be at least 2 draws each, but found {rows} and {columns}"
        )
    crossed = effects(np.repeat(propensity, columns, axis=0), np.tile(bootstrap, (rows, 1)))
    table = np.asarray(crossed, dtype=float).reshape(rows, columns)
    of_rows, of_columns = table.mean(axis=1), table.mean(axis=0)
    rest = table - of_rows[:, None] - of_columns + table.mean()
    interaction = float((rest**2).sum() / ((rows - 1) * (columns - 1)))
    between = max(0.0, float(of_rows.var(ddof=1)) - interaction / columns)
    other = max(0.0, float(of_columns.var(ddof=1)) - interaction / rows)
    return VarianceByDesign(other + interaction, between)
