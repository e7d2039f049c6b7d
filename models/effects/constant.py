"""A treatment effect that is the same for all patients at all times: proportional hazards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from models.components import Values
from models.effects.effect import TREATMENT_EFFECT, Effect
from models.priors import Parameter


@dataclass(frozen=True)
class ConstantEffect(Effect):
    """log HR(t) = treatment_effect."""

    name: ClassVar[str] = "constant"
    known: ClassVar[tuple[Parameter, ...]] = (TREATMENT_EFFECT,)

    def log_hazard_ratio(
        self, parameters: Values, treatment: Any, content: Mapping[str, Any], xp: Any
    ) -> Any:
        return treatment * parameters["treatment_effect"][..., None]


def require_constant(effect: Effect, exposure: str) -> None:
    """Raise ValueError where an exposure that is worked out for constant effects only is given another one."""
    if not isinstance(effect, ConstantEffect):
        raise ValueError(
            f"the effect must be constant where the exposure is {exposure}, but found {effect.name}"
        )
