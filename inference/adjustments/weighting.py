"""Weights of a design and of the weighted likelihood bootstrap; balance and effective sample size under them."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from data.study.cohort import Cohort
from inference.frequentist.balance import (
    effective_sample_size,
    mean_variance,
    standardised,
    standardised_differences,
)

Weighting = Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]
"""From the probability of treatment (draw, patient), treatment (patient,), and the bootstrap-weighted share of the treated
(draw,), or None for that of the patients, to weights (draw, patient)."""
EXTREME = 10.0


def bootstrap_weights(draws: int, units: int, rng: np.random.Generator, parameters: int = 0) -> np.ndarray:
    """Return Bayesian bootstrap weights (draw, unit) with a mean of 1 in each row.

    Standard exponentials over their mean, uniform on the simplex (Rubin 1981, doi 10.1214/aos/1176345338). Where the
    estimation fits `parameters` coefficients, residuals are smaller than errors: a gamma distribution of shape
    1 - parameters / units makes the variance units / (units - parameters) times as large, the degrees-of-freedom
    correction of a sandwich variance (MacKinnon and White 1985, doi 10.1016/0304-4076(85)90158-7).

    Parameters
    ----------
    draws, units : int
        Units are patients, or pairs.
    rng : numpy.random.Generator
    parameters : int
        Fewer than `units`.
    """
    weights = rng.standard_gamma(1.0 - parameters / units, (draws, units))
    return weights / weights.mean(axis=1, keepdims=True)


def design_weights(
    weighting: Weighting, propensity: np.ndarray, treatment: np.ndarray, bootstrap: np.ndarray | None = None
) -> np.ndarray:
    """Return the weights (draw, patient) of a design, times those of the Bayesian bootstrap.

    Parameters
    ----------
    weighting : callable
        Stabilised weights take the bootstrap-weighted share of the treated (Saarela, Stephens, Moodie and Klein 2015,
        doi 10.1111/biom.12269).
    propensity : ndarray (draw, patient)
        Probability of treatment, inside (0, 1).
    treatment : ndarray of bool (patient,)
    bootstrap : ndarray (draw, patient), optional
        From `bootstrap_weights`; None gives the weights of the design alone.
    """
    treatment = np.asarray(treatment, dtype=bool)
    if bootstrap is None:
        return weighting(propensity, treatment, None)
    return weighting(propensity, treatment, bootstrap @ treatment / bootstrap.sum(axis=1)) * bootstrap


def balance_of_designs(cohort: Cohort, weights: np.ndarray) -> pd.DataFrame:
    """Return how far the arms differ in each column of the treatment model, over draws of the weights.

    Parameters
    ----------
    cohort : Cohort
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
                "weights must be above 0 for a patient of each arm, but found "
                f"{int((~(total > 0)).sum())} draws with an arm where all are 0"
            )
        means.append(own @ values[arm] / total)
    scale = np.abs(values).max(axis=0, initial=0.0)
    after = standardised(means[0] - means[1], mean_variance(values, treatment), scale)
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
