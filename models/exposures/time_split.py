"""A patient counts as untreated until treatment begins, and as treated from then on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from data.study.cohort import Cohort
from models.arrays import of_prefix, under_prefix
from models.effects.changing import changing_arrays, treated_hazard
from models.exposures.exposure import Exposure

if TYPE_CHECKING:
    from models.specification import ModelSpec


@dataclass(frozen=True)
class TimeSplit(Exposure):
    r"""Time-dependent exposure: the time before the start of treatment is the untreated patient's.

    Of a patient who is treated from s on, :math:`H_i(t) = e^{\eta_i} [H_0(s) - H_0(e) + e^{\theta} (H_0(t) - H_0(s))]`
    (Andersen and Gill 1982, doi 10.1214/aos/1176345976). A start before entry counts from entry.
    """

    name: ClassVar[str] = "time_split"

    def arrays(self, cohort: Cohort, spec: ModelSpec) -> dict[str, np.ndarray]:
        start = switch_times(cohort)
        return {
            **under_prefix("until_start", spec.baseline.basis(start, cohort.entry)),
            **under_prefix("from_start", spec.baseline.basis(cohort.time, start)),
            **changing_arrays(spec.effect.cutpoints, spec.baseline, start, cohort.time),
            **spec.effect.arrays(cohort),
        }

    def log_likelihood(
        self, parameters: Mapping[str, Any], content: Mapping[str, Any], spec: ModelSpec, risk: Any, xp: Any
    ) -> Any:
        baseline = spec.baseline
        treated = of_prefix("from_start", content)
        effect = spec.effect.log_hazard_ratio(parameters, content["treated"], content, xp)
        cumulative = baseline.cumulative_hazard(parameters, of_prefix("until_start", content), xp)
        if spec.effect.cutpoints:
            cumulative = cumulative + treated_hazard(spec.effect, baseline, parameters, content, xp)
        else:
            cumulative = cumulative + xp.exp(effect) * baseline.cumulative_hazard(parameters, treated, xp)
        log_hazard = baseline.log_hazard(parameters, treated, xp) + effect + risk
        return content["event"] * log_hazard - xp.exp(risk) * cumulative


def switch_times(cohort: Cohort) -> np.ndarray:
    """Return when each patient's time at risk changes from untreated to treated: at the end for the never treated.

    Raises
    ------
    ValueError
        Where the cohort has no start times.
    """
    if cohort.treatment_start is None:
        raise ValueError("a time-split exposure needs start times, but the cohort has none")
    begun = np.where(cohort.treatment, cohort.treatment_start, cohort.time)
    return np.clip(begun, cohort.entry, cohort.time)
