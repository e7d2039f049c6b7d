"""Both likelihoods at once: the propensity score is a latent quantity that the outcome informs too.

McCandless, Gustafson and Austin 2009, doi 10.1002/sim.3460.
"""

from inference.adjustments.adjusted import (
    AdjustedSample,
    Adjustment,
    DesignSample,
    Problem,
    Progress,
    compare_modes,
    propensity_draws,
    sample_treatment,
)
from inference.sampling.engine import sample


def sample_joint(problem: Problem, progress: Progress) -> AdjustedSample:
    """Return the joint posterior of outcome and treatment model, and the treatment model alone to compare with."""
    # In this order a worker beside, which needs the treatment model first, has compiled it by the time it is needed here.
    progress("joint model", 0, 2)
    posterior = problem.posterior("latent")
    drawn = sample(posterior, problem.settings)
    progress("treatment model", 1, 2)
    treatment = sample_treatment(problem)
    design = DesignSample(posterior, drawn.parameters, propensity_draws(drawn.parameters, problem.cohort))
    modes = compare_modes(*drawn.modes) if len(drawn.modes) == 2 else None
    return AdjustedSample("joint", (design,), drawn.statistics, treatment, modes=modes)


JOINT = Adjustment("joint", sample_joint, "latent")
