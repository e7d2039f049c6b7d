"""A hazard that is constant within intervals (doi 10.1214/aos/1176345693); one interval is the exponential."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy import stats
from scipy.special import expit, logit

from models.arrays import matrix_vector, running_sum
from models.baselines.baseline import Arrays, Baseline, Values, crossing
from models.intervals import exposure_by_interval, interval_labels, interval_of
from models.priors import Parameter, Prior

if TYPE_CHECKING:
    from models.episodes import Episodes

NO_EVENT = 1e-9
"""Hazard, against that over all intervals, that stands for none at all: a hazard of 0 has no log."""

STEPS = "log_hazard_steps"
LEVEL = Parameter(
    "log_hazard_level",
    "real",
    Prior(
        "Normal",
        {"mu": -4.0, "sigma": 3.0},
        "median survival between 3 days and a thousand years",
        time_unit="months",
    ),
    "log hazard per time unit of an untreated patient with average covariates, in the first interval",
    of_time="log_rate",
)
STEP_SD = Parameter(
    "log_hazard_step_sd",
    "positive",
    Prior(
        "LogNormal",
        {"mu": float(np.log(0.25)), "sigma": 0.5},
        "hazards of neighbouring intervals mostly differ by a factor of 1.1 to 1.7",
    ),
    "standard deviation of the step of the log hazard between neighbouring intervals",
    scale_of_others=True,
)
LOG_HAZARD = Parameter(
    "log_hazard",
    "real",
    Prior(
        "Normal",
        {"mu": -4.0, "sigma": 3.0},
        "median survival between 3 days and a thousand years",
        time_unit="months",
    ),
    "log hazard per time unit of an untreated patient with average covariates, by interval",
    dim="interval",
    of_time="log_rate",
)


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
    reference: ClassVar[str] = "doi:10.1214/aos/1176345693"

    @classmethod
    def of_study(cls, cutpoints: tuple[float, ...], smoothing: str) -> PiecewiseExponential:
        return cls(cutpoints, smoothing)

    @classmethod
    def known_parameters(cls) -> tuple[Parameter, ...]:
        return (LEVEL, STEP_SD, LOG_HAZARD)

    @property
    def _walks(self) -> bool:
        return self.smoothing == "random_walk" and bool(self.cutpoints)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        if self.smoothing == "independent":
            return (LOG_HAZARD,)
        return (LEVEL, STEP_SD) if self._walks else (LEVEL,)

    @property
    def structure(self) -> tuple:
        return (self.name, self.smoothing, len(self.cutpoints))

    @property
    def coordinates(self) -> dict[str, list[str]]:
        return {"interval": interval_labels(self.cutpoints)}

    @property
    def hazard_parameters(self) -> dict[str, int]:
        return {"log_hazard": len(self.cutpoints) + 1}

    def basis(self, time: np.ndarray, entry: np.ndarray | None = None) -> dict[str, np.ndarray]:
        exposure = exposure_by_interval(time, self.cutpoints)
        if entry is not None:
            exposure = exposure - exposure_by_interval(entry, self.cutpoints)
        return {"last_interval": interval_of(time, self.cutpoints), "exposure": exposure}

    def declare(self, declared: Callable[[str], Any]) -> dict[str, Any]:
        if self.smoothing == "independent":
            return {"log_hazard": declared("log_hazard")}
        level = declared("log_hazard_level")
        if not self._walks:
            return {"log_hazard": pm.Deterministic("log_hazard", level[None], dims="interval")}
        step_sd = declared("log_hazard_step_sd")
        steps = pm.Normal(STEPS, 0.0, step_sd, shape=len(self.cutpoints))
        log_hazard = level + running_sum(steps, len(self.cutpoints), pt)
        return {"log_hazard": pm.Deterministic("log_hazard", log_hazard, dims="interval")}

    def draw_prior(
        self, drawn: Callable[[str], np.ndarray], rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        values = {parameter.name: drawn(parameter.name) for parameter in self.parameters}
        if self._walks:
            step_sd = values["log_hazard_step_sd"]
            steps = rng.standard_normal((*step_sd.shape, len(self.cutpoints)))
            values[STEPS] = steps * step_sd[..., None]
        return self.complete(values)

    def complete(self, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self.smoothing == "independent":
            return {"log_hazard": values["log_hazard"]}
        level = values["log_hazard_level"][..., None]
        if not self._walks:
            return {"log_hazard_level": values["log_hazard_level"], "log_hazard": level}
        climbed = running_sum(values[STEPS], len(self.cutpoints), np)
        return {
            "log_hazard_level": values["log_hazard_level"],
            "log_hazard_step_sd": values["log_hazard_step_sd"],
            "log_hazard": level + climbed,
        }

    def latent_log_prior(self, parameters: Values) -> dict[str, np.ndarray]:
        if not self._walks:
            return {}
        steps = np.diff(parameters["log_hazard"], axis=-1)
        density = stats.norm.logpdf(steps, 0.0, parameters["log_hazard_step_sd"][..., None])
        return {"log_hazard": density.sum(axis=-1)}

    def log_hazard(self, parameters: Values, basis: Arrays, xp: Any) -> Any:
        return parameters["log_hazard"][..., basis["last_interval"]]

    def cumulative_hazard(self, parameters: Values, basis: Arrays, xp: Any) -> Any:
        return matrix_vector(basis["exposure"], xp.exp(parameters["log_hazard"]), xp)

    def time_at(self, parameters: Values, cumulative_hazard: np.ndarray) -> np.ndarray:
        hazard = np.exp(parameters["log_hazard"])
        starts = np.concatenate([[0.0], self.cutpoints])
        at_start = np.concatenate(
            [np.zeros((*hazard.shape[:-1], 1)), np.cumsum(hazard[..., :-1] * np.diff(starts), axis=-1)],
            axis=-1,
        )
        reached = (cumulative_hazard[..., None] > at_start[..., None, :]).sum(axis=-1)
        interval = np.maximum(reached - 1, 0)
        rest = cumulative_hazard - np.take_along_axis(at_start, interval, axis=-1)
        return starts[interval] + rest / np.take_along_axis(hazard, interval, axis=-1)

    def maximise(self, episodes: Episodes, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return where the weighted log likelihood of the model with treatment alone is largest.

        Given the effect, each hazard is events over time at risk, that of the treated counted by the hazard ratio; what
        is left is one equation in the effect, in sums by interval and arm (Holford 1980, doi 10.2307/2529982). An interval
        without a weighted event, where the maximum is a hazard of 0, gets a billionth of the hazard over all intervals.
        """
        deaths, exposure = self._sums(episodes, episodes.checked_weights(weights))
        both = deaths.sum(axis=0)
        effect = _profiled_effect(deaths, exposure)
        at_risk = exposure[0] + np.exp(effect)[:, None] * exposure[1]
        none = NO_EVENT * both.sum(axis=1, keepdims=True) / at_risk.sum(axis=1, keepdims=True)
        hazard = np.where(both > 0, both / np.where(both > 0, at_risk, 1.0), none)
        hazard[np.isnan(effect)] = np.nan
        return {"log_hazard": np.log(hazard), "treatment_effect": effect}

    def _sums(self, episodes: Episodes, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weighted events and time at risk (arm, draw, interval), controls first."""
        basis = self.basis(episodes.time, episodes.entry)
        deaths = np.zeros_like(basis["exposure"])
        deaths[np.arange(len(deaths)), basis["last_interval"]] = episodes.event
        own = np.zeros((2 * episodes.patients, 2 * deaths.shape[1]))
        arm = 2 * episodes.patient + episodes.treated
        np.add.at(own, arm, np.concatenate([deaths, basis["exposure"]], axis=1))
        sums = (weights @ own.reshape(episodes.patients, -1)).reshape(len(weights), 2, 2, -1)
        return np.moveaxis(sums[:, :, 0], 1, 0), np.moveaxis(sums[:, :, 1], 1, 0)


def _profiled_effect(deaths: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Return the log hazard ratio at the maximum (draw,), from events and times at risk (arm, draw, interval).

    Of the events of an interval, the treated are expected to have expit(effect + log ratio of the times at risk);
    intervals in which one arm is never at risk say nothing.
    """
    compared = (exposure > 0).all(axis=0)
    both = np.where(compared, deaths.sum(axis=0), 0.0)
    treated = np.where(compared, deaths[1], 0.0).sum(axis=1)
    total = both.sum(axis=1)
    effect = np.full(len(total), np.nan)
    inner = (treated > 0) & (np.where(compared, deaths[0], 0.0).sum(axis=1) > 0)
    if not inner.any():
        return effect
    both, treated, total = both[inner], treated[inner], total[inner]
    ratio = np.log(np.where(compared, exposure[1] / np.where(compared, exposure[0], 1.0), 1.0))[inner]
    # Were all ratios the same, the share of the treated would give the effect: it lies between the extremes.
    centre, read = logit(treated / total), both > 0
    lower = centre - np.where(read, ratio, -np.inf).max(axis=1)
    upper = centre - np.where(read, ratio, np.inf).min(axis=1)

    def score(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        share = expit(place[:, None] + ratio)
        return treated - (both * share).sum(axis=1), -(both * share * (1.0 - share)).sum(axis=1)

    effect[inner] = crossing(score, lower, upper, centre - (both * ratio).sum(axis=1) / total)
    return effect
