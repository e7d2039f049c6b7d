"""Probabilities of treatment under draws of the treatment model, for any number of patients."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from data.study.cohort import Cohort
from models.arrays import parts_of
from models.propensity import probability_of_treatment

TREATMENT_MODEL = ("propensity_intercept", "propensity_coefficients")


@dataclass(frozen=True, eq=False)
class PropensityDraws:
    """Probability of treatment (draw, patient) under draws of the treatment model, computed where rows are read."""

    parameters: dict[str, np.ndarray]  # (draw, ...): of the treatment model
    values: np.ndarray  # (patient, term): columns of the treatment model

    @property
    def shape(self) -> tuple[int, int]:
        """Draws and patients."""
        return len(self.parameters["propensity_intercept"]), len(self.values)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        return probability_of_treatment(
            {name: value[rows] for name, value in self.parameters.items()}, self.values
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype=dtype)

    def mean(self) -> np.ndarray:
        """Return the mean over draws (patient,)."""
        parts = parts_of(*self.shape)
        if len(parts) == 1:
            return self[:].mean(axis=0)
        return np.sum([self[part].sum(axis=0) for part in parts], axis=0) / len(self)

    def of_draws(self, chosen: np.ndarray) -> list[np.ndarray]:
        """Return the probabilities (1, patient) of some draws, in increasing order."""
        found = []
        for part in parts_of(*self.shape):
            inside = chosen[(chosen >= part.start) & (chosen < part.stop)]
            if len(inside):
                rows = self[part]
                found += [rows[[draw - part.start]] for draw in inside]
        return found


def flat_draws(parameters: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return draws (chain, draw, ...) with chains laid end to end: (chain x draw, ...)."""
    return {name: value.reshape(-1, *value.shape[2:]) for name, value in parameters.items()}


def propensity_draws(parameters: dict[str, np.ndarray], cohort: Cohort) -> PropensityDraws:
    """Return the probability of treatment of each patient (chain x draw, patient)."""
    of_treatment = {name: value for name, value in parameters.items() if name in TREATMENT_MODEL}
    return PropensityDraws(flat_draws(of_treatment), cohort.propensity.values)
