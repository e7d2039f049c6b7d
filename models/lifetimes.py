"""Survival times drawn from a whole model: baseline, covariates and effect, for who is treated from the start or never."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.effects.changing import ChangingRatio
from models.intervals import interval_of
from models.likelihood import simulate_times
from models.predictors import covariate_predictor, linear_predictor
from models.specification import ModelSpec


def draw_times(
    parameters: Mapping[str, np.ndarray],
    content: Mapping[str, np.ndarray],
    spec: ModelSpec,
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return event times drawn from the model, each given survival to the patient's entry.

    Parameters
    ----------
    parameters : mapping of str to ndarray (draw, ...)
    content : mapping of str to ndarray
        The arrays of the model.
    spec : ModelSpec
        Baseline hazard and effect shape.
    draws : int
        How many draws the parameters have.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray (draw, patient)
        Uncensored times, at or after entry.
    """
    baseline, entry = spec.baseline, content["entry"]
    shape = (draws, len(entry))
    if not spec.effect.cutpoints:
        eta = np.broadcast_to(linear_predictor(parameters, content, spec, np), shape)
        return simulate_times(baseline, parameters, eta, entry, rng)
    # What a patient has cumulated at death, without covariates, is read back to the untreated patient's scale.
    treated = content["treated"] > 0
    lines = ChangingRatio.of_draws(spec.effect, baseline, parameters)
    at_entry = baseline.cumulative_hazard(parameters, baseline.basis(entry), np)
    of_treated = lines.treated(at_entry, interval_of(entry, spec.effect.cutpoints))
    risk = np.broadcast_to(covariate_predictor(parameters, content, np), shape)
    reached = rng.standard_exponential(shape) * np.exp(-risk) + np.where(treated, of_treated, at_entry)
    return baseline.time_at(parameters, np.where(treated, lines.untreated(reached), reached))
