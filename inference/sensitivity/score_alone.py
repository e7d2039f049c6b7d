"""The outcome models in which feedback is looked at: the study's own, and the propensity score alone as a spline."""

from dataclasses import replace

import numpy as np

from data.study.cohort import Cohort
from data.study.subcohorts import some_patients
from inference.sampling.posterior import Posterior
from models.maximisers import maximise_score
from models.priors import PriorSet
from models.propensity import OUTCOME_COEFFICIENTS, propensity_score
from models.score_spline import score_spline
from models.specification import ModelSpec

COVARIATES, SCORE_ALONE = "covariates", "score"


def outcome_models(cohort: Cohort, priors: PriorSet, spec: ModelSpec) -> dict[str, Posterior]:
    """Return the outcome models: the study's own with a straight line in the score, and the score alone as a spline.

    The cohort has covariates in the treatment model; without any in the outcome model, the score alone is all there is. What part the
    score plays is set by `tempered_effect`.
    """
    found = {COVARIATES: Posterior(cohort, spec, priors)} if cohort.outcome.terms else {}
    alone = some_patients(cohort, np.ones(cohort.size, dtype=bool), outcome_terms=False)
    kept = {name: own for name, own in priors.term_overrides.items() if name != OUTCOME_COEFFICIENTS.name}
    fitted = maximise_score(cohort.propensity.values, cohort.treatment, np.ones((1, cohort.size)))
    (score,) = propensity_score(fitted, cohort.propensity.values, np)
    curved = replace(spec, spline=score_spline(score))
    return found | {SCORE_ALONE: Posterior(alone, curved, replace(priors, term_overrides=kept))}
