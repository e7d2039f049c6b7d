"""A treatment effect that is the same for all patients at all times: proportional hazards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from models.baselines.baseline import Values
from models.effects.effect import Effect
from models.priors import Parameter, Prior

TREATMENT_EFFECT = Parameter(
    "treatment_effect",
    "real",
    Prior(
        "Normal",
        {"mu": 0.0, "sigma": 0.5},
        "no direction preferred; the hazard ratio is between 0.37 and 2.7 (95 %)",
    ),
    "log hazard ratio of treatment, below 0 where treatment helps",
)


@dataclass(frozen=True)
class ConstantEffect(Effect):
    """log HR(t) = treatment_effect."""

    name: ClassVar[str] = "constant"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (TREATMENT_EFFECT,)

    def log_hazard_ratio(self, parameters: Values, treatment: Any) -> Any:
        return treatment * parameters["treatment_effect"][..., None]
