"""When treatment may have begun, where nobody says: scenarios, stated in months."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from models.units import UNITS_PER_MONTH

EARLY = 2.0  # months within which the early share of the elicited scenario begins
DELAYS = (0.0, 1.0, 2.0, 4.0, 6.0, 9.0, 12.0, 18.0, 24.0)  # mean delays of the curve, in months
AT_START, ELICITED, LAST_THIRD = "at_start", "elicited", "last_third"
HALVINGS = 60  # of the bracket in which a quantile lies: to the last digit


@dataclass(frozen=True)
class StartScenario(ABC):
    """The distribution F of the time at which a candidate's treatment begins. Times in the study's unit."""

    # in tables; on figures and in sentences
    name: str
    label: str

    @abstractmethod
    def cdf(self, end: ArrayLike) -> np.ndarray:
        """Return the probability that a candidate's start lies at or before the end of a patient's time."""

    @abstractmethod
    def quantile(self, probability: ArrayLike) -> np.ndarray:
        """Return the time by which a share of candidates, from 0 to below 1, has begun."""

    def bins(self, end: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return starts and weights (patient, bin) before each end, weighted by their probability under F.

        With v even on (0, 1), a share 1 - (1 - v)^2 of the candidates that begin before the end has begun: starts crowd
        towards the end, where a harmful treatment puts what is left of the integral. Gauss nodes in v integrate this
        substitution exactly, so that weights are positive and sum to the probability of a start before the end.
        """
        nodes, weights = np.polynomial.legendre.leggauss(count)
        rest = (1.0 - nodes) / 2.0
        reached = self.cdf(end)[:, None]
        return np.minimum(self.quantile(reached * (1.0 - rest**2)), end[:, None]), reached * weights * rest

    def draw(self, end: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a start for each end (any shape); those after the end never happen."""
        return self.quantile(rng.random(end.shape))


@dataclass(frozen=True)
class AtStart(StartScenario):
    """All begin at time 0: the naive analysis. One bin is all of them, exactly."""

    def bins(self, end: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((len(end), 1)), np.ones((len(end), 1))

    def cdf(self, end: ArrayLike) -> np.ndarray:
        return np.ones(np.shape(end))

    def quantile(self, probability: ArrayLike) -> np.ndarray:
        return np.zeros(np.shape(probability))


@dataclass(frozen=True)
class Uniform(StartScenario):
    """Starts evenly spread over (0, latest]."""

    latest: float

    def cdf(self, end: ArrayLike) -> np.ndarray:
        return np.clip(np.asarray(end, dtype=float) / self.latest, 0.0, 1.0)

    def quantile(self, probability: ArrayLike) -> np.ndarray:
        return np.asarray(probability, dtype=float) * self.latest


@dataclass(frozen=True)
class Exponential(StartScenario):
    """Starts at a constant rate: exponential with this mean."""

    mean: float

    def cdf(self, end: ArrayLike) -> np.ndarray:
        return -np.expm1(-np.asarray(end, dtype=float) / self.mean)

    def quantile(self, probability: ArrayLike) -> np.ndarray:
        return -self.mean * np.log1p(-np.asarray(probability, dtype=float))


@dataclass(frozen=True)
class EarlyOrLater(StartScenario):
    """A share begins evenly within an early window, the rest after an exponential delay."""

    share: float  # of candidates that begin early, from 0 to 1
    mean: float  # of the delay of the others
    window: float  # end of the early window

    def cdf(self, end: ArrayLike) -> np.ndarray:
        end = np.asarray(end, dtype=float)
        early = np.clip(end / self.window, 0.0, 1.0)
        return self.share * early - (1.0 - self.share) * np.expm1(-end / self.mean)

    def quantile(self, probability: ArrayLike) -> np.ndarray:
        """Return quantiles: a formula beyond the window, halving of the window within it."""
        probability = np.asarray(probability, dtype=float)
        late = np.minimum((1.0 - probability) / max(1.0 - self.share, np.finfo(float).tiny), 1.0)
        beyond = -self.mean * np.log(np.maximum(late, np.finfo(float).tiny))
        low, high = np.zeros_like(probability), np.full_like(probability, self.window)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            below = self.cdf(middle) < probability
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.where(probability > self.cdf(self.window), np.maximum(beyond, self.window), high)


@dataclass(frozen=True)
class LastThird(StartScenario):
    """Reverse causation: treatment begins evenly within the last third of a patient's own time.

    Whoever is a candidate is treated: nobody dies too early for it, so there is no immortal time, and the chance to be
    treated is q whatever the time. For whoever was censored the own time ends with the follow-up. The start depends on the
    end, so that no hazard in the order of time describes it: the likelihood is that of a time-split exposure averaged over
    starts filled in from the end. Time until the start counts as untreated. Treatment that goes to the dying then looks
    harmful even if it does nothing: a hazard ratio above 1 under this scenario is no evidence of harm.
    """

    def cdf(self, end: ArrayLike) -> np.ndarray:
        return np.ones(np.shape(end))

    def quantile(self, probability: ArrayLike) -> np.ndarray:
        """Return the start as a share of the own time."""
        return (2.0 + np.asarray(probability, dtype=float)) / 3.0

    def bins(self, end: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        shares, weights = super().bins(np.ones(len(end)), count)
        return shares * end[:, None], weights

    def draw(self, end: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return super().draw(end, rng) * end


def scenarios_of(time_unit: str, rng: np.random.Generator, designs: int = 1) -> tuple[StartScenario, ...]:
    """Return the named scenarios: naive, elicited (once for each draw from its prior), uniform, last third of life.

    In the elicited scenario a share p0 ~ Beta(2, 2) begins within two months, and the others after an exponential delay of
    mean m ~ LogNormal(log 8, 0.8) months. Both are drawn, never learnt: patients without start times say little of them, and what they say comes from the model's shape.

    Parameters
    ----------
    time_unit : str
        One of `UNITS_PER_MONTH`.
    rng : numpy.random.Generator
    designs : int
        Draws of the elicited scenario.
    """
    month = UNITS_PER_MONTH[time_unit]
    share, mean = rng.beta(2.0, 2.0, designs), rng.lognormal(np.log(8.0), 0.8, designs)
    label = "Some within 2 months, others later (elicited)"
    return (
        AtStart(AT_START, "All at time zero (naive)"),
        *(
            EarlyOrLater(ELICITED, label, float(p), float(m) * month, EARLY * month)
            for p, m in zip(share, mean, strict=True)
        ),
        Uniform("uniform_12", "Evenly over 12 months", 12.0 * month),
        Uniform("uniform_24", "Evenly over 24 months", 24.0 * month),
        LastThird(LAST_THIRD, "In the last third of the patient's own time"),
    )


def delayed(time_unit: str, delays: tuple[float, ...] = DELAYS) -> tuple[StartScenario, ...]:
    """Return scenarios in which all candidates begin after an exponential delay, by its mean in months."""
    month = UNITS_PER_MONTH[time_unit]
    return tuple(
        Exponential("delay", f"mean delay {mean:g} months", mean * month)
        if mean > 0
        else AtStart("delay", "no delay")
        for mean in delays
    )
