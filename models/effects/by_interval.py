"""A treatment effect that changes with time: a random walk of the log hazard ratio over the intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy import stats

from models.arrays import running_sum
from models.baselines.baseline import Values
from models.effects.changing import LAST
from models.effects.effect import TREATMENT_EFFECT, Effect, Reported
from models.intervals import interval_labels
from models.priors import Parameter, Prior

if TYPE_CHECKING:
    from data.study.cohort import Cohort
    from data.study.study import Study

# Steps divided by the root of their standard deviation: sampled as they are, or divided by all of it, they and their
# standard deviation hinder each other (docs/decisions/0021-steps-between-centred-and-not.md).
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
    cuts : tuple of float
        Inner limits of the intervals, in the study's time unit; without any, the effect is constant.
    """

    cuts: tuple[float, ...] = ()
    name: ClassVar[str] = "by_interval"

    @classmethod
    def of_study(cls, study: Study, cohort: Cohort, cutpoints: tuple[float, ...]) -> ByInterval:
        return cls(cutpoints)

    @classmethod
    def known_parameters(cls) -> tuple[Parameter, ...]:
        return (TREATMENT_EFFECT, STEP_SD)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (TREATMENT_EFFECT, STEP_SD) if self.cuts else (TREATMENT_EFFECT,)

    @property
    def derived(self) -> tuple[Parameter, ...]:
        return (BY_INTERVAL,)

    @property
    def cutpoints(self) -> tuple[float, ...]:
        return self.cuts

    @property
    def structure(self) -> tuple:
        return (self.name, len(self.cuts))

    @property
    def coordinates(self) -> dict[str, list[str]]:
        return {"interval": interval_labels(self.cuts)}

    def declare(self, declared: Callable[[str], Any]) -> dict[str, Any]:
        first = declared("treatment_effect")
        by_interval = first[None]
        if self.cuts:
            step_sd = declared("treatment_effect_step_sd")
            root = pt.sqrt(step_sd)
            steps = root * pm.Normal(STEPS, 0.0, root, shape=len(self.cuts))
            by_interval = first + running_sum(steps, len(self.cuts), pt)
        reported = pm.Deterministic(BY_INTERVAL.name, by_interval, dims="interval")
        return {"treatment_effect": first, BY_INTERVAL.name: reported}

    def draw_prior(
        self, drawn: Callable[[str], np.ndarray], rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        values = {parameter.name: drawn(parameter.name) for parameter in self.parameters}
        if self.cuts:
            root = np.sqrt(values["treatment_effect_step_sd"])[..., None]
            values[STEPS] = root * rng.standard_normal((*root.shape[:-1], len(self.cuts)))
        return self.complete(values)

    def complete(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        first = values["treatment_effect"][..., None]
        own = {parameter.name: values[parameter.name] for parameter in self.parameters}
        if not self.cuts:
            return own | {BY_INTERVAL.name: first}
        root = np.sqrt(values["treatment_effect_step_sd"])[..., None]
        climbed = root * running_sum(values[STEPS], len(self.cuts), np)
        return own | {BY_INTERVAL.name: first + climbed}

    def latent_log_prior(self, parameters: Values) -> dict[str, np.ndarray]:
        if not self.cuts:
            return {}
        steps = np.diff(parameters[BY_INTERVAL.name], axis=-1)
        density = stats.norm.logpdf(steps, 0.0, parameters["treatment_effect_step_sd"][..., None])
        return {BY_INTERVAL.name: density.sum(axis=-1)}

    def log_ratios(self, parameters: Values) -> Any:
        return parameters[BY_INTERVAL.name]

    def log_hazard_ratio(
        self, parameters: Values, treatment: Any, content: Mapping[str, Any], xp: Any
    ) -> Any:
        if not self.cuts:
            return treatment * parameters["treatment_effect"][..., None]
        return treatment * parameters[BY_INTERVAL.name][..., content[LAST]]

    def reported(self, parameters: Values, cohort: Cohort, last: float) -> tuple[Reported, ...]:
        by_interval = parameters[BY_INTERVAL.name]
        ends = (*self.cuts, last)
        return tuple(Reported("", end, by_interval[:, number]) for number, end in enumerate(ends))
