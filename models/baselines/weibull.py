"""The Weibull hazard in its proportional hazards form, stated by the median survival and the shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from models.baselines.baseline import Arrays, Baseline, Values, crossing
from models.priors import Parameter, Prior

if TYPE_CHECKING:
    from models.episodes import Episodes

LOG_2 = float(np.log(2.0))
SHAPES = (0.001, 100.0)
"""Where the shape of a maximiser is looked for."""
AT_ONCE = 2**20
"""Numbers in the arrays that are worked on at once: 8 MB each."""

MEDIAN = Parameter(
    "median_survival",
    "positive",
    Prior(
        "LogNormal",
        {"mu": float(np.log(38.0)), "sigma": 3.0},
        "between 3 days and a thousand years",
        time_unit="months",
    ),
    "median survival, in the time unit, of an untreated patient with average covariates",
    of_time="time",
)
SHAPE = Parameter(
    "weibull_shape",
    "positive",
    Prior("LogNormal", {"mu": 0.15, "sigma": 0.3}, "between a falling (0.64) and a rising (2.1) hazard"),
    "shape of the Weibull hazard: below 1 it falls with time, at 1 it is constant, above 1 it rises",
)


@dataclass(frozen=True)
class Weibull(Baseline):
    """S(t) = exp(-ln 2 (t / median)^shape); shape 1 is the exponential (doi 10.1115/1.4010337)."""

    name: ClassVar[str] = "weibull"
    reference: ClassVar[str] = "doi:10.1115/1.4010337"

    @classmethod
    def of_study(cls, cutpoints: tuple[float, ...], smoothing: str) -> Weibull:
        return cls()

    @classmethod
    def known_parameters(cls) -> tuple[Parameter, ...]:
        return (MEDIAN, SHAPE)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (MEDIAN, SHAPE)

    @property
    def cutpoints(self) -> tuple[float, ...]:
        return ()

    @property
    def structure(self) -> tuple:
        return (self.name,)

    @property
    def coordinates(self) -> dict[str, list[str]]:
        return {}

    @property
    def hazard_parameters(self) -> dict[str, int]:
        return {"median_survival": 0, "weibull_shape": 0}

    def basis(self, time: np.ndarray, entry: np.ndarray | None = None) -> dict[str, np.ndarray]:
        time = np.asarray(time, dtype=float)
        basis = _log_of_positive("time", time)
        if entry is not None and np.any(entry > 0):
            basis |= _log_of_positive("entry", np.asarray(entry, dtype=float))
        return basis

    def declare(self, declared: Callable[[str], Any]) -> dict[str, Any]:
        return {parameter.name: declared(parameter.name) for parameter in self.parameters}

    def draw_prior(
        self, drawn: Callable[[str], np.ndarray], rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        return {parameter.name: drawn(parameter.name) for parameter in self.parameters}

    def complete(self, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {parameter.name: values[parameter.name] for parameter in self.parameters}

    def latent_log_prior(self, parameters: Values) -> dict[str, np.ndarray]:
        return {}

    def log_hazard(self, parameters: Values, basis: Arrays, xp: Any) -> Any:
        median, shape = _columns(parameters)
        log_median = xp.log(median)
        return np.log(LOG_2) + xp.log(shape) - log_median + (shape - 1.0) * (basis["log_time"] - log_median)

    def cumulative_hazard(self, parameters: Values, basis: Arrays, xp: Any) -> Any:
        median, shape = _columns(parameters)
        log_median = xp.log(median)
        until = basis["after_time_0"] * xp.exp(shape * (basis["log_time"] - log_median))
        if "log_entry" in basis:
            until = until - basis["after_entry_0"] * xp.exp(shape * (basis["log_entry"] - log_median))
        return LOG_2 * until

    def time_at(self, parameters: Values, cumulative_hazard: np.ndarray) -> np.ndarray:
        median, shape = _columns(parameters)
        return median * (cumulative_hazard / LOG_2) ** (1.0 / shape)

    def maximise(self, episodes: Episodes, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return where the weighted log likelihood of the model with treatment alone is largest.

        Given the shape k, the scale of an arm is its events over its sum of time^k - entry^k; what is left is one
        equation in k. Its solution is unique: time^k - entry^k is k times an integral of exponentials of k, whose log is
        convex, so that the profile likelihood is concave in k. NaN also for a shape outside 0.001 to 100: all events at
        an arm's last time, or a hazard that falls faster than 1 / time after delayed entry.
        """
        weights = episodes.checked_weights(weights)
        powers = _Powers.of(episodes)
        rows = max(1, AT_ONCE // len(powers.patient))
        parts = [
            _maximise_weibull(episodes, powers, weights[first : first + rows])
            for first in range(0, len(weights), rows)
        ]
        log_median, shape, effect = np.concatenate(parts, axis=1)
        return {"median_survival": np.exp(log_median), "weibull_shape": shape, "treatment_effect": effect}


@dataclass(frozen=True, eq=False)
class _Powers:
    """Ends of episodes, and delayed entries with a minus: what sums of time^k - entry^k by arm are made of.

    Attributes
    ----------
    patient : ndarray of int (point,)
    log_time : ndarray (point,)
        Against the last time of the arm, so that no power overflows: 0 or less.
    columns : ndarray (point, arm x 3)
        Signs, times 1, the log time and its square, in the columns of the arm (controls first).
    log_last : ndarray (arm,)
        Log of the last time of each arm.
    """

    patient: np.ndarray
    log_time: np.ndarray
    columns: np.ndarray
    log_last: np.ndarray

    @classmethod
    def of(cls, episodes: Episodes) -> _Powers:
        late = np.flatnonzero(episodes.entry > 0)
        source = np.concatenate([np.arange(len(episodes.time)), late])
        arm = episodes.treated.astype(int)[source]
        log_last = np.log(
            [episodes.time[episodes.treated == own].max(initial=1e-300) for own in (False, True)]
        )
        log_time = np.log(np.concatenate([episodes.time, episodes.entry[late]])) - log_last[arm]
        sign = np.where(np.arange(len(source)) < len(episodes.time), 1.0, -1.0)
        columns = np.zeros((len(source), 2, 3))
        columns[np.arange(len(source)), arm] = sign[:, None] * log_time[:, None] ** np.arange(3)
        return cls(episodes.patient[source], log_time, columns.reshape(-1, 6), log_last)


def _maximise_weibull(episodes: Episodes, powers: _Powers, weights: np.ndarray) -> np.ndarray:
    """Return log median, shape and effect at the maximum (3, draw)."""
    died = np.flatnonzero(episodes.event)
    of_dead, in_arm = weights[:, episodes.patient[died]], episodes.treated[died][:, None] == [False, True]
    deaths = of_dead @ in_arm.astype(float)  # (draw, arm)
    log_times = of_dead @ powers.log_time[died]
    found = np.full((3, len(weights)), np.nan)
    inner = (deaths > 0).all(axis=1)
    if not inner.any():
        return found
    deaths, log_times = deaths[inner], log_times[inner]
    own, total = weights[inner][:, powers.patient], deaths.sum(axis=1)

    def sums(shape: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return sums of the powers by arm, and their first two derivatives by the shape (draw, arm)."""
        tilted = np.exp(shape[:, None] * powers.log_time)
        tilted *= own
        three = (tilted @ powers.columns).reshape(-1, 2, 3)
        return three[..., 0], three[..., 1], three[..., 2]

    def score(shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # The derivative of the profile likelihood times the shape is close to a straight line in the shape.
        power, first, second = sums(shape)
        mean = first / power
        slope = (log_times - (deaths * mean).sum(axis=1)) / total
        spread = (deaths * (second / power - mean**2)).sum(axis=1) / total
        return 1.0 + shape * slope, slope - shape * spread

    low, high = (np.full(len(total), limit) for limit in SHAPES)
    shape = crossing(score, low, high, np.ones(len(total)))
    log_rate = np.log(deaths / sums(shape)[0]) - shape[:, None] * powers.log_last
    solution = np.array([(np.log(LOG_2) - log_rate[:, 0]) / shape, shape, log_rate[:, 1] - log_rate[:, 0]])
    solution[:, (shape < 1.001 * SHAPES[0]) | (shape > 0.999 * SHAPES[1])] = np.nan
    found[:, inner] = solution
    return found


def _columns(parameters: Values) -> tuple[Any, Any]:
    """Return median and shape with a last dimension of length 1, to meet the times."""
    return parameters["median_survival"][..., None], parameters["weibull_shape"][..., None]


def _log_of_positive(name: str, time: np.ndarray) -> dict[str, np.ndarray]:
    """Return log times, and 0 where the time is 0, which keeps the gradient finite there."""
    positive = time > 0
    return {f"log_{name}": np.log(np.where(positive, time, 1.0)), f"after_{name}_0": positive.astype(float)}
