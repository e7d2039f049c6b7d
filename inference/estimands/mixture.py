"""Marginal survival: the survival of a population whose patients differ in risk, for many draws at once.

With hazards proportional to a baseline, S(t) = G(H(t)), where G(x) = sum_i w_i exp(-x r_i) is the Laplace
transform of the population's risks r. For each draw, K(y) = log(-log G(e^y)) is smooth and nearly straight, so a short
Chebyshev series gives it, and with it every arm and every time, from a few evaluations over the patients.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

NODES = 40  # an error below 1e-6 of a probability over five decades of cumulative hazard (tests)
CHUNK = 200  # draws at a time, so that the arrays stay in the cache's reach
GRID = 2500  # risks that stand for those of more patients
NUMBERS = 1 << 22  # of an array (draw, patient, node) at a time: of many patients, fewer draws


@dataclass(frozen=True, eq=False)
class Mixture:
    """Survival and hazard of a population as functions of the baseline's cumulative hazard."""

    series: np.ndarray  # (node, population, draw): Chebyshev coefficients of K over [-1, 1]
    # (draw,): y = centre + halfwidth z maps [-1, 1] to the log cumulative hazards that were asked for
    centre: np.ndarray
    halfwidth: np.ndarray

    def evaluate(self, cumulative_hazard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return marginal survival, and the ratio of the marginal to the baseline hazard.

        Parameters
        ----------
        cumulative_hazard : ndarray (draw, time)
            Of an arm's patient at risk 1; 0 or within the range that the mixture was made for.

        Returns
        -------
        survival, hazard_factor : ndarray (population, draw, time)
            The marginal hazard is `hazard_factor` times the hazard of which `cumulative_hazard` is the integral.
        """
        nodes, populations, draws = self.series.shape
        coefficients = np.concatenate([self.series, self._slope()], axis=1)
        survival = np.empty((populations, draws, cumulative_hazard.shape[1]))
        factor = np.empty_like(survival)

        def fill(part: slice) -> None:
            cumulative = cumulative_hazard[part]
            positive = cumulative > 0
            lowest = np.exp(self.centre[part] - self.halfwidth[part])[:, None]
            x = np.where(positive, cumulative, lowest)
            z = (np.log(x) - self.centre[part, None]) / self.halfwidth[part, None]
            values = chebyshev.chebvander(z, nodes - 1) @ np.moveaxis(coefficients[:, :, part], 2, 0)
            k, slope = np.split(np.moveaxis(values, 2, 0), 2)
            marginal = np.exp(k)
            survival[:, part] = np.where(positive, np.exp(-marginal), 1.0)
            factor[:, part] = marginal * slope / (self.halfwidth[part, None] * x)

        _by_chunks(fill, draws)
        return survival, factor

    def _slope(self) -> np.ndarray:
        """Return the coefficients of the derivative of the series, padded to the same length."""
        return np.concatenate([chebyshev.chebder(self.series), np.zeros_like(self.series[:1])])


def mixture(log_risk: np.ndarray, weights: np.ndarray, lowest: np.ndarray, highest: np.ndarray) -> Mixture:
    """Return the mixture over a population's risks, for each draw.

    Parameters
    ----------
    log_risk : ndarray (draw, patient)
        Log hazard ratio against the baseline.
    weights : ndarray (population, draw, patient)
        Non-negative; sum to 1 over patients.
    lowest, highest : ndarray (draw,)
        Range of the cumulative hazards at which it will be evaluated, above 0.
    """
    centre = 0.5 * (np.log(highest) + np.log(lowest))
    halfwidth = np.maximum(0.5 * (np.log(highest) - np.log(lowest)), 1e-3)
    nodes = chebyshev.chebpts1(NODES)
    fitting = np.linalg.inv(chebyshev.chebvander(nodes, NODES - 1))
    series = np.empty((NODES, weights.shape[0], log_risk.shape[0]))

    def fill(part: slice) -> None:
        of_part, weighted = log_risk[part], np.moveaxis(weights[:, part], 0, 1)
        if log_risk.shape[1] > GRID:
            of_part, weighted = on_grid(of_part, weighted)
        risk = np.exp(of_part)
        least = risk.min(axis=1)
        x = np.exp(centre[part, None] + halfwidth[part, None] * nodes)
        # The least risk is factored out, so that nothing underflows where almost nobody survives.
        surviving = np.exp(-(risk - least[:, None])[:, :, None] * x[:, None, :])
        mixed = weighted @ surviving
        k = np.log(x[:, None, :] * least[:, None, None] - np.log(mixed))
        series[:, :, part] = np.moveaxis(k @ fitting.T, 0, 2).swapaxes(0, 1)

    numbers = NODES * min(log_risk.shape[1], GRID)
    _by_chunks(fill, log_risk.shape[0], max(1, min(CHUNK, NUMBERS // numbers)))
    return Mixture(series, centre, halfwidth)


def on_grid(log_risk: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Return few evenly spaced log risks, and the weights of many patients shared between the two on either side of each.

    Sums of a smooth function of the log risk z change by at most :math:`h^2 / 8 \, \max |f''|` with h the spacing; of
    :math:`f(z) = \exp(-x e^z)` the second derivative is below 0.31 for any x. Over a range of 5 that is 2e-7.

    Parameters
    ----------
    log_risk : ndarray (draw, patient)
    weights : ndarray (draw, population, patient)

    Returns
    -------
    log_risk : ndarray (draw, node)
    weights : ndarray (draw, population, node)
    """
    low, high = log_risk.min(axis=1), log_risk.max(axis=1)
    step = np.maximum(high - low, 1e-12) / (GRID - 1)
    moved = np.empty((*weights.shape[:2], GRID))
    for draw, values in enumerate(log_risk):
        place = (values - low[draw]) / step[draw]
        left = np.minimum(place.astype(np.intp), GRID - 2)
        share = place - left
        for population, own in enumerate(weights[draw]):
            right = own * share
            moved[draw, population] = np.bincount(left, own - right, GRID)
            moved[draw, population, 1:] += np.bincount(left, right, GRID - 1)[: GRID - 1]
    return low[:, None] + step[:, None] * np.arange(GRID), moved


def _by_chunks(fill: Callable[[slice], None], draws: int, chunk: int = CHUNK) -> None:
    """Call a function on slices of the draws, in two threads: numpy lets go of the lock."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(fill, [slice(start, start + chunk) for start in range(0, draws, chunk)]))
