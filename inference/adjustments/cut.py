"""No feedback: the treatment model is fitted alone, the outcome model given one draw of its score at a time.

McCandless et al. 2010, doi 10.2202/1557-4679.1205; Plummer 2015, doi 10.1007/s11222-014-9503-z. Designs are pooled
with equal weights.
"""

from functools import partial

import numpy as np

from inference.adjustments.adjusted import Adjustment, Problem, sample_designs
from inference.sampling.posterior import Posterior
from models.propensity import propensity_score


def given_score(problem: Problem, drawn: dict[str, np.ndarray], draw: int) -> Posterior:
    """Return the outcome model with the propensity score of one draw of the treatment model as a covariate."""
    one = {name: value[[draw]] for name, value in drawn.items()}
    return problem.posterior("given", propensity_score(one, problem.cohort.propensity.values, np)[0])


CUT = Adjustment(
    "cut", partial(sample_designs, "cut", given_score), "given", given_score, several_designs=True
)
