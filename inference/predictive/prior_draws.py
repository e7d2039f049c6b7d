"""Draws from the prior, by the same blocks that the model declares."""

from typing import Any

import numpy as np

from data.study.cohort import Cohort
from inference.sampling.posterior import Posterior
from models.baselines import Baseline
from models.blocks import assemble
from models.effects import EFFECTS
from models.lifetimes import draw_times
from models.priors import PriorSet
from models.specification import ModelSpec


def draw_prior(posterior: Posterior, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return draws of every parameter of a posterior from its prior.

    Parameters
    ----------
    posterior : Posterior
        Gives the parameters and their priors.
    draws : int
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to ndarray (draw, ...)
    """
    blocks = posterior.blocks

    def drawn(name: str) -> np.ndarray:
        parameter, listed = blocks[name]
        values: dict[str, np.ndarray] = {}
        for block in listed:
            shape: Any = (draws, len(block.positions)) if parameter.dim else draws
            values[block.variable] = np.asarray(block.frozen.rvs(size=shape, random_state=rng))
        return assemble(parameter, listed, values)

    if posterior.spec is None:
        return {name: drawn(name) for name in blocks}
    values: dict[str, np.ndarray] = {}
    for component in posterior.spec.components:
        values |= component.draw_prior(drawn, rng)
    return values | {name: drawn(name) for name in blocks if name not in values}


def draw_prior_times(
    posterior: Posterior, parameters: dict[str, np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Return uncensored survival times of the cohort's patients (draw, patient) under draws of the prior."""
    assert posterior.spec is not None, "the treatment model has no survival times"
    content = posterior.content(posterior.blocks)
    draws = len(next(iter(parameters.values())))
    return draw_times(parameters, content, posterior.spec, draws, rng)


def prior_survival(
    baseline: Baseline, cohort: Cohort, priors: PriorSet, times: np.ndarray, draws: int, seed: int
) -> np.ndarray:
    """Return prior draws (draw, time) of the survival of an untreated patient with average covariates."""
    posterior = Posterior(cohort, ModelSpec(baseline, EFFECTS["constant"]()), priors)
    parameters = draw_prior(posterior, draws, np.random.default_rng(seed))
    return np.exp(-baseline.cumulative_hazard(parameters, baseline.basis(times), np))
