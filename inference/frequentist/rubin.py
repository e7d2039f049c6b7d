"""Pooled estimates of several cohorts of the same study: Rubin's rules (1987, doi 10.1002/9780470316696)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from inference.frequentist.limits import NORMAL_975


@dataclass(frozen=True)
class Pooled:
    """Means of estimates over cohorts, and where their variances come from; each a number or an array of one shape."""

    cohorts: int  # M; a single one has no variance between cohorts
    # mean over the cohorts, root of the mean variance W within them, standard deviation between them (the root of B)
    estimate: np.ndarray
    within_sd: np.ndarray
    between_sd: np.ndarray
    fraction_of_missing_information: np.ndarray  # (1 + 1/M) B / (W + (1 + 1/M) B)

    @property
    def error(self) -> np.ndarray:
        """Standard error: root of the total variance W + (1 + 1/M) B."""
        return np.sqrt(self.within_sd**2 + (1 + 1 / self.cohorts) * self.between_sd**2)

    @property
    def lower(self) -> np.ndarray:
        """Lower end of the 95 % normal interval."""
        return self.estimate - NORMAL_975 * self.error

    @property
    def upper(self) -> np.ndarray:
        """Upper end of the 95 % normal interval."""
        return self.estimate + NORMAL_975 * self.error


def pool(estimates: ArrayLike, variances: ArrayLike) -> Pooled:
    """Pool the estimates of cohorts.

    Parameters
    ----------
    estimates, variances : array_like (cohort, ...)
        The estimates, and their variances within each cohort.
    """
    values = np.asarray(estimates, dtype=float)
    within = np.asarray(variances, dtype=float).mean(axis=0)
    between = values.var(axis=0, ddof=1) if len(values) > 1 else np.zeros_like(within)
    missing = (1 + 1 / len(values)) * between
    return Pooled(
        len(values), values.mean(axis=0), np.sqrt(within), np.sqrt(between), missing / (within + missing)
    )
