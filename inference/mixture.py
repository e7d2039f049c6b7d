"""Marginal survival: the survival of a population whose patients differ in risk, for many draws at once.

With hazards proportional to a baseline, S(t) = G(H(t)), where G(x) = sum_i w_i exp(-x r_i) is the Laplace
transform of the population's risks r. For each draw, K(y) = log(-log G(e^y)) is smooth and nearly straight, so a short
Chebyshev series gives it, and with it every arm and every time, from a few evaluations over the patients.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

NODES = 32  # an error below 1e-6 of a probability over five decades of cumulative hazard (tests)
CHUNK = 200  # draws at a time, so that the arrays stay in the cache's reach


@dataclass(frozen=True, eq=False)
class Mixture:
    """Survival and hazard of a population as functions of the baseline's cumulative hazard.

    Attributes
    ----------
    series : ndarray (node, population, draw)
        Chebyshev coefficients of K over [-1, 1].
    centre, halfwidth : ndarray (draw,)
        y = centre + halfwidth z maps [-1, 1] to the log cumulative hazards that were asked for.
    """

    series: np.ndarray
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
        positive = cumulative_hazard > 0
        y = np.log(np.where(positive, cumulative_hazard, np.exp(self.centre - self.halfwidth)[:, None]))
        z = ((y - self.centre[:, None]) / self.halfwidth[:, None])[None]
        k = chebyshev.chebval(z, self.series[..., None], tensor=False)
        slope = chebyshev.chebval(z, chebyshev.chebder(self.series)[..., None], tensor=False)
        marginal = np.exp(k)
        factor = marginal * (slope / self.halfwidth[:, None]) / np.exp(y)
        return np.where(positive, np.exp(-marginal), 1.0), factor


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

    Returns
    -------
    Mixture
    """
    centre = 0.5 * (np.log(highest) + np.log(lowest))
    halfwidth = np.maximum(0.5 * (np.log(highest) - np.log(lowest)), 1e-3)
    nodes = chebyshev.chebpts1(NODES)
    fitting = np.linalg.inv(chebyshev.chebvander(nodes, NODES - 1))
    series = np.empty((NODES, weights.shape[0], log_risk.shape[0]))

    def fill(start: int) -> None:
        part = slice(start, start + CHUNK)
        risk = np.exp(log_risk[part])
        least = risk.min(axis=1)
        x = np.exp(centre[part, None] + halfwidth[part, None] * nodes)
        # The least risk is factored out, so that nothing underflows where almost nobody survives.
        surviving = np.exp(-(risk - least[:, None])[:, :, None] * x[:, None, :])
        mixed = np.moveaxis(weights[:, part], 0, 1) @ surviving
        k = np.log(x[:, None, :] * least[:, None, None] - np.log(mixed))
        series[:, :, part] = np.moveaxis(k @ fitting.T, 0, 2).swapaxes(0, 1)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(fill, range(0, log_risk.shape[0], CHUNK)))
    return Mixture(series, centre, halfwidth)
