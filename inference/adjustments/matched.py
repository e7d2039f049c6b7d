"""Pairs: optimal 1:1 matching within a caliper of the propensity score, and a bootstrap of the pairs.

The score is the one that fits best, without the shrinkage or the noise of posterior draws, both of which leave the arms
unlike. Many patients have nearly the same score, so that many sets of pairs are equally good: each design breaks ties at
random. Pairs, not patients, are resampled, because the patients of a pair are alike (Austin and Small 2014,
doi 10.1002/sim.6276). Designs are pooled with equal weights.
"""

import numpy as np

from data.errors import NotEstimableError
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
from inference.adjustments.weighted import arranged, best_score, maximised, posterior_of
from inference.adjustments.weighting import bootstrap_weights
from inference.frequentist.matching import Matching, match, on_scale
from models.arrays import parts_of
from models.propensity import probability_of_treatment, propensity_score

CALIPER = 0.05
"""Standard deviations of the score: a quarter of Austin's advice (2011, doi 10.1002/pst.433).

Optimal matching takes every pair that the caliper allows, and the treated of a pair tend to have the higher score.
"""
TIES = 0.001  # standard deviations of the score within which two controls are equally near


def pairs_of(cohort: Cohort, best: dict[str, np.ndarray], rng: np.random.Generator) -> Matching:
    """Return one of the sets of pairs by the `best_score` that are equally good, to within `TIES`."""
    if not cohort.propensity.terms:
        return match(rng.random(cohort.size), cohort.treatment, np.inf, "optimal")
    score = on_scale(propensity_score(best, cohort.propensity.values, np)[0], cohort.treatment, "logit_sd")
    return match(score + TIES * rng.standard_normal(cohort.size), cohort.treatment, CALIPER, "optimal")


_REMEMBERED: dict[tuple, tuple[WeightedDesign, ...]] = {}


def matched_designs(problem: Problem) -> tuple[WeightedDesign, ...]:
    """Return the pairs of each design, the same for the same seed; those of the last problem are remembered, because its checks read them.

    Raises
    ------
    NotEstimableError
        Where no pair is within the caliper, or no patient of an arm that is left has the event.
    """
    cohort = problem.cohort
    key = (cohort.sha256, problem.settings.seed, problem.designs)
    if key in _REMEMBERED:
        return _REMEMBERED[key]
    best = best_score(cohort)
    propensity = probability_of_treatment(best, cohort.propensity.values)
    designs = []
    for number in range(problem.designs):
        matching = pairs_of(cohort, best, np.random.default_rng([problem.settings.seed, 1, number]))
        inside = matching.patients(cohort.size)
        _refuse_without_events(cohort, inside)
        pair = np.zeros(cohort.size, dtype=int)
        pair[matching.treated] = pair[matching.control] = np.arange(matching.pairs)
        left = some_patients(cohort, inside, outcome_terms=False)
        designs.append(WeightedDesign(left, inside.astype(float), propensity, pair[inside]))
    _REMEMBERED.clear()
    _REMEMBERED[key] = tuple(designs)
    return _REMEMBERED[key]


def sample_matched(problem: Problem, progress: Progress) -> AdjustedSample:
    """Return the maximisers of the outcome model under bootstrap weights of the pairs, design by design."""
    settings = problem.settings
    draws = -(-settings.chains * settings.draws // problem.designs)
    progress("pairs", 0, problem.designs + 1)
    samples = []
    for number, design in enumerate(matched_designs(problem)):
        progress("outcome model, design by design", number + 1, problem.designs + 1)
        rng = np.random.default_rng([settings.seed, 4, number])
        pairs = int(design.unit.max()) + 1
        found = [
            maximised(problem, design, bootstrap_weights(part.stop - part.start, pairs, rng)[:, design.unit])
            for part in parts_of(draws, len(design.unit))
        ]
        samples.append(
            DesignSample(posterior_of(problem, design), arranged(found, (1, draws)), design.propensity)
        )
    treatment = {name: value[None] for name, value in best_score(problem.cohort).items()}
    return AdjustedSample("matched", tuple(samples), {}, treatment)


def _refuse_without_events(cohort: Cohort, inside: np.ndarray) -> None:
    if all((cohort.event & inside & (cohort.treatment == arm)).any() for arm in (False, True)):
        return
    raise NotEstimableError(
        f"{cohort.study}: the pairs must hold an event in each arm, but found {int(inside.sum()) // 2} pairs "
        f"within {CALIPER} standard deviations of the score, and an arm of them without one; use --adjustment joint, whose prior bounds the effect"
    )


MATCHED = Adjustment(
    "matched",
    sample_matched,
    "absent",
    population="matched",
    weighted_designs=matched_designs,
    several_designs=True,
)
