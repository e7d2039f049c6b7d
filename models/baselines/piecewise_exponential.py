"""A hazard that is constant within intervals (doi 10.1214/aos/1176345693); one interval is the exponential."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from models.arrays import matrix_vector
from models.baselines.baseline import Arrays, Baseline
from models.components import Component, RandomWalk, Values
from models.intervals import exposure_by_interval, interval_labels, interval_of
from models.priors import Parameter, Prior

STEPS = "log_hazard_steps"
REASON = "median survival between 3 days and a thousand years"
WIDE = Prior("Normal", {"mu": -4.0, "sigma": 3.0}, REASON, time_unit="months")
MEANING = "log hazard per time unit of an untreated patient with average covariates"
LEVEL = Parameter("log_hazard_level", "real", WIDE, f"{MEANING}, in the first interval", of_time="log_rate")
NEARBY = "hazards of neighbouring intervals mostly differ by a factor of 1.1 to 1.7"
STEP_SD = Parameter(
    "log_hazard_step_sd",
    "positive",
    Prior("LogNormal", {"mu": float(np.log(0.25)), "sigma": 0.5}, NEARBY),
    "standard deviation of the step of the log hazard between neighbouring intervals",
    scale_of_others=True,
)
LOG_HAZARD = Parameter("log_hazard", "real", WIDE, f"{MEANING}, by interval", "interval", of_time="log_rate")


@dataclass(frozen=True)
class PiecewiseExponential(Baseline):
    """h(t) = exp(log_hazard[k]) for t in interval k; H(t) is the sum over intervals of hazard times time spent there.

    Attributes
    ----------
    cutpoints : tuple of float
        Inner limits of the intervals, in the study's time unit.
    smoothing : {"random_walk", "independent"}
        `random_walk`: log_hazard[0] = level, each further step ~ Normal(0, step_sd).
    """

    cutpoints: tuple[float, ...] = ()
    smoothing: str = "random_walk"
    name: ClassVar[str] = "piecewise_exponential"
    known: ClassVar[tuple[Parameter, ...]] = (LEVEL, STEP_SD, LOG_HAZARD)
    columns: ClassVar[dict[str, str]] = {"exposure": "interval"}

    @classmethod
    def of_study(cls, cutpoints: tuple[float, ...], smoothing: str) -> Self:
        return cls(cutpoints, smoothing)

    @property
    def components(self) -> tuple[Component, ...]:
        labels = tuple(interval_labels(self.cutpoints))
        if self.smoothing == "independent":
            return (Component(LOG_HAZARD, labels),)
        return (RandomWalk(LOG_HAZARD, labels, first=LEVEL, sd=STEP_SD, latent=STEPS, over_root=False),)

    def basis(self, time: np.ndarray, entry: np.ndarray | None = None) -> dict[str, np.ndarray]:
        exposure = exposure_by_interval(time, self.cutpoints)
        if entry is not None:
            exposure = exposure - exposure_by_interval(entry, self.cutpoints)
        return {"last_interval": interval_of(time, self.cutpoints), "exposure": exposure}

    def log_hazard(self, parameters: Values, basis: Arrays, xp: Any) -> Any:
        return parameters["log_hazard"][..., basis["last_interval"]]

    def cumulative_hazard(self, parameters: Values, basis: Arrays, xp: Any) -> Any:
        return matrix_vector(basis["exposure"], xp.exp(parameters["log_hazard"]), xp)

    def time_at(self, parameters: Values, cumulative_hazard: np.ndarray) -> np.ndarray:
        hazard, starts = np.exp(parameters["log_hazard"]), np.array([0.0, *self.cutpoints])
        at_start = np.zeros(hazard.shape)
        at_start[..., 1:] = np.cumsum(hazard[..., :-1] * np.diff(starts), axis=-1)
        interval = np.maximum((cumulative_hazard[..., None] > at_start[..., None, :]).sum(axis=-1) - 1, 0)
        rest = cumulative_hazard - np.take_along_axis(at_start, interval, axis=-1)
        return starts[interval] + rest / np.take_along_axis(hazard, interval, axis=-1)
