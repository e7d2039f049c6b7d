"""Which model: the baseline hazard, the effect shape, and the part the propensity score plays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from data.cohort import Cohort
from data.errors import InputError
from data.study import Study
from models.baselines import BASELINES, Baseline, PiecewiseExponential
from models.effects import EFFECTS, Effect
from models.intervals import equal_event_cutpoints
from models.priors import Parameter, PriorSet
from models.propensity import (
    OUTCOME_COEFFICIENTS,
    PROPENSITY_COEFFICIENTS,
    PROPENSITY_EFFECT,
    PROPENSITY_INTERCEPT,
)

Score = Literal["absent", "latent", "given"]


@dataclass(frozen=True)
class ModelSpec:
    """What is modelled.

    Attributes
    ----------
    baseline : Baseline
        Hazard of an untreated patient with average covariates.
    effect : Effect
        How treatment multiplies the hazard.
    score : {"absent", "latent", "given"}
        Propensity score in the outcome: none; shared with the treatment model, both likelihoods at once; or
        computed beforehand and entered as a covariate.
    """

    baseline: Baseline
    effect: Effect
    score: Score = "absent"


def outcome_spec(study: Study, cohort: Cohort, baseline: str, effect: str, score: Score) -> ModelSpec:
    """Return the specification that a study's choices give on a cohort.

    Raises
    ------
    InputError
        When a cut point lies beyond the last time.
    """
    return ModelSpec(_baseline(study, cohort, baseline), EFFECTS[effect](), score)


def _baseline(study: Study, cohort: Cohort, name: str) -> Baseline:
    if name != PiecewiseExponential.name:
        return BASELINES[name]()
    chosen = study.baseline
    if chosen.cutpoints is None:
        cutpoints = equal_event_cutpoints(cohort.time, cohort.event, chosen.intervals or 10)
    else:
        cutpoints = tuple(chosen.cutpoints)
        if cutpoints and cutpoints[-1] >= cohort.time.max():
            raise InputError(
                f"{study.file}: [baseline] cutpoints must lie below the last time {cohort.time.max():g} "
                f"{study.time_unit}, but found {cutpoints[-1]:g}; remove those beyond it"
            )
    return PiecewiseExponential(cutpoints, chosen.smoothing)


def known_parameters() -> dict[str, Parameter]:
    """Return every parameter that a prior set may name."""
    baselines = [
        BASELINES["weibull"](),
        PiecewiseExponential((1.0,)),
        PiecewiseExponential((1.0,), "independent"),
    ]
    owners = [*baselines, *(effect() for effect in EFFECTS.values())]
    shared = (
        OUTCOME_COEFFICIENTS,
        PROPENSITY_INTERCEPT,
        PROPENSITY_COEFFICIENTS,
        PROPENSITY_EFFECT,
    )
    listed = [*(parameter for owner in owners for parameter in owner.parameters), *shared]
    return {parameter.name: parameter for parameter in listed}


def check_prior_terms(priors: PriorSet, terms: Mapping[str, tuple[str, ...]]) -> None:
    """Raise InputError where a prior set overrides a term that no design has.

    Parameters
    ----------
    priors : PriorSet
        The set.
    terms : mapping of str to tuple of str
        Terms by parameter name.
    """
    for name, known in terms.items():
        priors.check_terms(known_parameters()[name], known)
