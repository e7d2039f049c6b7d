"""Base class of exposure models: the likelihood of what was recorded of each patient, given hazard and effect."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from data.study.cohort import Cohort
from models.priors import Parameter

if TYPE_CHECKING:
    from models.specification import ModelSpec


class Exposure(ABC):
    """Who counts as treated from when, and what was not recorded: start times, a confounder.

    Formulas take the module of the arrays as `xp`: numpy for draws, which come first, pytensor.tensor inside a model.
    """

    name: ClassVar[str]

    @property
    def structure(self) -> tuple:
        """What a compiled model of this exposure depends on, besides the values and columns of its arrays."""
        return (self.name,)

    def parameters(self, cohort: Cohort) -> dict[Parameter, tuple[str, ...]]:
        """Return the parameters that it adds to a model, with the names along their dimension: none, unless overridden."""
        return {}

    @abstractmethod
    def arrays(self, cohort: Cohort, spec: ModelSpec) -> dict[str, np.ndarray]:
        """Return what its likelihood reads besides `treated`, `event`, `entry`, designs and score; patients come first."""

    @abstractmethod
    def log_likelihood(
        self, parameters: Mapping[str, Any], content: Mapping[str, Any], spec: ModelSpec, risk: Any, xp: Any
    ) -> Any:
        """Return the log likelihood of each patient.

        Parameters
        ----------
        parameters : mapping of str to array
            Draws come first.
        content : mapping of str to array
            The arrays of the model.
        spec : ModelSpec
            Baseline hazard and effect shape.
        risk : array (..., patient)
            Log hazard ratio of each patient, untreated, against the average untreated patient.
        xp : module
            numpy or pytensor.tensor.

        Returns
        -------
        array (..., patient)
        """
