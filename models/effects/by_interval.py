"""A treatment effect that changes with time: a random walk of the log hazard ratio over the intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from models.components import Component, RandomWalk, Values
from models.effects.effect import TREATMENT_EFFECT, Effect, Reported
from models.intervals import interval_labels
from models.priors import Parameter, Prior

if TYPE_CHECKING:
    from data.study.cohort import Cohort
    from data.study.study import Study

STEPS = "treatment_effect_steps_over_root_sd"
STEP_SD = Parameter(
    "treatment_effect_step_sd",
    "positive",
    Prior(
        "LogNormal",
        {"mu": 0.0, "sigma": 0.6},
        "hazard ratios of neighbouring intervals may differ by a factor of 2.7, so that the patients say how much they do: a "
        "narrower prior pulls changes towards none (docs/decisions/0022-effects-that-change.md); little mass near 0, where the "
        "sampler could not move",
    ),
    "standard deviation of the step of the log hazard ratio between neighbouring intervals",
    scale_of_others=True,
)
BY_INTERVAL = Parameter(
    "treatment_effect_by_interval",
    "real",
    TREATMENT_EFFECT.default,
    "log hazard ratio of treatment, by interval",
    dim="interval",
)


@dataclass(frozen=True)
class ByInterval(Effect):
    """log HR(t) = treatment_effect in the first interval; each further step ~ Normal(0, treatment_effect_step_sd).

    Attributes
    ----------
    cutpoints : tuple of float
        Inner limits of the intervals, in the study's time unit; without any, the effect is constant.
    """

    cutpoints: tuple[float, ...] = ()
    name: ClassVar[str] = "by_interval"
    known: ClassVar[tuple[Parameter, ...]] = (TREATMENT_EFFECT, STEP_SD)

    @classmethod
    def of_study(cls, study: Study, cohort: Cohort, cutpoints: tuple[float, ...]) -> ByInterval:
        return cls(cutpoints)

    @property
    def components(self) -> tuple[Component, ...]:
        labels = tuple(interval_labels(self.cutpoints))
        return (RandomWalk(BY_INTERVAL, labels, first=TREATMENT_EFFECT, sd=STEP_SD, latent=STEPS),)

    def log_ratios(self, parameters: Values) -> Any:
        return parameters[BY_INTERVAL.name]

    def reported(self, parameters: Values, cohort: Cohort, last: float) -> tuple[Reported, ...]:
        by_interval = parameters[BY_INTERVAL.name]
        ends = (*self.cutpoints, last)
        return tuple(Reported("", end, by_interval[:, number]) for number, end in enumerate(ends))
