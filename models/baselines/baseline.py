"""Base class of baseline hazards: parameters, log hazard, cumulative hazard and its inverse."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from models.components import Part, Values

Arrays = Mapping[str, np.ndarray]


class Baseline(Part):
    """The hazard of an untreated patient with average covariates.

    Formulas take the module of the arrays as `xp`: numpy for draws, pytensor.tensor inside a model, so that each is written
    once. Draws carry their dimensions before the last one, which is that of a vector's elements and absent for single
    numbers; results end with the dimension of the times. With numpy, parameters may be complex numbers, which gives exact
    derivatives (`models/maximisers/smooth.py`): formulas use functions that numpy knows for those.
    """

    @classmethod
    def of_study(cls, cutpoints: tuple[float, ...], smoothing: str) -> Self:
        """Return the baseline that a study's intervals and smoothing give; a smooth one needs neither."""
        return cls()

    @property
    def hazard_parameters(self) -> dict[str, int]:
        """Names of the parameters that the formulas read, with their length; 0 for a single number."""
        return {one.value.name: len(one.labels) for one in self.components}

    @abstractmethod
    def basis(self, time: np.ndarray, entry: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return what the formulas need of the times at risk, from `entry` (0 if None) to `time`."""

    @abstractmethod
    def log_hazard(self, parameters: Values, basis: Arrays, xp: Any) -> Any:
        """Return the log baseline hazard at the end of the time at risk."""

    @abstractmethod
    def cumulative_hazard(self, parameters: Values, basis: Arrays, xp: Any) -> Any:
        """Return the baseline hazard cumulated over the time at risk."""

    @abstractmethod
    def time_at(self, parameters: Values, cumulative_hazard: np.ndarray) -> np.ndarray:
        """Return the time at which the baseline hazard, cumulated from 0, reaches a value: the inverse."""


def log_times(time: np.ndarray, entry: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return a basis of log times: `log_time` and `after_time_0`; with delayed entry `log_entry` and `after_entry_0` too.

    Where a time is 0 its log stands as 0, which keeps gradients finite, and `after_..._0` is 0 instead of 1.
    """
    read = {"time": time} if entry is None or not np.any(entry > 0) else {"time": time, "entry": entry}
    basis = {}
    for name, values in read.items():
        positive = np.asarray(values) > 0
        basis[f"log_{name}"] = np.log(np.where(positive, values, 1.0))
        basis[f"after_{name}_0"] = positive.astype(float)
    return basis
