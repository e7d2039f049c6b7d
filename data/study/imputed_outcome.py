"""The outcome in imputations: a proportional hazards model of all covariates, by which imputed values are weighed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

PRIOR_SD = (
    2.5  # of a coefficient, per standard deviation of its column: levels that are separated stay finite
)
NEWTON_STEPS = 30
LONGEST = 2.0  # step of a coefficient: exp of a longer one overflows


@dataclass(frozen=True, eq=False)
class Outcome:
    """What imputed covariates must agree with, complete: arrays of one entry for each patient, as of `Cohort`."""

    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray
    treatment: np.ndarray


def cumulated_hazard(
    outcome: Outcome, risk: np.ndarray, rng: np.random.Generator | None = None
) -> np.ndarray:
    """Return the baseline hazard that each patient has cumulated from entry to the end of follow-up (patient,).

    Breslow's estimate (1972, doi 10.1111/j.2517-6161.1972.tb00900.x) given hazard ratios `risk`, that of Nelson and Aalen where all are 1; or,
    with a generator, a draw about it: of the posterior under a vague gamma process (Kalbfleisch 1978, doi 10.1111/j.2517-6161.1978.tb01666.x).
    """
    time, entry = outcome.time, outcome.entry
    deaths, counts = np.unique(time[outcome.event], return_counts=True)

    def before(at: np.ndarray) -> np.ndarray:
        """Sum of the hazard ratios of those for whom `at` lies before each death."""
        order = np.argsort(at, kind="stable")
        return np.append(0.0, np.cumsum(risk[order]))[np.searchsorted(at[order], deaths)]

    events = counts if rng is None else rng.standard_gamma(counts)
    hazard = np.append(0.0, np.cumsum(events / (before(entry) - before(time))))
    until_time, until_entry = (np.searchsorted(deaths, at, side="right") for at in (time, entry))
    return hazard[until_time] - hazard[until_entry]


def outcome_posterior(
    design: np.ndarray, outcome: Outcome, hazard: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, bool]]:
    """Return the posterior mode of log hazard ratios, and the Cholesky factor of their precision there.

    Given the cumulated hazard, events are Poisson (Holford 1980, doi 10.2307/2529982).

    Parameters
    ----------
    design : ndarray (patient, column)
        The first column is 1: the intercept moves the hazard to the scale of the coefficients.
    outcome : Outcome
    hazard : ndarray (patient,)
    """
    precision = prior_precision(design.shape[1])
    place = np.zeros(design.shape[1])
    for _ in range(NEWTON_STEPS):
        expected = hazard * np.exp(design @ place)
        gradient = design.T @ (outcome.event - expected) - precision * place
        factor = cho_factor((design.T * expected) @ design + np.diag(precision), lower=True)
        step = cho_solve(factor, gradient)
        longest = np.abs(step).max()
        place = place + step * min(1.0, LONGEST / longest) if longest > 0 else place
        if longest < 1e-6:
            break
    return place, factor


def prior_precision(columns: int) -> np.ndarray:
    """Return the precision of the prior of an intercept and of coefficients of standardised columns (column,)."""
    return np.array([(10 * PRIOR_SD) ** -2, *[PRIOR_SD**-2] * (columns - 1)])


def drawn_about(mode: np.ndarray, factor: tuple[np.ndarray, bool], rng: np.random.Generator) -> np.ndarray:
    """Return a draw of a normal distribution, from its mode and the Cholesky factor of its precision."""
    noise = solve_triangular(factor[0], rng.standard_normal(mode.size), lower=True, trans="T")
    return mode + noise.reshape(mode.shape)
