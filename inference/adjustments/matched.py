"""Pairs: for each draw of the propensity score the nearest pairs within a caliper, and the outcome model on them.

Liao and Zigler 2020, arXiv 1809.05038. Optimal 1:1 matching without replacement within 0.1 standard deviations of
the score, half of what Austin advises (2011, doi 10.1002/pst.433): as many pairs as can be are made, so that the treated of a
pair tend to have the higher score, by up to the caliper. Designs are pooled with equal weights.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from data.cohort import Cohort
from data.errors import InputError
from data.subcohorts import some_patients
from inference.adjustments.adjusted import Adjustment, Question, chosen_designs, flat_draws, sample_designs
from inference.matching import Matching, match, on_scale
from inference.tasks import Task
from models.propensity import propensity_score

CALIPER = 0.1  # standard deviations of the score


def pairs_task(question: Question, drawn: dict[str, np.ndarray], draw: int) -> Task:
    """Return the outcome model, with treatment alone, of the pairs that one draw of the treatment model gives.

    Raises
    ------
    InputError
        Where no pair is within the caliper, or no patient of an arm that is left has the event.
    """
    inside = pairs_of(question.cohort, drawn, draw).patients(question.cohort.size)
    matched = some_patients(question.cohort, inside, outcome_terms=False)
    if not all(matched.event[matched.treatment == arm].any() for arm in (False, True)):
        raise InputError(
            f"{question.cohort.study}: the pairs must hold an event in each arm, but found {inside.sum() // 2} pairs "
            f"within {CALIPER} standard deviations of the score, and an arm of them without one; use --adjustment overlap"
        )
    return Task(matched, replace(question.spec, score="absent"), question.priors.without_terms)


def pairs_of(cohort: Cohort, drawn: dict[str, np.ndarray], draw: int) -> Matching:
    """Return the pairs under one draw of the treatment model."""
    one = {name: value[[draw]] for name, value in drawn.items()}
    score = propensity_score(one, cohort.propensity.values, np)[0]
    if not cohort.propensity.terms:
        return match(score, cohort.treatment, np.inf, "optimal")
    return match(on_scale(score, cohort.treatment, "logit_sd"), cohort.treatment, CALIPER, "optimal")


def matched_weights(question: Question, treatment: dict[str, np.ndarray]) -> np.ndarray:
    """Return who is in a pair (design, patient), as weights of 1 and 0."""
    drawn = flat_draws(treatment)
    size = question.cohort.size
    chosen = chosen_designs(question)
    return np.array([pairs_of(question.cohort, drawn, draw).patients(size) for draw in chosen], dtype=float)


MATCHED = Adjustment(
    "matched",
    partial(sample_designs, "matched", pairs_task),
    "absent",
    pairs_task,
    population="matched",
    weights=matched_weights,
)
