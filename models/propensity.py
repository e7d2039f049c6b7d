"""The treatment model, and how its score enters the outcome."""

from typing import Any

import numpy as np

from data.study.formulas import Design
from models.arrays import matrix_vector, softplus
from models.components import Values
from models.priors import Parameter, Prior

PROPENSITY_INTERCEPT = Parameter(
    "propensity_intercept",
    "real",
    Prior("Normal", {"mu": 0.0, "sigma": 1.5}, "between 5 and 95 % of average patients are treated"),
    "log odds of treatment of a patient with average covariates",
)
PROPENSITY_COEFFICIENTS = Parameter(
    "propensity_coefficients",
    "real",
    Prior(
        "Normal",
        {"mu": 0.0, "sigma": 1.0},
        "a level, or a standard deviation of a continuous covariate, changes the odds of treatment up to sevenfold",
        per="sd",
    ),
    "log odds ratio of treatment for one unit of the column",
    dim="term",
)
PROPENSITY_EFFECT = Parameter(
    "propensity_effect",
    "real",
    Prior("Normal", {"mu": 0.0, "sigma": 0.5}, "the score adds to the covariates only what they miss"),
    "log hazard ratio for one unit of the linear predictor of treatment",
)
OUTCOME_COEFFICIENTS = Parameter(
    "outcome_coefficients",
    "real",
    Prior(
        "Normal",
        {"mu": 0.0, "sigma": 1.0},
        "a level, or a standard deviation of a continuous covariate, changes the hazard up to sevenfold",
        per="sd",
    ),
    "log hazard ratio for one unit of the column",
    dim="term",
)


def propensity_score(parameters: Values, design: Any, xp: Any) -> Any:
    """Return the propensity score on the log odds scale, centred at the average patient.

    Parameters
    ----------
    parameters : mapping of str to array
        `propensity_coefficients` (..., term).
    design : array (patient, term)
        Centred columns of the treatment model; without columns the score is 0.
    xp : module
        numpy or pytensor.tensor.

    Returns
    -------
    array (..., patient)
    """
    if "propensity_coefficients" not in parameters:
        lead = np.shape(parameters["propensity_intercept"]) if xp is np else ()
        return np.zeros((*lead, design.shape[0]))
    return matrix_vector(design, parameters["propensity_coefficients"], xp)


def given_score(design: Design, draws: int) -> dict[str, np.ndarray]:
    """Return the treatment model of a score from elsewhere, in so many equal draws: the linear predictor is the score itself.

    Parameters
    ----------
    design : Design
        With a column that is the score.
    draws : int
    """
    place = design.terms.index(design.given)
    coefficients = np.zeros((draws, len(design.terms)))
    coefficients[:, place] = 1.0
    return {
        "propensity_intercept": np.full(draws, design.means[place]),
        "propensity_coefficients": coefficients,
    }


def probability_of_treatment(parameters: Values, design: np.ndarray) -> np.ndarray:
    """Return the probability of treatment of each patient, logit P(a = 1 | x) = g0 + x'g.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        `propensity_intercept` (...), `propensity_coefficients` (..., term).
    design : ndarray (patient, term)
        Centred columns of the treatment model.

    Returns
    -------
    ndarray (..., patient)
        Between 0 and 1.
    """
    log_odds = np.asarray(parameters["propensity_intercept"])[..., None] + propensity_score(
        parameters, design, np
    )
    return 1.0 / (1.0 + np.exp(-log_odds))


def treatment_log_likelihood(treatment: Any, log_odds: Any, xp: Any) -> Any:
    """Return the log likelihood of each patient's treatment, Bernoulli with the given log odds."""
    return treatment * log_odds - softplus(log_odds, xp)
