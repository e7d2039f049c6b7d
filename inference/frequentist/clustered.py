"""Cox's hazard ratio of treatment alone, with a standard error that knows which patients belong together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from inference.frequentist.efron import EfronCox
from inference.frequentist.limits import NORMAL_975


@dataclass(frozen=True)
class ClusteredEffect:
    """A log hazard ratio."""

    # NaN where there is no finite estimate
    log_hazard_ratio: float
    standard_error: float

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the 95 % Wald interval of the log hazard ratio."""
        reach = NORMAL_975 * self.standard_error
        return self.log_hazard_ratio - reach, self.log_hazard_ratio + reach

    @property
    def p(self) -> float:
        """Two-sided Wald P value."""
        return float(2 * norm.sf(abs(self.log_hazard_ratio / self.standard_error)))


def clustered_effect(
    time: NDArray, event: NDArray, entry: NDArray, treatment: NDArray, cluster: NDArray
) -> ClusteredEffect:
    r"""Return the marginal log hazard ratio of treatment, its variance the sandwich over clusters.

    The estimate is that of independent patients (Efron ties); the variance is
    :math:`I^{-1} \left( \sum_c u_c^2 \right) I^{-1}`, with I the information and :math:`u_c` the sum of the score residuals of the patients
    of cluster c (Lin and Wei 1989, doi 10.1080/01621459.1989.10478874; of pairs, Austin 2014, doi 10.1002/sim.5984).

    Parameters
    ----------
    time, entry : (patient,) array
        Patients are at risk on (entry, time].
    event, treatment : (patient,) array of bool
    cluster : (patient,) array of int
        Numbered from 0.
    """
    column = treatment.astype(float)
    (estimate,), ((variance,),) = EfronCox(time, event, entry, column[:, None]).estimates()
    if not np.isfinite(estimate):
        return ClusteredEffect(np.nan, np.nan)
    scores = score_residuals(time, event, entry, column, float(estimate))
    by_cluster = np.bincount(cluster, weights=scores)
    return ClusteredEffect(float(estimate), float(variance * np.sqrt(np.sum(by_cluster**2))))


def score_residuals(
    time: NDArray, event: NDArray, entry: NDArray, column: NDArray, coefficient: float
) -> NDArray[np.float64]:
    r"""Return what each patient adds to the score of Cox's partial likelihood, with Efron's treatment of ties.

    :math:`u_i = \int (x_i - \bar x(t)) \, dM_i(t)`; they sum to 0 at the maximum. Of d deaths tied at t the rth (r = 0 ... d - 1) has the
    sums over those at risk less r/d of those over the tied, and the tied are at risk for it with weight 1 - r/d
    (Therneau and Grambsch 2000, Modeling Survival Data, section 4.2).

    Parameters
    ----------
    time, event, entry, column : (patient,) array
    coefficient : float
        Of the column.
    """
    hazard = np.exp(coefficient * column)
    weighted = hazard * column
    at, group, tied = np.unique(time[event], return_inverse=True, return_counts=True)

    def at_risk(values: NDArray) -> NDArray[np.float64]:
        """Sums over the patients at risk at each time of death."""
        sums = []
        for ends in (entry, time):
            order = np.argsort(ends, kind="stable")
            until = np.append(0.0, np.cumsum(values[order]))
            sums.append(until[np.searchsorted(ends[order], at, side="left")])
        return sums[0] - sums[1]

    def of_tied(values: NDArray) -> NDArray[np.float64]:
        return np.bincount(group, weights=values[event], minlength=at.size)

    place = np.repeat(np.arange(at.size), tied)
    share = (np.arange(place.size) - np.repeat(np.cumsum(tied) - tied, tied)) / tied[place]
    total = at_risk(hazard)[place] - share * of_tied(hazard)[place]
    mean = (at_risk(weighted)[place] - share * of_tied(weighted)[place]) / total

    def summed(values: NDArray) -> NDArray[np.float64]:
        return np.bincount(place, weights=values, minlength=at.size)

    def until(values: NDArray) -> NDArray[np.float64]:
        """Sums over the times of death at which each patient is at risk."""
        sums = np.append(0.0, np.cumsum(values))
        return sums[np.searchsorted(at, time, side="right")] - sums[np.searchsorted(at, entry, side="right")]

    compensator = hazard * (column * until(summed(1.0 / total)) - until(summed(mean / total)))
    # The tied are at risk for the rth of their deaths with weight 1 - r/d only.
    removed = column[event] * summed(share / total)[group] - summed(share * mean / total)[group]
    residuals = -compensator
    residuals[event] += column[event] - (summed(mean) / tied)[group] + hazard[event] * removed
    return residuals
