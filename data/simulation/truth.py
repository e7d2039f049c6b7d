"""A known truth: the population, hazards and treatment from which cohorts are simulated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise, product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class WeibullHazard:
    """Baseline with S(t) = exp(-ln 2 (t / median)^shape)."""

    median: float = 30.0
    shape: float = 1.2

    def cumulative(self, time: ArrayLike) -> np.ndarray:
        """Cumulative hazard at times of 0 or later."""
        return np.log(2) * (np.asarray(time, dtype=float) / self.median) ** self.shape

    def inverse(self, cumulative: ArrayLike) -> np.ndarray:
        """Time at which the cumulative hazard is reached."""
        return self.median * (np.asarray(cumulative, dtype=float) / np.log(2)) ** (1 / self.shape)


@dataclass(frozen=True)
class PiecewiseHazard:
    """Baseline with one hazard in each interval (a, b]; one more hazard than cut points."""

    cutpoints: tuple[float, ...] = (12.0, 36.0)
    hazards: tuple[float, ...] = (0.02, 0.03, 0.015)

    def _knots(self) -> tuple[np.ndarray, np.ndarray]:
        starts = np.array([0.0, *self.cutpoints])
        return starts, np.concatenate([[0.0], np.cumsum(np.diff(starts) * self.hazards[:-1])])

    def cumulative(self, time: ArrayLike) -> np.ndarray:
        """Cumulative hazard at times of 0 or later."""
        starts, reached = self._knots()
        interval = np.searchsorted(starts[1:], time, side="left")
        return reached[interval] + np.array(self.hazards)[interval] * (np.asarray(time) - starts[interval])

    def inverse(self, cumulative: ArrayLike) -> np.ndarray:
        """Time at which the cumulative hazard is reached."""
        starts, reached = self._knots()
        interval = np.searchsorted(reached[1:], cumulative, side="left")
        return (
            starts[interval] + (np.asarray(cumulative) - reached[interval]) / np.array(self.hazards)[interval]
        )


@dataclass(frozen=True)
class NormalCovariate:
    """A continuous covariate of the population."""

    mean: float = 0.0
    sd: float = 1.0


@dataclass(frozen=True)
class LevelCovariate:
    """A categorical covariate of the population; the first level is the reference."""

    shares: Mapping[str, float]


@dataclass(frozen=True)
class Truth:
    """Everything that a simulated cohort is drawn from. Times in `time_unit`.

    Attributes
    ----------
    log_hazard_ratio : float
        Conditional on the covariates; below 0, treatment helps.
    baseline : WeibullHazard or PiecewiseHazard
        Of an untreated patient with average covariates.
    covariates : mapping
        The population. Covariates are independent of each other.
    outcome, treatment : mapping of str to float
        Coefficients by term (``age``, ``grade[T.II]``) in the log hazard and in the log odds of
        treatment, of columns centred at their population means. A term in both confounds.
    treatment_intercept : float
        Log odds of treatment of an average patient.
    accrual, closing : float
        Patients are enrolled evenly over `accrual`; follow-up of all ends at `closing`, so it lasts
        between ``closing - accrual`` and ``closing``.
    latest_entry : float
        Patients come under observation evenly between 0 and this time; only those still alive can.
    mean_delay : float
        Mean of the exponential time from 0 to the start of treatment of those who would get it; the hazard ratio acts
        from then on. Who dies or leaves before is never treated. 0: treatment begins at time 0.
    time_unit : str
    """

    log_hazard_ratio: float = -0.4
    baseline: WeibullHazard | PiecewiseHazard = WeibullHazard()
    covariates: Mapping[str, NormalCovariate | LevelCovariate] = field(
        default_factory=lambda: {
            "age": NormalCovariate(60.0, 10.0),
            "grade": LevelCovariate({"I": 0.3, "II": 0.5, "III": 0.2}),
        }
    )
    outcome: Mapping[str, float] = field(
        default_factory=lambda: {"age": 0.02, "grade[T.II]": 0.3, "grade[T.III]": 0.6}
    )
    treatment: Mapping[str, float] = field(
        default_factory=lambda: {"age": -0.04, "grade[T.II]": 0.4, "grade[T.III]": 0.8}
    )
    treatment_intercept: float = 0.0
    accrual: float = 24.0
    closing: float = 72.0
    latest_entry: float = 0.0
    mean_delay: float = 0.0
    time_unit: str = "months"

    def __post_init__(self) -> None:
        unknown = {*self.outcome, *self.treatment} - set(self.terms())
        if unknown:
            raise ValueError(f"terms must be among {self.terms()}, but found {sorted(unknown)}")
        if not 0 <= self.accrual < self.closing:
            raise ValueError(f"accrual must be before closing, but found {self.accrual} and {self.closing}")
        if not 0 <= self.mean_delay < np.inf:
            raise ValueError(f"mean_delay must be a time of 0 or later, but found {self.mean_delay:g}")

    def terms(self) -> list[str]:
        """Names of the columns, as formulaic names them."""
        return [
            term
            for name, kind in self.covariates.items()
            for term in (
                [f"{name}[T.{level}]" for level in list(kind.shares)[1:]]
                if isinstance(kind, LevelCovariate)
                else [name]
            )
        ]


def true_survival(truth: Truth, times: ArrayLike, treated: bool, population: str = "all") -> np.ndarray:
    """Survival of a whole population had all been treated from time 0 on, or none: the marginal curve.

    Averages over the covariate distribution by quadrature: every combination of levels, times a
    Gauss-Hermite grid over the normal part of the two linear predictors. Shares nothing with the models.

    Parameters
    ----------
    truth : Truth
    times : array_like
        0 or later.
    treated : bool
    population : {"all", "treated", "overlap"}
        Weights 1, e and e (1 - e), with e the probability of treatment.

    Returns
    -------
    ndarray
        Probability of survival beyond each time.
    """
    risk, logit, weight = _population_grid(truth)
    propensity = 1 / (1 + np.exp(-logit))
    weights = {
        "all": weight,
        "treated": weight * propensity,
        "overlap": weight * propensity * (1 - propensity),
    }
    share = weights[population] / weights[population].sum()
    relative = np.exp(risk + truth.log_hazard_ratio * treated)
    return np.exp(-np.multiply.outer(truth.baseline.cumulative(times), relative)) @ share


def true_rmst_difference(truth: Truth, horizon: float, population: str = "all") -> float:
    """Restricted mean survival time up to the horizon, all treated minus none treated."""
    return _integral(
        truth,
        horizon,
        lambda time: (
            true_survival(truth, time, True, population) - true_survival(truth, time, False, population)
        ),
    )


def _integral(truth: Truth, horizon: float, function: Callable[[np.ndarray], np.ndarray]) -> float:
    """Return the integral of a function of time from 0 to the horizon, smooth between the cut points of the hazard."""
    cutpoints = truth.baseline.cutpoints if isinstance(truth.baseline, PiecewiseHazard) else ()
    edges = [0.0, *(cut for cut in cutpoints if cut < horizon), horizon]
    nodes, weights = np.polynomial.legendre.leggauss(64)
    return sum(
        (stop - start) / 2 * float(weights @ function(start + (stop - start) * (nodes + 1) / 2))
        for start, stop in pairwise(edges)
    )


def rmst_difference_of_patients(truth: Truth, covariates: pd.DataFrame, horizon: float) -> float:
    """Return the difference in restricted mean survival time of given patients: all of them treated minus none.

    Parameters
    ----------
    truth : Truth
    covariates : DataFrame (patient, covariate)
        As in `Cohort.covariates`.
    horizon : float
    """
    risk = np.zeros(len(covariates))
    for name, kind in truth.covariates.items():
        column = covariates[name].to_numpy()
        if isinstance(kind, NormalCovariate):
            risk += truth.outcome.get(name, 0.0) * (column.astype(float) - kind.mean)
            continue
        for level, share in list(kind.shares.items())[1:]:
            risk += truth.outcome.get(f"{name}[T.{level}]", 0.0) * ((column == level) - share)

    def difference(time: np.ndarray) -> np.ndarray:
        cumulative = truth.baseline.cumulative(time)
        treated, control = (
            np.exp(-np.multiply.outer(cumulative, np.exp(risk + truth.log_hazard_ratio * arm))).mean(axis=-1)
            for arm in (1, 0)
        )
        return treated - control

    return _integral(truth, horizon, difference)


def _population_grid(truth: Truth) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Linear predictors of outcome and treatment over the population, with probabilities."""
    coefficients = np.array(
        [[side.get(term, 0.0) for term in truth.terms()] for side in (truth.outcome, truth.treatment)]
    )
    by_term = dict(zip(truth.terms(), coefficients.T, strict=True))
    normals = [
        by_term[name] * kind.sd
        for name, kind in truth.covariates.items()
        if isinstance(kind, NormalCovariate)
    ]
    spread = np.array(normals).reshape(-1, 2)
    # both predictors are sums of the same normals: two independent directions carry all of it
    factor = np.linalg.svd(spread, full_matrices=False)
    axes = np.zeros((2, 2))
    axes[: len(factor.S)] = factor.S[:, None] * factor.Vh
    nodes, probabilities = np.polynomial.hermite_e.hermegauss(40)
    probabilities = probabilities / probabilities.sum()
    grid = np.array(list(product(nodes, nodes))) @ axes
    grid_weight = np.multiply.outer(probabilities, probabilities).ravel()
    kinds = {name: kind for name, kind in truth.covariates.items() if isinstance(kind, LevelCovariate)}
    points, weights = [], []
    for levels in product(*(kind.shares.items() for kind in kinds.values())):
        shift = np.zeros(2)
        for (level, _), (name, kind) in zip(levels, kinds.items(), strict=True):
            for other, share in list(kind.shares.items())[1:]:
                shift += by_term[f"{name}[T.{other}]"] * ((other == level) - share)
        points.append(grid + shift)
        weights.append(grid_weight * np.prod([share for _, share in levels]))
    risk, logit = np.concatenate(points).T
    return risk, logit, np.concatenate(weights)
