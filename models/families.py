"""The distribution families a prior may use: each under its PyMC name, with its SciPy twin."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pymc as pm
from scipy import stats

Support = Literal["real", "positive"]


@dataclass(frozen=True)
class HalfStudentT:
    """Absolute value of a Student t variable with mean 0, in the shape of a frozen SciPy distribution."""

    nu: Any  # degrees of freedom
    sigma: Any  # scale

    def _whole(self) -> Any:
        return stats.t(self.nu, 0.0, self.sigma)

    def logpdf(self, value: Any) -> Any:
        """Return the log density at `value`, minus infinity below zero."""
        return np.where(np.asarray(value) < 0, -np.inf, np.log(2.0) + self._whole().logpdf(value))

    def ppf(self, probability: Any) -> Any:
        """Return the quantile of `probability`."""
        return self._whole().ppf(0.5 * (1.0 + np.asarray(probability)))

    def rvs(self, size: Any = None, random_state: Any = None) -> Any:
        """Return random values."""
        return np.abs(self._whole().rvs(size=size, random_state=random_state))


@dataclass(frozen=True)
class Family:
    """A distribution family, with the argument names of PyMC.

    Attributes
    ----------
    arguments : tuple of str
        Names of the arguments, as in PyMC.
    positive : tuple of str
        Those of them that must be above zero.
    support : {"real", "positive"}
        Where the density is above zero.
    pymc : type
        The PyMC distribution.
    scipy : callable
        Makes the same distribution, frozen, from the same arguments.
    scales : dict of str to int
        Power with which a multiple of the variable multiplies each argument that it changes: 1 of a scale, -1 of a rate.
    location : str
        The argument to which a constant that is added to the variable is added; empty where there is none.
    """

    arguments: tuple[str, ...]
    positive: tuple[str, ...]
    support: Support
    pymc: Any
    scipy: Callable[..., Any]
    scales: Mapping[str, int]
    location: str = ""

    def scaled(self, arguments: Mapping[str, float], factor: float) -> dict[str, float]:
        """Return the arguments of a variable multiplied by a factor above 0."""
        if not self.scales:  # log-normal: the factor's log is added to the log's mean
            return {**arguments, "mu": arguments["mu"] + float(np.log(factor))}
        return {name: value * factor ** self.scales.get(name, 0) for name, value in arguments.items()}

    def shifted(self, arguments: Mapping[str, float], constant: float) -> dict[str, float]:
        """Return the arguments of a variable with a constant added; ValueError where the family has no location."""
        if not self.location:
            raise ValueError("the family must have a location, but has none")
        return {**arguments, self.location: arguments[self.location] + constant}


FAMILIES: dict[str, Family] = {
    "Normal": Family(
        ("mu", "sigma"),
        ("sigma",),
        "real",
        pm.Normal,
        lambda mu, sigma: stats.norm(mu, sigma),
        {"mu": 1, "sigma": 1},
        "mu",
    ),
    "StudentT": Family(
        ("nu", "mu", "sigma"),
        ("nu", "sigma"),
        "real",
        pm.StudentT,
        lambda nu, mu, sigma: stats.t(nu, mu, sigma),
        {"mu": 1, "sigma": 1},
        "mu",
    ),
    "HalfNormal": Family(
        ("sigma",),
        ("sigma",),
        "positive",
        pm.HalfNormal,
        lambda sigma: stats.halfnorm(scale=sigma),
        {"sigma": 1},
    ),
    "HalfStudentT": Family(
        ("nu", "sigma"), ("nu", "sigma"), "positive", pm.HalfStudentT, HalfStudentT, {"sigma": 1}
    ),
    "LogNormal": Family(
        ("mu", "sigma"),
        ("sigma",),
        "positive",
        pm.LogNormal,
        lambda mu, sigma: stats.lognorm(s=sigma, scale=np.exp(mu)),
        {},
    ),
    "Gamma": Family(
        ("alpha", "beta"),
        ("alpha", "beta"),
        "positive",
        pm.Gamma,
        lambda alpha, beta: stats.gamma(alpha, scale=1.0 / np.asarray(beta)),
        {"beta": -1},
    ),
    "Exponential": Family(
        ("lam",),
        ("lam",),
        "positive",
        pm.Exponential,
        lambda lam: stats.expon(scale=1.0 / np.asarray(lam)),
        {"lam": -1},
    ),
}
