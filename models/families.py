"""The distribution families a prior may use: each under its PyMC name, with its SciPy twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pymc as pm
from scipy import stats

Support = Literal["real", "positive"]


@dataclass(frozen=True)
class HalfStudentT:
    """Absolute value of a Student t variable with mean 0, in the shape of a frozen SciPy distribution.

    Attributes
    ----------
    nu : float
        Degrees of freedom.
    sigma : float
        Scale.
    """

    nu: Any
    sigma: Any

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
    """

    arguments: tuple[str, ...]
    positive: tuple[str, ...]
    support: Support
    pymc: Any
    scipy: Callable[..., Any]


FAMILIES: dict[str, Family] = {
    "Normal": Family(("mu", "sigma"), ("sigma",), "real", pm.Normal, lambda mu, sigma: stats.norm(mu, sigma)),
    "StudentT": Family(
        ("nu", "mu", "sigma"),
        ("nu", "sigma"),
        "real",
        pm.StudentT,
        lambda nu, mu, sigma: stats.t(nu, mu, sigma),
    ),
    "HalfNormal": Family(
        ("sigma",), ("sigma",), "positive", pm.HalfNormal, lambda sigma: stats.halfnorm(scale=sigma)
    ),
    "HalfStudentT": Family(("nu", "sigma"), ("nu", "sigma"), "positive", pm.HalfStudentT, HalfStudentT),
    "LogNormal": Family(
        ("mu", "sigma"),
        ("sigma",),
        "positive",
        pm.LogNormal,
        lambda mu, sigma: stats.lognorm(s=sigma, scale=np.exp(mu)),
    ),
    "Gamma": Family(
        ("alpha", "beta"),
        ("alpha", "beta"),
        "positive",
        pm.Gamma,
        lambda alpha, beta: stats.gamma(alpha, scale=1.0 / np.asarray(beta)),
    ),
    "Exponential": Family(
        ("lam",), ("lam",), "positive", pm.Exponential, lambda lam: stats.expon(scale=1.0 / np.asarray(lam))
    ),
}
