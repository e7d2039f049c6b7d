"""A target: a printed number that every cohort must reproduce, and whose statistic it is."""

import math
from dataclasses import dataclass

from scipy import stats

from data.published.reconstruction.arrays import LOG_RANK, OVERALL, WALD

CURVE, COUNT = "curve", "number at risk"  # families of points read from a figure, and of the counts under it


@dataclass(frozen=True)
class Group:
    """Pseudo-patients with one survival curve: of a phase, an arm ("" for both) and a level of a covariate, if one is named.

    `reverse` is the curve of the follow-up, in which censoring is the event.
    """

    phase: str
    arm: str
    column: str = ""
    level: str = "1"
    reverse: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure that curves were read from: the end of its axis of time, and what the reading tells apart."""

    curve: str
    end: float
    time_resolution: float
    survival_resolution: float


@dataclass(frozen=True)
class Term:
    """A column of a Cox fit, with its printed log hazard ratio."""

    column: str
    levels: tuple[str, ...]
    log_ratio: float


@dataclass(frozen=True)
class CoxFit:
    """A Cox fit of the publication."""

    phase: str
    terms: tuple[Term, ...]


Subject = Group | tuple[Group, Group] | tuple[CoxFit, int] | CoxFit | str


@dataclass(frozen=True)
class Target:
    """A printed number that every cohort must reproduce."""

    # what it is
    name: str
    family: str
    # on the printed scale; probabilities, not percent
    printed: float
    tolerance: float
    operator: str  # "<" and ">" for bounds
    kind: int  # of the statistic that is steered
    of: Subject  # whose statistic
    time: float | None  # of a survival probability
    # on the scale of the statistic: that of the standard normal deviate for P values
    aim: float
    width: float
    flat: float = 0.0  # how far from the aim the likelihood is level, on that scale
    time_error: float = 0.0  # how far the time may be from that at which a survival probability was read
    figure: Figure | None = None  # of a point read from one

    @property
    def times(self) -> tuple[float, ...]:
        """The times at which the curve is read: of print, or the first and last that are not told apart from it."""
        if self.time is None:
            return ()
        return (
            (self.time,)
            if not self.time_error
            else (self.time - self.time_error, self.time + self.time_error)
        )

    def value(self, statistic: float) -> float:
        """The statistic on the printed scale."""
        if self.kind in (LOG_RANK, WALD):
            return float(2 * stats.norm.sf(abs(statistic)))
        if self.kind == OVERALL and isinstance(self.of, CoxFit):
            return float(stats.chi2.sf(statistic, len(self.of.terms)))
        return statistic

    def deviation(self, value: float) -> float:
        """How many tolerances a value is from print; 0 within a bound, more than 1 beyond it."""
        if self.operator == ">":
            return min(value - self.printed, 0.0) / self.tolerance
        if self.operator == "<":
            return 0.0 if value < self.printed else 1.0 + math.log10(value / self.printed)
        return (value - self.printed) / self.tolerance
