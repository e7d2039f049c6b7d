"""Weighting, with the uncertainty of the weights: what `iptw` and `overlap` share.

For each draw of the treatment model and a Bayesian bootstrap vector, the weighted likelihood of the outcome model with
treatment alone is maximised; the maximisers are the draws (Saarela et al. 2015, doi 10.1111/biom.12269). A weighted
likelihood is no likelihood: it is maximised, never sampled, and no prior of the outcome model enters.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from data.cohort import Cohort
from data.errors import InputError
from data.subcohorts import some_patients
from inference.adjustments.adjusted import (
    AdjustedSample,
    Adjustment,
    DesignSample,
    Progress,
    Question,
    chosen_designs,
    propensity_draws,
    sample_treatment,
)
from inference.tasks import Task
from inference.weighting import (
    VarianceByDesign,
    Weighting,
    bootstrap_weights,
    design_weights,
    variance_of_designs,
)
from models.episodes import episodes_of
from models.observations import TimeSplit

CROSSED = 40  # propensities, and bootstraps of the patients, whose every combination gives the variance between designs


def weighted_adjustment(kind: Weighting, population: str) -> Adjustment:
    """Return the adjustment that weights patients so.

    Parameters
    ----------
    kind : {"iptw", "overlap"}
        The weights.
    population : str
        The one that they stand for.
    """
    return Adjustment(
        kind,
        partial(sample_weighted, kind),
        "absent",
        population=population,
        weights=partial(propensity_weights, kind),
        maximises=True,
    )


def sample_weighted(kind: Weighting, question: Question, progress: Progress) -> AdjustedSample:
    """Return the maximisers of the weighted likelihood, one for each draw of the treatment model."""
    progress("treatment model", 0, 2)
    treatment = sample_treatment(question)
    progress("weighted outcome model", 1, 2)
    weights = weights_of(kind, question, treatment)
    episodes = episodes_of(question.cohort, isinstance(question.spec.observation, TimeSplit))
    found = question.spec.baseline.maximise(episodes, weights)
    if np.isnan(found["treatment_effect"]).any():
        raise InputError(
            f"{question.cohort.study}: each arm must have events while the other is at risk to be weighted, but found an arm "
            f"without any; use --adjustment joint, whose prior bounds the effect"
        )
    shape = _by_chain(question)
    parameters = {name: value.reshape(*shape, *value.shape[1:]) for name, value in found.items()}
    design = weighted_design(question, treatment, parameters)
    return AdjustedSample(kind, (design,), {}, treatment)


def weighted_design(
    question: Question, treatment: dict[str, np.ndarray], parameters: dict[str, np.ndarray]
) -> DesignSample:
    """Return maximisers with the model that they are of, treatment alone, and the propensities behind them."""
    alone = _treatment_alone(question.cohort)
    task = Task(alone, question.task("absent").spec, question.priors.without_terms)
    return DesignSample(
        task, parameters, propensity_draws(treatment, question.cohort)[chosen_designs(question)]
    )


def weights_of(kind: Weighting, question: Question, treatment: dict[str, np.ndarray]) -> np.ndarray:
    """Return the weights (draw, patient) behind each maximiser; the same question gives the same weights."""
    propensity = propensity_draws(treatment, question.cohort)[chosen_designs(question)]
    rng = np.random.default_rng([question.settings.seed, 4])
    bootstrap = bootstrap_weights(*propensity.shape, rng)
    return design_weights(kind, propensity, question.cohort.treatment, bootstrap)


def propensity_weights(kind: Weighting, question: Question, treatment: dict[str, np.ndarray]) -> np.ndarray:
    """Return the weights (draw, patient) that the propensity alone gives, without the bootstrap of the patients."""
    propensity = propensity_draws(treatment, question.cohort)[chosen_designs(question)]
    return design_weights(kind, propensity, question.cohort.treatment)


def variance_behind(
    kind: Weighting, question: Question, treatment: dict[str, np.ndarray]
) -> VarianceByDesign:
    """Return how the variance of the log hazard ratio divides: propensities crossed with bootstraps of the patients."""
    propensity = propensity_draws(treatment, question.cohort)
    chosen = np.linspace(0, len(propensity) - 1, min(CROSSED, len(propensity))).astype(int)
    rng = np.random.default_rng([question.settings.seed, 5])
    bootstrap = bootstrap_weights(CROSSED, question.cohort.size, rng)
    episodes = episodes_of(question.cohort, isinstance(question.spec.observation, TimeSplit))

    def effects(propensities: np.ndarray, bootstraps: np.ndarray) -> np.ndarray:
        weights = design_weights(kind, propensities, question.cohort.treatment, bootstraps)
        return question.spec.baseline.maximise(episodes, weights)["treatment_effect"]

    return variance_of_designs(effects, propensity[chosen], bootstrap)


def _by_chain(question: Question) -> tuple[int, int]:
    settings = question.settings
    if question.designs == settings.chains * settings.draws:
        return settings.chains, settings.draws
    return 1, question.designs


def _treatment_alone(cohort: Cohort) -> Cohort:
    return some_patients(cohort, np.ones(cohort.size, dtype=bool), outcome_terms=False)
