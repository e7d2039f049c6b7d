"""Survival times drawn from a whole model: baseline, covariates and effect; treated from the start or never, or from a time on."""

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


def draw_split_times(
    parameters: Mapping[str, np.ndarray],
    content: Mapping[str, np.ndarray],
    spec: ModelSpec,
    start: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    r"""Return event times drawn from the hazard path of each patient, given survival to entry.

    With the start s of treatment, :math:`H(t) = e^{\eta} [H_0(t) - H_0(e)]` before s, and beyond it
    :math:`e^{\eta} [H_0(s) - H_0(e) + H_1(t) - H_1(s)]`, H_1 the treated patient's. The event is where H(t) reaches a unit
    exponential number (Bender et al. 2005, doi 10.1002/sim.2059; Austin 2012, doi 10.1002/sim.5452, for exposures that change).

    Parameters
    ----------
    parameters : mapping of str to ndarray (draw, ...)
    content : mapping of str to ndarray
        The arrays of the model.
    spec : ModelSpec
        Baseline hazard and effect shape.
    start : ndarray (draw, patient)
        When treatment would begin, infinite for never; before entry it counts from entry.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray (draw, patient)
        Uncensored times, at or after entry. Where one lies at or before the start, treatment did not begin.
    """
    baseline, entry = spec.baseline, np.asarray(content["entry"])
    start = np.maximum(start, entry)
    risk = np.broadcast_to(covariate_predictor(parameters, content, np), start.shape)
    at_entry = baseline.cumulative_hazard(parameters, baseline.basis(entry), np)
    untreated = at_entry + rng.standard_exponential(start.shape) * np.exp(-risk)
    at_start = np.full(start.shape, np.inf)
    known = np.isfinite(start)
    # Starts are few numbers that come again in every draw.
    distinct, place = np.unique(start[known], return_inverse=True)
    if len(distinct):
        reached = baseline.cumulative_hazard(parameters, baseline.basis(distinct), np)
        at_start[known] = np.broadcast_to(reached, (len(start), len(distinct)))[np.nonzero(known)[0], place]
    treated = untreated > at_start
    begun = np.where(treated, at_start, 0.0)  # 0 stands for a number that is not used, and is finite
    beyond = np.where(treated, untreated - begun, 0.0)
    if spec.effect.cutpoints:
        lines = ChangingRatio.of_draws(spec.effect, baseline, parameters)
        interval = interval_of(np.where(treated, start, 0.0), spec.effect.cutpoints)
        ratio, intercept = (
            np.take_along_axis(np.broadcast_to(one, (len(start), one.shape[-1])), interval, axis=-1)
            for one in (lines.ratio, lines.intercept)
        )
        after = lines.untreated(ratio * begun + intercept + beyond)
    else:
        everybody = np.ones(start.shape[1])
        effect = spec.effect.log_hazard_ratio(parameters, everybody, content, np)
        after = begun + beyond * np.exp(-effect)
    return baseline.time_at(parameters, np.where(treated, after, untreated))
