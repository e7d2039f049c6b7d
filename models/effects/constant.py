"""A treatment effect that is the same for all patients at all times: proportional hazards."""

from dataclasses import dataclass
from typing import ClassVar

from models.effects.effect import TREATMENT_EFFECT, Effect
from models.priors import Parameter


@dataclass(frozen=True)
class ConstantEffect(Effect):
    """log HR(t) = treatment_effect."""

    name: ClassVar[str] = "constant"
    known: ClassVar[tuple[Parameter, ...]] = (TREATMENT_EFFECT,)


def require_constant(effect: Effect, exposure: str) -> None:
    """Raise ValueError where an exposure that is worked out for constant effects only is given another one."""
    if not isinstance(effect, ConstantEffect):
        raise ValueError(
            f"the effect must be constant where the exposure is {exposure}, but found {effect.name}"
        )
