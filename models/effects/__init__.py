"""Effect shapes by name."""

from models.effects.constant import ConstantEffect
from models.effects.effect import Effect

EFFECTS: dict[str, type[Effect]] = {ConstantEffect.name: ConstantEffect}
