"""Designs that make the arms alike, for `iptw`, `overlap` and `matched`.

The outcome model holds treatment alone, and its weighted likelihood is maximised under Bayesian bootstrap weights: the
maximisers are the draws (weighted likelihood bootstrap: Newton and Raftery 1994, doi 10.1111/j.2517-6161.1994.tb01956.x).
A weighted likelihood is no likelihood: it is maximised, never sampled, and no prior of the outcome model enters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from data.errors import InputError, NotEstimableError
from data.study.cohort import Cohort
from data.study.subcohorts import some_patients
from inference.adjustments.adjusted import (
    AdjustedSample,
    Adjustment,
    DesignSample,
    Problem,
    Progress,
    WeightedDesign,
)
from inference.adjustments.weighting import Weighting, bootstrap_weights, design_weights
from inference.sampling.posterior import Posterior
from models.arrays import parts_of
from models.episodes import episodes_of
from models.maximisers import maximise, maximise_score
from models.propensity import given_score, probability_of_treatment


@dataclass(frozen=True, eq=False)
class BootstrapScores:
    """Bayesian bootstrap vectors of the patients, and the treatment model that each of them gives."""

    bootstrap: np.ndarray  # (draw, patient)
    parameters: dict[str, np.ndarray]  # (draw, ...): `propensity_intercept` and `propensity_coefficients`
    propensity: np.ndarray  # (draw, patient)


def weighted_adjustment(name: str, population: str, weighting: Weighting) -> Adjustment:
    """Return the adjustment by weights of patients.

    One bootstrap vector goes through the whole estimation: treatment model, weights, outcome model (Saarela, Stephens,
    Moodie and Klein 2015, doi 10.1111/biom.12269). Scores drawn without regard to the vector would add the variance that
    estimating the score removes.

    Parameters
    ----------
    name : str
        Of the adjustment.
    population : str
        That of the weighted patients.
    weighting : callable
        Weights of each patient.
    """
    return Adjustment(
        name,
        partial(_sample_weighted, name, weighting),
        "absent",
        population=population,
        weighted_designs=partial(_one_design, weighting),
    )


def best_score(cohort: Cohort) -> dict[str, np.ndarray]:
    """Return the treatment model that fits the patients best, under the wide prior of scores that design, or the given one: (1, ...)."""
    if cohort.propensity.given:
        return given_score(cohort.propensity, 1)
    return maximise_score(cohort.propensity.values, cohort.treatment, np.ones((1, cohort.size)))


def bootstrap_scores(problem: Problem) -> Iterator[BootstrapScores]:
    """Yield the treatment model refitted under each of `problem.designs` bootstrap vectors, some at a time; the same for the same seed.

    Raises
    ------
    InputError
        Where the treatment model has as many coefficients as there are patients.
    """
    cohort = problem.cohort
    given = bool(cohort.propensity.given)
    fitted = 0 if given else 1 + len(cohort.propensity.terms)
    if fitted >= cohort.size:
        raise InputError(
            f"{cohort.study}: the treatment model must have fewer coefficients than there are patients to be weighted, but "
            f"found {fitted} for {cohort.size} patients; shorten [propensity] formula"
        )
    rng = np.random.default_rng([problem.settings.seed, 4])
    for part in parts_of(problem.designs, cohort.size):
        bootstrap = bootstrap_weights(part.stop - part.start, cohort.size, rng, fitted)
        parameters = (
            given_score(cohort.propensity, len(bootstrap))
            if given
            else maximise_score(cohort.propensity.values, cohort.treatment, bootstrap)
        )
        propensity = probability_of_treatment(parameters, cohort.propensity.values)
        yield BootstrapScores(bootstrap, parameters, propensity)


def maximised(problem: Problem, design: WeightedDesign, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return where the weighted likelihood of the outcome model with treatment alone is largest (draw, ...).

    Weights (draw, patient) are of the patients of the design's cohort.

    Raises
    ------
    NotEstimableError
        Where an arm has no event while the other is at risk.
    """
    episodes = episodes_of(design.cohort, time_split=False)
    return estimable(problem, maximise(problem.spec.baseline, episodes, weights))


def estimable(problem: Problem, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return maximisers of the outcome model; NotEstimableError where an arm has no event while the other is at risk."""
    if np.isnan(found["treatment_effect"]).any():
        raise NotEstimableError(
            f"{problem.cohort.study}: each arm must have events while the other is at risk to be weighted, but found an arm "
            f"without any; use --adjustment joint, whose prior bounds the effect"
        )
    return found


def posterior_of(problem: Problem, design: WeightedDesign) -> Posterior:
    """Return the outcome model of a design: treatment alone."""
    return Posterior(
        design.cohort, replace(problem.spec, score="absent"), replace(problem.priors, term_overrides={})
    )


def restored(
    problem: Problem, kind: Adjustment, parameters: Sequence[dict[str, np.ndarray]]
) -> tuple[DesignSample, ...]:
    """Return the designs of a problem again with maximisers that were stored, one dictionary a design."""
    assert kind.weighted_designs is not None, "the adjustment makes the arms alike"
    return tuple(
        DesignSample(posterior_of(problem, design), own, design.propensity)
        for design, own in zip(kind.weighted_designs(problem), parameters, strict=True)
    )


def _one_design(weighting: Weighting, problem: Problem) -> tuple[WeightedDesign, ...]:
    cohort = problem.cohort
    propensity = probability_of_treatment(best_score(cohort), cohort.propensity.values)
    weights = design_weights(weighting, propensity, cohort.treatment)[0]
    everybody = some_patients(cohort, np.ones(cohort.size, dtype=bool), outcome_terms=False)
    return (WeightedDesign(everybody, weights, propensity, np.arange(cohort.size)),)


def _sample_weighted(name: str, weighting: Weighting, problem: Problem, progress: Progress) -> AdjustedSample:
    """Return the maximisers of the weighted likelihood, one for each bootstrap vector."""
    (design,) = _one_design(weighting, problem)
    treatment, outcome, done = [], [], 0
    for scores in bootstrap_scores(problem):
        progress("bootstrap vectors", done, problem.designs)
        weights = design_weights(weighting, scores.propensity, problem.cohort.treatment, scores.bootstrap)
        treatment.append(scores.parameters)
        outcome.append(maximised(problem, design, weights))
        done += len(weights)
    shape = by_chain(problem)
    drawn = DesignSample(posterior_of(problem, design), arranged(outcome, shape), design.propensity)
    return AdjustedSample(name, (drawn,), {}, arranged(treatment, shape))


def arranged(parts: Sequence[dict[str, np.ndarray]], shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return parameters (chain, draw, ...) from parts of their draws."""
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {name: value.reshape(*shape, *value.shape[1:]) for name, value in whole.items()}


def by_chain(problem: Problem) -> tuple[int, int]:
    """Return the shape (chain, draw) of as many draws as there are designs; one chain where they are not those of the settings."""
    settings = problem.settings
    if problem.designs == settings.chains * settings.draws:
        return settings.chains, settings.draws
    return 1, problem.designs
