"""Whoever was ever treated counts as treated from time zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from data.study.cohort import Cohort
from models.effects.changing import changing_arrays, treated_hazard
from models.exposures.exposure import Exposure
from models.likelihood import log_likelihood

if TYPE_CHECKING:
    from models.specification import ModelSpec


@dataclass(frozen=True)
class Naive(Exposure):
    """The naive exposure: a time at risk from entry, treated or untreated for all of it."""

    name: ClassVar[str] = "ever_never"

    def arrays(self, cohort: Cohort, spec: ModelSpec) -> dict[str, np.ndarray]:
        return {
            **spec.baseline.basis(cohort.time, cohort.entry),
            **changing_arrays(spec.effect.cutpoints, spec.baseline, cohort.entry, cohort.time),
            **spec.effect.arrays(cohort),
        }

    def log_likelihood(
        self, parameters: Mapping[str, Any], content: Mapping[str, Any], spec: ModelSpec, risk: Any, xp: Any
    ) -> Any:
        effect = spec.effect.log_hazard_ratio(parameters, content["treated"], content, xp)
        log_hazard = spec.baseline.log_hazard(parameters, content, xp)
        if spec.effect.cutpoints:
            cumulative = treated_hazard(spec.effect, spec.baseline, parameters, content, xp)
            return log_likelihood(content["event"], log_hazard + effect, cumulative, risk, xp)
        cumulative = spec.baseline.cumulative_hazard(parameters, content, xp)
        return log_likelihood(content["event"], log_hazard, cumulative, effect + risk, xp)
