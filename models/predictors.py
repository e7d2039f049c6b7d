"""The linear predictor: how much a patient's hazard is above that of the average untreated patient."""

from collections.abc import Mapping
from typing import Any

from models.arrays import matrix_vector
from models.propensity import propensity_score
from models.score_spline import PROPENSITY_CURVATURE, curvature
from models.specification import ModelSpec


def linear_predictor(
    parameters: Mapping[str, Any], content: Mapping[str, Any], spec: ModelSpec, xp: Any
) -> Any:
    r"""Return the log hazard ratio of each patient against an untreated patient with average covariates.

    Where the hazard ratio changes with time, that at the end of the time at risk.

    .. math:: \eta_i = a_i \theta + x_i' \beta + \xi s_i + c(s_i)' \zeta

    Parameters
    ----------
    parameters : mapping of str to array
        Draws come first.
    content : mapping of str to array
        From `model_data`; `treated` may be replaced to ask what had been.
    spec : ModelSpec
        Gives the effect shape.
    xp : module
        numpy or pytensor.tensor.

    Returns
    -------
    array (..., patient)
    """
    return spec.effect.log_hazard_ratio(parameters, content["treated"], content, xp) + covariate_predictor(
        parameters, content, xp
    )


def covariate_predictor(parameters: Mapping[str, Any], content: Mapping[str, Any], xp: Any) -> Any:
    """Return the part of the linear predictor that does not depend on treatment: covariates and propensity score."""
    total: Any = 0.0
    if "outcome_coefficients" in parameters:
        total = total + matrix_vector(content["outcome_design"], parameters["outcome_coefficients"], xp)
    if "propensity_effect" in parameters:
        score = content.get("propensity_score")
        if score is None:
            score = propensity_score(parameters, content["propensity_design"], xp)
        total = total + parameters["propensity_effect"][..., None] * score
        if PROPENSITY_CURVATURE.name in parameters:
            total = total + curvature(parameters, content, score, xp)
    return total
