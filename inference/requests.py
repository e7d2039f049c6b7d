"""What is to be fitted: to which patients, by which model, and the name under which the fit is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from data.cohort import Cohort
from data.errors import InputError
from data.study import Study
from data.subcohorts import landmark_cohort
from inference.adjustments import ADJUSTMENTS, Question
from inference.engine import SamplerSettings
from inference.provenance import sampling_source, versions
from inference.store import digest
from models.effects.constant import ConstantEffect
from models.observations import EXPOSURES
from models.priors import PriorSet
from models.specification import outcome_spec


@dataclass(frozen=True)
class FitRequest:
    """What is to be fitted.

    Attributes
    ----------
    baseline, adjustment, effect : str
        Names of the families' members.
    priors : PriorSet
        Priors of all parameters.
    settings : SamplerSettings
        How long to sample.
    designs : int
        Propensity draws, for adjustments that take several.
    exposure : str
        How exposure to treatment is counted in time.
    predictive : bool
        Whether replicated cohorts are looked at too: not where only the effect is asked for.
    left_out : bool
        Whether left-out patients are: where baselines are compared.
    """

    baseline: str
    adjustment: str
    effect: str
    priors: PriorSet
    settings: SamplerSettings
    designs: int = 20
    exposure: str = "naive"
    predictive: bool = True
    left_out: bool = True

    @property
    def label(self) -> str:
        """Name of the fit in tables and checks."""
        counted = "" if self.exposure == "naive" else f", {self.exposure}"
        shape = "" if self.effect == ConstantEffect.name else f", {self.effect}"
        return f"{self.baseline}, {self.adjustment}, {self.priors.name}{shape}{counted}"

    @property
    def named(self) -> dict[str, str]:
        """The columns that name the fit in the table of estimands."""
        return {
            "baseline": self.baseline,
            "adjustment": self.adjustment,
            "effect": self.effect,
            "exposure": self.exposure,
            "prior_set": self.priors.name,
        }


def question_of(study: Study, cohort: Cohort, request: FitRequest) -> Question:
    """Return the question that a request asks of a cohort; of a landmark, that of those who are left then."""
    check_effect(request.adjustment, request.effect)
    landmark = landmark_of(request.exposure)
    asked = cohort if landmark is None else landmark_cohort(cohort, landmark)
    spec = outcome_spec(study, asked, request.baseline, request.effect, "absent")
    observation = EXPOSURES[request.exposure.split("_")[0] if landmark is not None else request.exposure]()
    return Question(
        asked, replace(spec, observation=observation), request.priors, request.settings, request.designs
    )


def check_effect(adjustment: str, effect: str) -> None:
    """Raise InputError where an adjustment knows constant effects only, and the effect is another."""
    if effect != ConstantEffect.name and ADJUSTMENTS[adjustment].population:
        others = [name for name, kind in ADJUSTMENTS.items() if not kind.population]
        raise InputError(
            f"--effect must be constant with --adjustment {adjustment}, whose outcome model holds treatment alone, but found "
            f"{effect}; choose --adjustment {', '.join(others[:-1])} or {others[-1]}, or --effect constant"
        )


def landmark_of(exposure: str) -> float | None:
    """Return the time of a landmark exposure, None for others."""
    return float(exposure.removeprefix("landmark_")) if exposure.startswith("landmark_") else None


def fit_key(study: Study, cohort: Cohort, request: FitRequest) -> str:
    """Return the name under which a fit is stored: a digest of all that decides its draws."""
    return digest(fit_content(study, cohort, request))


def fit_content(study: Study, cohort: Cohort, request: FitRequest) -> dict[str, Any]:
    """Return all that decides the draws of a fit."""
    question = question_of(study, cohort, request)
    kind = ADJUSTMENTS[request.adjustment]
    return {
        "cohort": cohort.sha256,
        **request.named,
        "cutpoints": question.spec.cutpoints,
        "structure": question.spec.baseline.structure,
        "modifiers": question.spec.effect.coordinates.get("subgroup", []),
        "priors": request.priors.content,
        "settings": vars(request.settings),
        "designs": request.designs if kind.several_designs or kind.maximises else None,
        "versions": versions(),
        "source": sampling_source(),
    }
