"""What a baseline hazard must state: its parameters, and its cumulative hazard in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from models.priors import Parameter

if TYPE_CHECKING:
    from models.episodes import Episodes

Values = Mapping[str, Any]
Arrays = Mapping[str, np.ndarray]


class Baseline(ABC):
    """The hazard of an untreated patient with average covariates.

    Formulas take the module of the arrays as `xp`: numpy for draws, pytensor.tensor inside a model, so that each
    is written once. Draws carry their dimensions before the last one, which is `interval` for parameters of an interval and
    has length 1 (or is absent) for single numbers; results end with the dimension of the times.
    """

    name: ClassVar[str]
    reference: ClassVar[str]

    @classmethod
    @abstractmethod
    def of_study(cls, cutpoints: tuple[float, ...], smoothing: str) -> Baseline:
        """Return the baseline that a study's intervals and smoothing give; a smooth one needs neither."""

    @classmethod
    @abstractmethod
    def known_parameters(cls) -> tuple[Parameter, ...]:
        """Return every parameter that any of its forms has: a prior set may name them."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters with a prior, in the order of declaration."""

    @property
    @abstractmethod
    def cutpoints(self) -> tuple[float, ...]:
        """Times at which the hazard may jump; empty for a smooth one."""

    @property
    @abstractmethod
    def structure(self) -> tuple:
        """What a compiled model of this baseline depends on, besides the values of its arrays."""

    @property
    @abstractmethod
    def coordinates(self) -> dict[str, list[str]]:
        """Names along the dimensions of the parameters."""

    @property
    @abstractmethod
    def hazard_parameters(self) -> dict[str, int]:
        """Names of the parameters that the formulas read, with their length; 0 for a single number."""

    @abstractmethod
    def basis(self, time: np.ndarray, entry: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return what the formulas need of the times at risk, from `entry` (0 if None) to `time`."""

    @abstractmethod
    def declare(self, declared: Callable[[str], Any]) -> dict[str, Any]:
        """Return the hazard's parameters inside a PyMC model, from a function that declares one by its prior."""

    @abstractmethod
    def draw_prior(
        self, drawn: Callable[[str], np.ndarray], rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Return draws of all parameters from their priors, from a function that draws one by its prior."""

    @abstractmethod
    def complete(self, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the hazard's parameters from the values of the model's free variables."""

    @abstractmethod
    def latent_log_prior(self, parameters: Values) -> dict[str, np.ndarray]:
        """Return the log density of parameters whose prior depends on other parameters, by name, for each draw."""

    @abstractmethod
    def log_hazard(self, parameters: Values, basis: Arrays, xp: Any) -> Any:
        """Return the log baseline hazard at the end of the time at risk."""

    @abstractmethod
    def cumulative_hazard(self, parameters: Values, basis: Arrays, xp: Any) -> Any:
        """Return the baseline hazard cumulated over the time at risk."""

    @abstractmethod
    def time_at(self, parameters: Values, cumulative_hazard: np.ndarray) -> np.ndarray:
        """Return the time at which the baseline hazard, cumulated from 0, reaches a value: the inverse."""

    @abstractmethod
    def maximise(self, episodes: Episodes, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return where the weighted log likelihood of the model with treatment alone is largest.

        The model has no covariates and a constant log hazard ratio; no prior enters.

        Parameters
        ----------
        episodes : Episodes
            The times at risk.
        weights : ndarray (draw, patient)
            Finite, 0 or more; only ratios within a row matter.

        Returns
        -------
        dict of str to ndarray
            `hazard_parameters` and `treatment_effect` (draw, ...). All are NaN for a draw without a finite maximiser:
            where a hazard ratio of 0 or of infinity fits best, because no weighted event of one arm falls where the other
            arm is at risk too.

        Raises
        ------
        ValueError
            Where the weights are not one finite number of 0 or more a patient.
        """


STEPS = 200
CLOSE = 1e-10

Score = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def crossing(score: Score, lower: np.ndarray, upper: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return where functions that are above 0 at first, and below 0 later, cross 0: Newton's steps, kept in a bracket.

    All are solved at once. A step that leaves the bracket, or is more than half as long as the one before, is replaced
    by halving the bracket (Press et al. 2007, Numerical Recipes, section 9.4).

    Parameters
    ----------
    score : callable
        From arguments (draw,) to values and slopes (draw,).
    lower, upper : ndarray (draw,)
        Between which each crossing lies; a function that does not cross comes back as one of them, to 1e-10.
    start : ndarray (draw,)
        First guess.
    """
    place, last = np.clip(start, lower, upper), upper - lower
    for _ in range(STEPS):
        value, slope = score(place)
        lower, upper = np.where(value > 0, place, lower), np.where(value > 0, upper, place)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = place - value / slope
        trusted = (step >= lower) & (step <= upper) & (np.abs(step - place) <= 0.5 * last)
        step = np.where(trusted, step, 0.5 * (lower + upper))
        last, place = np.abs(step - place), step
        if np.all(last <= CLOSE * (1.0 + np.abs(place))):
            break
    return place
