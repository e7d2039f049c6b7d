"""What an effect shape must state: its parameters, and the log hazard ratio in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from models.baselines.baseline import Values
from models.priors import Parameter


class Effect(ABC):
    """How treatment multiplies the hazard."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters with a prior."""

    @abstractmethod
    def log_hazard_ratio(self, parameters: Values, treatment: Any) -> Any:
        """Return the log hazard ratio of each patient against the same patient untreated.

        Parameters
        ----------
        parameters : mapping of str to array
            Draws come first.
        treatment : array (patient,)
            1 for treated, 0 for control.

        Returns
        -------
        array (..., patient)
        """
