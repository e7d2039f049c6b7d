"""Which model: the baseline hazard, the effect shape, and the part the propensity score plays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from data.errors import InputError
from data.study.cohort import Cohort
from data.study.study import Study
from models.baselines import BASELINES, Baseline
from models.components import Component
from models.effects import EFFECTS, Effect
from models.exposures import Exposure, Naive
from models.intervals import equal_event_cutpoints
from models.priors import Parameter, PriorSet
from models.propensity import (
    OUTCOME_COEFFICIENTS,
    PROPENSITY_COEFFICIENTS,
    PROPENSITY_EFFECT,
    PROPENSITY_INTERCEPT,
)
from models.score_spline import PROPENSITY_CURVATURE, ScoreSpline

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
    exposure : Exposure
        How what was recorded of a patient came about; ever treated against never unless stated.
    spline : ScoreSpline or None
        How the score, where there is one, is curved in the outcome; None: the log hazard is a straight line in it.
    """

    baseline: Baseline
    effect: Effect
    score: Score = "absent"
    exposure: Exposure = field(default_factory=Naive)
    spline: ScoreSpline | None = None

    def __post_init__(self) -> None:
        of_baseline, of_effect = self.baseline.coordinates, self.effect.coordinates
        for dim in of_baseline.keys() & of_effect.keys():
            if of_baseline[dim] != of_effect[dim]:
                raise ValueError(
                    f"the {dim}s of the effect must be those of the baseline, {', '.join(of_baseline[dim])}, "
                    f"but found {', '.join(of_effect[dim])}"
                )

    @property
    def components(self) -> tuple[Component, ...]:
        """What hazard and effect are made of, in the order of declaration."""
        return (*self.baseline.components, *self.effect.components)

    @property
    def cutpoints(self) -> tuple[float, ...]:
        """Times at which a hazard may jump, in either arm."""
        return self.baseline.cutpoints or self.effect.cutpoints


def outcome_spec(study: Study, cohort: Cohort, baseline: str, effect: str, score: Score) -> ModelSpec:
    """Return the specification that a study's choices give on a cohort.

    Raises
    ------
    InputError
        When a cut point lies beyond the last time, or an effect by subgroup finds no subgroups.
    """
    cutpoints = study_cutpoints(study, cohort)
    return ModelSpec(
        BASELINES[baseline].of_study(cutpoints, study.baseline.smoothing),
        EFFECTS[effect].of_study(study, cohort, cutpoints),
        score,
    )


def study_cutpoints(study: Study, cohort: Cohort) -> tuple[float, ...]:
    """Return the study's cut points, or those that give about equal numbers of events.

    Those up to the first entry are left out: nobody is at risk before them.

    Raises
    ------
    InputError
        When a cut point lies beyond the last time.
    """
    chosen = study.baseline
    if chosen.cutpoints is None:
        return equal_event_cutpoints(cohort.time, cohort.event, chosen.intervals or 10)
    if chosen.cutpoints and chosen.cutpoints[-1] >= cohort.time.max():
        raise InputError(
            f"{study.file}: [baseline] cutpoints must lie below the last time {cohort.time.max():g} "
            f"{study.time_unit}, but found {chosen.cutpoints[-1]:g}; remove those beyond it"
        )
    return tuple(cut for cut in chosen.cutpoints if cut > cohort.entry.min())


def known_parameters() -> dict[str, Parameter]:
    """Return every parameter that a prior set may name."""
    of_parts = [one for part in (*BASELINES.values(), *EFFECTS.values()) for one in part.known]
    shared = (
        OUTCOME_COEFFICIENTS,
        PROPENSITY_INTERCEPT,
        PROPENSITY_COEFFICIENTS,
        PROPENSITY_EFFECT,
        PROPENSITY_CURVATURE,
    )
    return {parameter.name: parameter for parameter in (*of_parts, *shared)}


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
