"""The joint model the usual way: Poisson-expanded rows, for the benchmark and as an independent check.

A piecewise-exponential likelihood is that of Poisson counts of deaths in rows of one patient and one interval, with
the exposure as offset (Holford 1980, doi 10.2307/2529982).
"""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from inference.sampling.posterior import Posterior
from models.assembly import model_blocks
from models.baselines import PiecewiseExponential
from models.blocks import Block


def poisson_model(posterior: Posterior) -> pm.Model:
    """Return the model of a joint task, random-walk piecewise exponential, as a Poisson regression of expanded rows.

    Parameters
    ----------
    posterior : Posterior
        With a latent score, covariates in both formulas, and one prior family a parameter.

    Returns
    -------
    pymc.Model
        Same parameters, same priors, same posterior; written as most would write it.
    """
    spec, cohort = posterior.spec, posterior.cohort
    assert spec is not None, "a joint outcome model is asked for"
    assert isinstance(spec.baseline, PiecewiseExponential), "rows are of a patient and an interval"
    blocks = {name: listed[0] for name, (_, listed) in model_blocks(cohort, spec, posterior.priors).items()}
    basis = spec.baseline.basis(cohort.time, cohort.entry)
    patient, interval = np.nonzero(basis["exposure"] > 0)
    deaths = (cohort.event[patient] & (basis["last_interval"][patient] == interval)).astype(int)
    with pm.Model() as model:
        level, step_sd = _prior(blocks["log_hazard_level"]), _prior(blocks["log_hazard_step_sd"])
        steps = pm.Normal("log_hazard_steps", 0.0, 1.0, shape=len(spec.baseline.cutpoints))
        log_hazard = pt.concatenate([level[None], level + pt.cumsum(steps * step_sd)])
        effect = _prior(blocks["treatment_effect"])
        outcome = _prior(blocks["outcome_coefficients"])
        intercept = _prior(blocks["propensity_intercept"])
        propensity = _prior(blocks["propensity_coefficients"])
        score_effect = _prior(blocks["propensity_effect"])
        score = cohort.propensity.values @ propensity
        pm.Bernoulli("treatment", logit_p=intercept + score, observed=cohort.treatment.astype(int))
        predictor = cohort.treatment * effect + cohort.outcome.values @ outcome + score_effect * score
        rate = basis["exposure"][patient, interval] * pt.exp(log_hazard[interval] + predictor[patient])
        pm.Poisson("deaths", rate, observed=deaths)
    return model


def _prior(block: Block) -> Any:
    """Declare a parameter by its prior."""
    shape = {"shape": len(block.positions)} if np.ndim(next(iter(block.arguments.values()))) else {}
    return block.family.pymc(block.variable, **block.arguments, **shape)
