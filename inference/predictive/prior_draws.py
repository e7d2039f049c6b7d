"""Draws from the prior, by the same blocks that the model declares."""

from __future__ import annotations

from typing import Any

import numpy as np

from data.study.cohort import Cohort
from inference.sampling.tasks import Task
from models.baselines import Baseline
from models.blocks import assemble
from models.effects import EFFECTS
from models.lifetimes import draw_times
from models.priors import PriorSet
from models.specification import ModelSpec


def draw_prior(task: Task, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return draws of every parameter of a task from its prior.

    Parameters
    ----------
    task : Task
        Gives the parameters and their priors.
    draws : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    dict of str to ndarray (draw, ...)
    """
    blocks = task.blocks

    def drawn(name: str) -> np.ndarray:
        parameter, listed = blocks[name]
        values: dict[str, np.ndarray] = {}
        for block in listed:
            shape: Any = (draws, len(block.positions)) if parameter.dim else draws
            values[block.variable] = np.asarray(block.frozen.rvs(size=shape, random_state=rng))
        return assemble(parameter, listed, values)

    if task.spec is None:
        return {name: drawn(name) for name in blocks}
    components = (task.spec.baseline, task.spec.effect)
    owned = {parameter.name for component in components for parameter in component.parameters}
    values = task.spec.baseline.draw_prior(drawn, rng) | task.spec.effect.draw_prior(drawn, rng)
    return values | {name: drawn(name) for name in blocks if name not in owned}


def draw_prior_times(task: Task, parameters: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Return uncensored survival times of the cohort's patients (draw, patient) under draws of the prior."""
    assert task.spec is not None, "the treatment model has no survival times"
    content = task.content(task.blocks)
    draws = len(next(iter(parameters.values())))
    return draw_times(parameters, content, task.spec, draws, rng)


def prior_survival(
    baseline: Baseline, cohort: Cohort, priors: PriorSet, times: np.ndarray, draws: int, seed: int
) -> np.ndarray:
    """Return prior draws (draw, time) of the survival of an untreated patient with average covariates."""
    task = Task(cohort, ModelSpec(baseline, EFFECTS["constant"]()), priors)
    parameters = draw_prior(task, draws, np.random.default_rng(seed))
    return np.exp(-baseline.cumulative_hazard(parameters, baseline.basis(times), np))
