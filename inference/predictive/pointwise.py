"""Log likelihood of each patient under each draw, for leave-one-out scores and predictive checks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inference.adjustments.adjusted import AdjustedSample, flat_draws
from inference.sampling.posterior import Posterior
from models.predictors import covariate_predictor
from models.propensity import propensity_score, treatment_log_likelihood

POINTWISE_DRAWS = 1000  # of each chain, for adjustments with several designs


def pointwise_draws(adjusted: AdjustedSample) -> Iterator[tuple[Posterior, dict[str, np.ndarray]]]:
    """Yield, design by design, the draws (chain, draw, ...) of which values are kept for each patient, in the order kept."""
    for design in adjusted.designs:
        draws = design.parameters["treatment_effect"].shape[1]
        step = max(1, draws * len(adjusted.designs) // POINTWISE_DRAWS) if len(adjusted.designs) > 1 else 1
        yield design.posterior, {name: value[:, ::step] for name, value in design.parameters.items()}


def pointwise_log_likelihood(
    posterior: Posterior, parameters: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the log likelihood of each patient's time, and treatment where it is modelled: (chain, draw, patient)."""
    assert posterior.spec is not None, "the outcome model is asked for"
    content = posterior.content(posterior.blocks)
    shape = parameters["treatment_effect"].shape
    flat = flat_draws(parameters)
    risk = covariate_predictor(flat, content, np)
    time = posterior.spec.exposure.log_likelihood(flat, content, posterior.spec, risk, np)
    values = {"time": time.reshape(*shape, -1)}
    if posterior.spec.score == "latent":
        log_odds = flat["propensity_intercept"][:, None] + propensity_score(
            flat, posterior.cohort.propensity.values, np
        )
        treatment = treatment_log_likelihood(content["treated"], log_odds, np)
        values["treatment"] = treatment.reshape(*shape, -1)
    return values
