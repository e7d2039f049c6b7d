"""The outcome in imputations: a proportional hazards model of all covariates, by which imputed values are weighed."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

# of a coefficient, per standard deviation of its column: levels that are separated stay finite
PRIOR_SD = 2.5
NEWTON_STEPS, HALVINGS = 30, 30
LARGEST = 300.0  # log hazard ratio: of an extreme value of a covariate it may be beyond numbers


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

    def not_before(at: np.ndarray) -> np.ndarray:
        """Sum of the hazard ratios of those for whom `at` does not lie before each death."""
        order = np.argsort(at, kind="stable")
        return np.append(np.cumsum(risk[order][::-1])[::-1], 0.0)[np.searchsorted(at[order], deaths)]

    events = counts if rng is None else rng.standard_gamma(counts)
    hazard = np.append(0.0, np.cumsum(events / (not_before(time) - not_before(entry))))
    until_time, until_entry = (np.searchsorted(deaths, at, side="right") for at in (time, entry))
    return hazard[until_time] - hazard[until_entry]


def outcome_posterior(
    design: np.ndarray, outcome: Outcome, hazard: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, bool]]:
    """Return the posterior mode of log hazard ratios, and the Cholesky factor of their precision there.

    Given the cumulated hazard, events are Poisson (Holford 1980, doi 10.2307/2529982).

    The first column of the design (patient, column) is 1: the intercept moves the hazard to the scale of the coefficients.
    """
    precision = prior_precision(design.shape[1])

    def objective(at: np.ndarray) -> float:
        eta = design @ at
        return float(outcome.event @ eta - hazard @ hazard_ratio(eta) - 0.5 * precision @ at**2)

    place = np.zeros(design.shape[1])
    best = objective(place)
    for _ in range(NEWTON_STEPS):
        expected = hazard * hazard_ratio(design @ place)
        gradient = design.T @ (outcome.event - expected) - precision * place
        factor = cho_factor((design.T * expected) @ design + np.diag(precision), lower=True)
        step = cho_solve(factor, gradient)
        for _ in range(HALVINGS):
            if (reached := objective(place + step)) >= best:
                break
            step = step / 2.0
        place, best = place + step, reached
        if np.abs(step).max() < 1e-6:
            break
    return place, factor


def hazard_ratio(eta: np.ndarray) -> np.ndarray:
    """Return the hazard ratio of a linear predictor."""
    return np.exp(np.clip(eta, -LARGEST, LARGEST))


def prior_precision(columns: int) -> np.ndarray:
    """Return the precision of the prior of an intercept and of coefficients of standardised columns (column,)."""
    return np.array([(10 * PRIOR_SD) ** -2, *[PRIOR_SD**-2] * (columns - 1)])


def drawn_about(mode: np.ndarray, factor: tuple[np.ndarray, bool], rng: np.random.Generator) -> np.ndarray:
    """Return a draw of a normal distribution, from its mode and the Cholesky factor of its precision."""
    noise = solve_triangular(factor[0], rng.standard_normal(mode.size), lower=True, trans="T")
    return mode + noise.reshape(mode.shape)
