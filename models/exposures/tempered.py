"""An outcome that informs the propensity score by a part only: its likelihood, raised to a power."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from data.study.cohort import Cohort
from models.effects.constant import require_constant
from models.exposures.exposure import Exposure
from models.exposures.naive import Naive
from models.priors import Parameter

if TYPE_CHECKING:
    from models.specification import ModelSpec


@dataclass(frozen=True)
class Tempered(Exposure):
    """The likelihood of another exposure to the power eta: 0 leaves the outcome out, 1 lets it count in full.

    Attributes
    ----------
    eta : float
        Between 0 and 1.
    of : Exposure
        What is tempered.
    """

    eta: float
    of: Exposure = field(default_factory=Naive)
    name: ClassVar[str] = "tempered"

    def __post_init__(self) -> None:
        if not 0.0 <= self.eta <= 1.0:
            raise ValueError(f"eta must be between 0 and 1, but found {self.eta:g}")

    @property
    def structure(self) -> tuple:
        return (self.name, *self.of.structure)

    def parameters(self, cohort: Cohort) -> dict[Parameter, tuple[str, ...]]:
        return self.of.parameters(cohort)

    def arrays(self, cohort: Cohort, spec: ModelSpec) -> dict[str, np.ndarray]:
        require_constant(spec.effect, self.name)
        return {**self.of.arrays(cohort, spec), "tempering": np.full(cohort.size, self.eta)}

    def log_likelihood(
        self, parameters: Mapping[str, Any], content: Mapping[str, Any], spec: ModelSpec, risk: Any, xp: Any
    ) -> Any:
        return content["tempering"] * self.of.log_likelihood(parameters, content, spec, risk, xp)
