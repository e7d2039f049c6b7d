"""Outcome regression alone: the covariates enter the hazard, the treatment model does not."""

from __future__ import annotations

from inference.adjustments.adjusted import (
    AdjustedSample,
    Adjustment,
    DesignSample,
    Progress,
    Question,
    propensity_draws,
    sample_treatment,
)
from inference.sampling.engine import sample


def sample_none(question: Question, progress: Progress) -> AdjustedSample:
    """Return the posterior of the outcome model without a propensity score.

    The treatment model is fitted beside it, only to say who overlaps.
    """
    progress("treatment model", 0, 2)
    treatment = sample_treatment(question)
    progress("outcome model", 1, 2)
    task = question.task("absent")
    drawn = sample(task, question.settings)
    propensity = propensity_draws(treatment, question.cohort)
    design = DesignSample(task, drawn.parameters, propensity)
    return AdjustedSample("none", (design,), drawn.statistics, treatment)


NONE = Adjustment("none", sample_none, "absent")
