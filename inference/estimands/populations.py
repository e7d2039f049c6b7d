"""The populations that curves are of: Bayesian bootstrap weights of the patients in each."""

from dataclasses import replace

import numpy as np

from data.study.cohort import Cohort
from inference.adjustments.adjusted import DesignSample, flat_draws
from models.predictors import covariate_predictor


def cumulative_to_entry(design: DesignSample, cohort: Cohort, origin: float = 0.0) -> np.ndarray | None:
    """Return the hazard (draw, patient) that each patient lived through before coming under observation.

    Parameters
    ----------
    design : DesignSample
        Draws of the outcome model.
    cohort : Cohort
    origin : float
        From which time on.

    Returns
    -------
    ndarray or None
        None where nobody came under observation later than the origin.
    """
    if not np.any(cohort.entry > origin):
        return None
    spec = design.posterior.spec
    assert spec is not None, "the outcome model is asked for"
    # The likelihood of being alive at entry, observed from the origin on: minus the log of it is the cumulative hazard.
    start = np.full(cohort.size, origin)
    until = np.maximum(cohort.entry, origin + 1e-9 * cohort.time.max())  # no time at all has no hazard at 0
    before = replace(
        design.posterior,
        cohort=replace(
            design.posterior.cohort, entry=start, time=until, event=np.zeros(cohort.size, dtype=bool)
        ),
    )
    parameters = flat_draws(design.parameters)
    content = before.content(before.blocks)
    risk = covariate_predictor(parameters, content, np)
    return -spec.exposure.log_likelihood(parameters, content, spec, risk, np)


def population_weights(
    propensity: np.ndarray,
    treatment: np.ndarray,
    draws: int,
    rng: np.random.Generator,
    unseen: np.ndarray | None = None,
) -> np.ndarray:
    r"""Return Bayesian bootstrap weights of the patients in each population.

    With delayed entry those who died before they came under observation are missing, and the populations are those at time
    zero: a patient who was as likely as :math:`S_i(e_i)` to be seen stands for :math:`1 / S_i(e_i)` patients. That entry
    does not depend on prognosis is assumed, as by every analysis of left-truncated times.

    Parameters
    ----------
    propensity : ndarray (draw, patient) or (1, patient)
        Probability of treatment.
    treatment : ndarray of bool (patient,)
        True for the treated.
    draws : int
    rng : numpy.random.Generator
    unseen : ndarray (draw, patient), optional
        From `cumulative_to_entry`: minus the log of :math:`S_i(e_i)`.

    Returns
    -------
    ndarray (population, draw, patient)
        Sum to 1 over patients.
    """
    bootstrap = rng.standard_exponential((draws, len(treatment)))
    if unseen is not None:
        bootstrap = bootstrap * np.exp(unseen - unseen.max(axis=1, keepdims=True))
    weights = np.stack([bootstrap, bootstrap * treatment, bootstrap * propensity * (1.0 - propensity)])
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights
