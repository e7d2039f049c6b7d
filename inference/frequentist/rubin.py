"""One estimate of several cohorts of the same study: Rubin's rules (1987, doi 10.1002/9780470316696)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm


@dataclass(frozen=True)
class Pooled:
    """The mean of an estimate over cohorts, and where its variance comes from.

    Attributes
    ----------
    cohorts : int
        M, at least 2.
    estimate, within_sd, between_sd : float
        Mean over the cohorts, root of the mean variance W within them, standard deviation between them (its square is B).
    fraction_of_missing_information : float
        (1 + 1/M) B / (W + (1 + 1/M) B).
    """

    cohorts: int
    estimate: float
    within_sd: float
    between_sd: float
    fraction_of_missing_information: float

    @property
    def interval(self) -> tuple[float, float]:
        """A 95 % normal interval by the total variance W + (1 + 1/M) B."""
        total = np.sqrt(self.within_sd**2 + (1 + 1 / self.cohorts) * self.between_sd**2)
        half = float(norm.ppf(0.975) * total)
        return self.estimate - half, self.estimate + half


def pool(estimates: ArrayLike, variances: ArrayLike) -> Pooled:
    """Pool the estimates of cohorts, given their variances within each; both (cohort,)."""
    values = np.asarray(estimates, dtype=float)
    within, between = float(np.asarray(variances, dtype=float).mean()), float(values.var(ddof=1))
    missing = (1 + 1 / len(values)) * between
    return Pooled(
        len(values), float(values.mean()), float(np.sqrt(within)), float(np.sqrt(between)), missing / (within + missing)
    )  # fmt: skip
