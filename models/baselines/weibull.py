"""The Weibull hazard in its proportional hazards form, stated by the median survival and the shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.baselines.baseline import Arrays, Baseline, Values
from models.priors import Parameter, Prior

LOG_2 = float(np.log(2.0))

MEDIAN = Parameter(
    "median_survival",
    "positive",
    Prior(
        "LogNormal", {"mu": float(np.log(38.0)), "sigma": 3.0}, "between a tenth of a time unit and 13,000"
    ),
    "median survival, in the time unit, of an untreated patient with average covariates",
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


def _columns(parameters: Values) -> tuple[Any, Any]:
    """Return median and shape with a last dimension of length 1, to meet the times."""
    return parameters["median_survival"][..., None], parameters["weibull_shape"][..., None]


def _log_of_positive(name: str, time: np.ndarray) -> dict[str, np.ndarray]:
    """Return log times, and 0 where the time is 0, which keeps the gradient finite there."""
    positive = time > 0
    return {f"log_{name}": np.log(np.where(positive, time, 1.0)), f"after_{name}_0": positive.astype(float)}
