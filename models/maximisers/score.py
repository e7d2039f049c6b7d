"""Where the weighted likelihood of the treatment model, under a wide prior, is largest: the score that makes weights and pairs."""

from collections.abc import Callable

import numpy as np

from models.arrays import parts_of
from models.propensity import treatment_log_likelihood

WIDE = 2.5
"""Prior sd of a coefficient times the standard deviation of its column (Gelman et al. 2008, doi 10.1214/08-AOAS191)."""
WIDE_INTERCEPT = 10.0
STEPS, HALVINGS = 100, 30
CLOSE = 1e-10  # change of the log posterior, per patient, below which a step is the last


def maximise_score(values: np.ndarray, treatment: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    r"""Return the coefficients of the treatment model that maximise its weighted likelihood times a wide prior.

    .. math:: \sum_i w_i [a_i \eta_i - \log(1 + e^{\eta_i})] - \tfrac12 g' P g, \quad \eta_i = g_0 + x_i' g

    by Newton's method for all weight vectors at once. The prior keeps coefficients finite where covariates determine the
    treatment, and is too wide to shrink those that the patients inform: a prior that shrinks leaves the arms unlike. It is
    stated per standard deviation of a column, so that the unit of a column does not matter.

    Parameters
    ----------
    values : ndarray (patient, term)
        Centred columns of the treatment model; may have no column.
    treatment : ndarray of bool (patient,) or (draw, patient)
        Of the patients, the same for all weight vectors; or one for each, as in replicated treatments.
    weights : ndarray (draw, patient)
        0 or more; each row is scaled to a mean of 1, so that the prior counts alike for all.

    Returns
    -------
    dict of str to ndarray
        `propensity_intercept` (draw,) and, where there are columns, `propensity_coefficients` (draw, term).
    """
    scale = values.std(axis=0)
    design = np.column_stack([np.ones(len(values)), values / scale])
    treated = np.broadcast_to(np.asarray(treatment, dtype=float), weights.shape)

    def found_in(part: slice) -> np.ndarray:
        own = weights[part] / weights[part].mean(axis=1, keepdims=True)
        start = np.zeros((len(own), design.shape[1]))
        return newton(design, treated[part], own, start, len(design), _summed, _share)

    found = np.concatenate([found_in(part) for part in parts_of(*weights.shape)])
    coefficients = {"propensity_coefficients": found[:, 1:] / scale} if values.shape[1] else {}
    return {"propensity_intercept": found[:, 0], **coefficients}


def newton(
    design: np.ndarray,
    treated: np.ndarray,
    weights: np.ndarray,
    place: np.ndarray,
    size: float,
    summed: Callable[[np.ndarray, np.ndarray], np.ndarray],
    share: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Return the maximisers (draw, column), by Newton steps that are halved until none makes its objective smaller.

    Parameters
    ----------
    design : ndarray (row, column)
        The first column is the intercept's.
    treated : ndarray (row,) or (draw, row)
    weights : ndarray (draw, row)
    place : ndarray (draw, column)
        Where the search begins.
    size : float
        How many patients the weights stand for.
    summed : callable
        Gives the sum (draw,) of weights times log likelihoods.
    share : callable
        Gives the probability of log odds.
    """
    columns = design.shape[1]
    precision = np.array([WIDE_INTERCEPT**-2, *[WIDE**-2] * (columns - 1)])
    upper = np.triu_indices(columns)
    products = design[:, upper[0]] * design[:, upper[1]]

    def objective(place: np.ndarray) -> np.ndarray:
        likelihood = treatment_log_likelihood(treated, place @ design.T, np)
        return summed(weights, likelihood) - 0.5 * place**2 @ precision

    best = objective(place)
    for _ in range(STEPS):
        probability = share(place @ design.T)
        gradient = (weights * (treated - probability)) @ design - place * precision
        information = np.empty((len(place), columns, columns))
        information[:, upper[0], upper[1]] = (weights * probability * (1.0 - probability)) @ products
        information[:, upper[1], upper[0]] = information[:, upper[0], upper[1]]
        information[:, range(columns), range(columns)] += precision
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        reached = objective(place + step)
        for _ in range(HALVINGS):
            worse = reached < best
            if not worse.any():
                break
            step[worse] /= 2.0
            reached = np.where(worse, objective(place + step), reached)
        place, gained, best = place + step, reached - best, reached
        if np.all(gained <= CLOSE * size):
            return place
    raise ArithmeticError(f"the treatment model must have a maximum within {STEPS} steps, but none was found")


def _summed(weights: np.ndarray, likelihood: np.ndarray) -> np.ndarray:
    return np.einsum("dp,dp->d", weights, likelihood)


def _share(log_odds: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-log_odds))
