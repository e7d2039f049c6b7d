"""Designs that make the arms alike: what `iptw`, `overlap` and `matched` share.

The outcome model holds treatment alone, and its weighted likelihood is maximised under Bayesian bootstrap weights: the
maximisers are the draws (weighted likelihood bootstrap: Newton and Raftery 1994, doi 10.1111/j.2517-6161.1994.tb01956.x).
A weighted likelihood is no likelihood: it is maximised, never sampled, and no prior of the outcome model enters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from data.errors import InputError
from data.study.cohort import Cohort
from data.study.subcohorts import some_patients
from inference.adjustments.adjusted import (
    AdjustedSample,
    Adjustment,
    DesignSample,
    Progress,
    Question,
    WeightedDesign,
)
from inference.adjustments.weighting import Weighting, bootstrap_weights, design_weights
from inference.sampling.tasks import Task
from models.episodes import episodes_of
from models.propensity import probability_of_treatment
from models.score_maximiser import maximise_score


@dataclass(frozen=True, eq=False)
class BootstrapScores:
    """Bayesian bootstrap vectors of the patients, and the treatment model that each of them gives.

    Attributes
    ----------
    bootstrap : ndarray (draw, patient)
    parameters : dict of str to ndarray (draw, ...)
        `propensity_intercept` and `propensity_coefficients`.
    propensity : ndarray (draw, patient)
    """

    bootstrap: np.ndarray
    parameters: dict[str, np.ndarray]
    propensity: np.ndarray


def weighted_adjustment(kind: Weighting, population: str) -> Adjustment:
    """Return the adjustment that weights patients so.

    One bootstrap vector goes through the whole estimation: treatment model, weights, outcome model (Saarela, Stephens,
    Moodie and Klein 2015, doi 10.1111/biom.12269). Scores drawn without regard to the vector would add the variance that
    estimating the score removes.

    Parameters
    ----------
    kind : {"iptw", "overlap"}
        The weights.
    population : str
        The one that they stand for.
    """
    return Adjustment(
        kind,
        partial(_sample_weighted, kind),
        "absent",
        population=population,
        weighted_designs=partial(_one_design, kind),
    )


def best_score(cohort: Cohort) -> dict[str, np.ndarray]:
    """Return the treatment model that fits the patients best, under the wide prior of scores that design: (1, ...)."""
    return maximise_score(cohort.propensity.values, cohort.treatment, np.ones((1, cohort.size)))


def bootstrap_scores(question: Question) -> BootstrapScores:
    """Return the treatment model refitted under each of `question.designs` bootstrap vectors; the same for the same seed.

    Raises
    ------
    InputError
        Where the treatment model has as many coefficients as there are patients.
    """
    cohort = question.cohort
    fitted = 1 + len(cohort.propensity.terms)
    if fitted >= cohort.size:
        raise InputError(
            f"{cohort.study}: the treatment model must have fewer coefficients than there are patients to be weighted, but "
            f"found {fitted} for {cohort.size} patients; shorten [propensity] formula"
        )
    rng = np.random.default_rng([question.settings.seed, 4])
    bootstrap = bootstrap_weights(question.designs, cohort.size, rng, fitted)
    parameters = maximise_score(cohort.propensity.values, cohort.treatment, bootstrap)
    propensity = probability_of_treatment(parameters, cohort.propensity.values)
    return BootstrapScores(bootstrap, parameters, propensity)


def maximisers(
    question: Question, design: WeightedDesign, weights: np.ndarray, shape: tuple[int, int]
) -> DesignSample:
    """Return where the weighted likelihood of the outcome model with treatment alone is largest, as draws.

    Parameters
    ----------
    question : Question
    design : WeightedDesign
    weights : ndarray (draw, patient)
        Of the patients of the design's cohort.
    shape : (int, int)
        Chains and draws; there are no chains, the numbers only arrange the draws.

    Raises
    ------
    InputError
        Where an arm has no event while the other is at risk.
    """
    found = question.spec.baseline.maximise(episodes_of(design.cohort, time_split=False), weights)
    if np.isnan(found["treatment_effect"]).any():
        raise InputError(
            f"{question.cohort.study}: each arm must have events while the other is at risk to be weighted, but found an arm "
            f"without any; use --adjustment joint, whose prior bounds the effect"
        )
    parameters = {name: value.reshape(*shape, *value.shape[1:]) for name, value in found.items()}
    return DesignSample(task_of(question, design), parameters, design.propensity)


def task_of(question: Question, design: WeightedDesign) -> Task:
    """Return the outcome model of a design: treatment alone."""
    return Task(design.cohort, replace(question.spec, score="absent"), question.priors.without_terms)


def restored(
    question: Question, kind: Adjustment, parameters: Sequence[dict[str, np.ndarray]]
) -> tuple[DesignSample, ...]:
    """Return the designs of a question again with maximisers that were stored, one dictionary a design."""
    assert kind.weighted_designs is not None, "the adjustment makes the arms alike"
    return tuple(
        DesignSample(task_of(question, design), own, design.propensity)
        for design, own in zip(kind.weighted_designs(question), parameters, strict=True)
    )


def _one_design(kind: Weighting, question: Question) -> tuple[WeightedDesign, ...]:
    cohort = question.cohort
    propensity = probability_of_treatment(best_score(cohort), cohort.propensity.values)
    weights = design_weights(kind, propensity, cohort.treatment)[0]
    everybody = some_patients(cohort, np.ones(cohort.size, dtype=bool), outcome_terms=False)
    return (WeightedDesign(everybody, weights, propensity, np.arange(cohort.size)),)


def _sample_weighted(kind: Weighting, question: Question, progress: Progress) -> AdjustedSample:
    """Return the maximisers of the weighted likelihood, one for each bootstrap vector."""
    progress("treatment model", 0, 2)
    scores = bootstrap_scores(question)
    progress("weighted outcome model", 1, 2)
    weights = design_weights(kind, scores.propensity, question.cohort.treatment, scores.bootstrap)
    (design,) = _one_design(kind, question)
    shape = _by_chain(question)
    treatment = {name: value.reshape(*shape, *value.shape[1:]) for name, value in scores.parameters.items()}
    return AdjustedSample(kind, (maximisers(question, design, weights, shape),), {}, treatment)


def _by_chain(question: Question) -> tuple[int, int]:
    settings = question.settings
    if question.designs == settings.chains * settings.draws:
        return settings.chains, settings.draws
    return 1, question.designs
