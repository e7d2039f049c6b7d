"""Outcome regression alone: the covariates enter the hazard, the treatment model does not."""

from inference.adjustments.adjusted import (
    AdjustedSample,
    Adjustment,
    DesignSample,
    Problem,
    Progress,
    propensity_draws,
    sample_treatment,
)
from inference.sampling.engine import sample


def sample_none(problem: Problem, progress: Progress) -> AdjustedSample:
    """Return the posterior of the outcome model without a propensity score.

    The treatment model is fitted beside it, for the check of overlap alone.
    """
    progress("treatment model", 0, 2)
    treatment = sample_treatment(problem)
    progress("outcome model", 1, 2)
    posterior = problem.posterior("absent")
    drawn = sample(posterior, problem.settings)
    propensity = propensity_draws(treatment, problem.cohort)
    design = DesignSample(posterior, drawn.parameters, propensity)
    return AdjustedSample("none", (design,), drawn.statistics, treatment)


NONE = Adjustment("none", sample_none, "absent")
