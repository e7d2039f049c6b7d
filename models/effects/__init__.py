"""Effect shapes by name."""

from models.effects.by_interval import ByInterval
from models.effects.by_subgroup import BySubgroup
from models.effects.constant import ConstantEffect
from models.effects.effect import Effect

EFFECTS: dict[str, type[Effect]] = {
    ConstantEffect.name: ConstantEffect,
    ByInterval.name: ByInterval,
    BySubgroup.name: BySubgroup,
}
