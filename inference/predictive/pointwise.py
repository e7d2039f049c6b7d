"""Log likelihood of each patient under each draw, for leave-one-out scores and predictive checks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inference.adjustments.adjusted import AdjustedSample, flat_draws
from inference.sampling.tasks import Task
from models.predictors import covariate_predictor
from models.propensity import propensity_score, treatment_log_likelihood

POINTWISE_DRAWS = 1000  # of each chain, for adjustments with several designs


def pointwise_draws(adjusted: AdjustedSample) -> Iterator[tuple[Task, dict[str, np.ndarray]]]:
    """Yield, design by design, the draws (chain, draw, ...) of which values are kept for each patient, in the order kept."""
    for design in adjusted.designs:
        draws = design.parameters["treatment_effect"].shape[1]
        step = max(1, draws * len(adjusted.designs) // POINTWISE_DRAWS) if len(adjusted.designs) > 1 else 1
        yield design.task, {name: value[:, ::step] for name, value in design.parameters.items()}


def pointwise_log_likelihood(task: Task, parameters: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the log likelihood of each patient's time, and treatment where it is modelled: (chain, draw, patient)."""
    assert task.spec is not None, "the outcome model is asked for"
    content = task.content(task.blocks)
    shape = parameters["treatment_effect"].shape
    flat = flat_draws(parameters)
    risk = covariate_predictor(flat, content, np)
    time = task.spec.observation.log_likelihood(flat, content, task.spec, risk, np)
    values = {"time": time.reshape(*shape, -1)}
    if task.spec.score == "latent":
        log_odds = flat["propensity_intercept"][:, None] + propensity_score(
            flat, task.cohort.propensity.values, np
        )
        treatment = treatment_log_likelihood(content["treated"], log_odds, np)
        values["treatment"] = treatment.reshape(*shape, -1)
    return values
