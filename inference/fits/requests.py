"""What is to be fitted: to which patients, by which model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.errors import InputError, NotEstimableError
from data.study.cohort import Cohort
from data.study.study import Study
from data.study.subcohorts import landmark_cohort
from inference.adjustments import ADJUSTMENTS, Problem
from inference.adjustments.counted import COUNTED_ADJUSTMENTS, CountedProblem
from inference.sampling.engine import SamplerSettings
from models.counted import Counted, CountedExponential
from models.effects.constant import ConstantEffect
from models.exposures import EXPOSURES
from models.priors import PriorSet
from models.specification import outcome_spec

TIME_SPLIT = "time_split"


@dataclass(frozen=True)
class FitRequest:
    """What is to be fitted.

    Attributes
    ----------
    baseline, adjustment, effect : str
        Names of the families' members.
    priors : PriorSet
    settings : SamplerSettings
    designs : int
        Propensity draws, for adjustments that take several.
    exposure : str
        How exposure to treatment is counted in time.
    predictive : bool
        Whether replicated cohorts are looked at too: not where only the effect is asked for.
    left_out : bool
        Whether left-out patients are: where baselines are compared.
    cohorts : int or None
        How many cohorts of pseudo-patients, from the first on, are pooled; None for all that there are. No part of a
        cohort's own fit.
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
    cohorts: int | None = None

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


def request_of_cohort(request: FitRequest, number: int) -> FitRequest:
    """Return the request of one of several cohorts, with a stream of random numbers of its own.

    Monte Carlo errors of different cohorts are then independent, as `mcse` of pooled fits takes them to be.

    Parameters
    ----------
    request : FitRequest
        Of all cohorts.
    number : int
        Of the cohort; the first one, 0, keeps the seed.
    """
    if number == 0:
        return request
    (seed,) = np.random.SeedSequence([request.settings.seed, number]).generate_state(1)
    return replace(request, settings=replace(request.settings, seed=int(seed)))


def cohorts_of(request: FitRequest, cohorts: Sequence[Cohort]) -> Sequence[Cohort]:
    """Return the cohorts that a request pools, of those that there are."""
    return cohorts[: request.cohorts]


def problem_of(study: Study, cohort: Cohort, request: FitRequest) -> Problem:
    """Return the problem that a request states for a cohort; of a landmark, that of those who are left then."""
    check_effect(request.adjustment, request.effect)
    check_exposure(request.adjustment, request.exposure)
    check_score(request.adjustment, study)
    if cohort.counts is not None:
        return _problem_of_counts(study, cohort, request)
    landmark = landmark_of(request.exposure)
    asked = cohort if landmark is None else landmark_cohort(cohort, landmark)
    spec = outcome_spec(study, asked, request.baseline, request.effect, "absent")
    asked = spec.effect.with_main_effects(asked)
    exposure = EXPOSURES[request.exposure.split("_")[0] if landmark is not None else request.exposure]()
    kind = ADJUSTMENTS[request.adjustment]
    designs = request.designs if kind.several_designs or kind.maximises else 1
    if kind.score == "given" and asked.propensity.given:
        designs = 1  # there is one score
    return Problem(asked, replace(spec, exposure=exposure), request.priors, request.settings, designs)


def _problem_of_counts(study: Study, cohort: Cohort, request: FitRequest) -> Problem:
    """Return the problem of a cohort of counts; NotEstimableError where it needs single patients."""
    reasons = {
        "--baseline must be piecewise_exponential": request.baseline != "piecewise_exponential"
        and "needs each patient's time, of which a table of counts holds sums by interval alone",
        f"--adjustment must be {', '.join(COUNTED_ADJUSTMENTS)}": request.adjustment
        not in COUNTED_ADJUSTMENTS
        and "pairs single patients",
        "--effect must be constant": request.effect != ConstantEffect.name
        and "is not made from a table of counts",
        "--exposure must be naive": request.exposure != "naive" and "needs each patient's start of treatment",
    }
    found = (request.baseline, request.adjustment, request.effect, request.exposure)
    wrong = [
        f"{must} with [cohort] source 'aggregate', but found {name}, which {reason}"
        for (must, reason), name in zip(reasons.items(), found, strict=True)
        if reason
    ]
    if wrong:
        raise NotEstimableError(f"{study.file}: {'; '.join(wrong)}; choose another, or analyse the patients")
    spec = outcome_spec(study, cohort, request.baseline, request.effect, "absent")
    baseline = CountedExponential.of_study(spec.cutpoints, study.baseline.smoothing)
    kind = ADJUSTMENTS[request.adjustment]
    designs = request.designs if kind.several_designs or kind.maximises else 1
    counted = replace(spec, baseline=baseline, exposure=Counted())
    return CountedProblem(cohort, counted, request.priors, request.settings, designs)


def check_effect(adjustment: str, effect: str) -> None:
    """Raise InputError where an adjustment knows constant effects only, and the effect is another."""
    if effect != ConstantEffect.name and ADJUSTMENTS[adjustment].population:
        others = [name for name, kind in ADJUSTMENTS.items() if not kind.population]
        raise InputError(
            f"--effect must be constant with --adjustment {adjustment}, whose outcome model holds treatment alone, but found "
            f"{effect}; choose --adjustment {', '.join(others[:-1])} or {others[-1]}, or --effect constant"
        )


def check_score(adjustment: str, study: Study) -> None:
    """Raise InputError where both models are to be fitted at once, and the score comes from elsewhere."""
    if study.propensity.score is not None and ADJUSTMENTS[adjustment].score == "latent":
        others = [name for name, kind in ADJUSTMENTS.items() if kind.score != "latent"]
        raise InputError(
            f"--adjustment must be {', '.join(others[:-1])} or {others[-1]} where [propensity] score of {study.file} gives the score, but "
            f"found {adjustment}: a score that is given has no coefficients that the outcome could inform"
        )


def check_exposure(adjustment: str, exposure: str) -> None:
    """Raise InputError where weights or pairs are asked for beside exposure from the start of treatment on.

    They are made from who was ever treated, which nobody knows at time zero: those who live longer have longer to be
    treated, and weighting by that is weighting by the outcome.
    """
    if exposure == TIME_SPLIT and ADJUSTMENTS[adjustment].population:
        others = [name for name, kind in ADJUSTMENTS.items() if not kind.population]
        raise InputError(
            f"--exposure must be landmark or naive with --adjustment {adjustment}, whose weights or pairs are made from who "
            f"was ever treated, but found {exposure}; add --exposure landmark --landmark TIME, where who is treated is known "
            f"at the landmark, or choose --adjustment {', '.join(others[:-1])} or {others[-1]}"
        )


def landmark_of(exposure: str) -> float | None:
    """Return the time of a landmark exposure, None for others."""
    return float(exposure.removeprefix("landmark_")) if exposure.startswith("landmark_") else None
