"""The Weibull hazard in its proportional hazards form, stated by the median survival and the shape."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.baselines.baseline import Arrays, Baseline, log_times
from models.components import Values
from models.priors import Parameter, Prior

LOG_2 = float(np.log(2.0))
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
    known: ClassVar[tuple[Parameter, ...]] = (MEDIAN, SHAPE)

    def basis(self, time: np.ndarray, entry: np.ndarray | None = None) -> dict[str, np.ndarray]:
        return log_times(time, entry)

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
