"""Weighted sums over very many patients: bootstrap weights of rows are drawn, events and time at risk of an arm given those at once.

Given the sum of the bootstrap weights of a row's patients, how it divides between them is a Dirichlet variable, of which mean and covariance are known
in closed form. Weighted events and times at risk of an arm are sums of those over rows: with thousands of events in each interval, normal.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data.study.counts import Counts
from models.arrays import parts_of

ENOUGH = 2000.0  # events in each arm and interval: the skewness of their bootstrap-weighted sum is below 2 / sqrt(2000) = 0.05
MOST_ROWS = 100_000  # of which the moments are held: 170 MB with ten intervals


@dataclass(frozen=True, eq=False)
class ManyBootstrapped:
    """Bootstrap-weighted numbers of patients, and what their events and times at risk are drawn from."""

    patients: np.ndarray  # (draw, row)
    mean: np.ndarray  # (row, 2 x interval): events, then time at risk, of a patient
    # (row, pair): of those between the patients of a row, over 1 plus the shape of the row's weight; pairs as
    # `numpy.triu_indices` has them
    covariance: np.ndarray
    rng: np.random.Generator

    def sums(self, weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return weighted events, then weighted time at risk, of some rows together (draw, 2 x interval)."""
        of_row = weights[:, rows] * self.patients[:, rows]
        size = self.mean.shape[1]
        covariance = np.empty((len(weights), size, size))
        upper = np.triu_indices(size)
        covariance[:, *upper] = of_row**2 @ self.covariance[rows]
        covariance[:, upper[1], upper[0]] = covariance[:, *upper]
        values, directions = np.linalg.eigh(covariance)
        noise = np.sqrt(values.clip(0.0)) * self.rng.standard_normal((len(weights), size))
        return (of_row @ self.mean[rows] + np.einsum("dij,dj->di", directions, noise)).clip(0.0)


def enough(counts: Counts, treated: np.ndarray) -> bool:
    """Return whether each arm has so many events in each interval that their weighted sums are normal."""
    fewest = min(counts.deaths[arm].sum(axis=0).min() for arm in (treated, ~treated))
    return fewest >= ENOUGH and len(counts.patients) <= MOST_ROWS


def many_bootstrapped(
    counts: Counts, draws: int, rng: np.random.Generator, parameters: int
) -> Iterator[ManyBootstrapped]:
    """Yield Bayesian bootstrap draws of counts, some at a time; arguments as of `bootstrapped`."""
    shape = counts.patients * (1.0 - parameters / counts.patients.sum())
    mean, covariance = _moments(counts)
    covariance /= 1.0 + shape[:, None]
    for part in parts_of(draws, len(shape)):
        drawn = rng.standard_gamma(shape, (part.stop - part.start, len(shape)))
        yield ManyBootstrapped(drawn, mean, covariance, rng)


def _moments(counts: Counts) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of events and times at risk of a patient of each row, by interval."""
    exits, count = counts.exits, len(counts.cutpoints) + 1
    widths = np.diff([0.0, *counts.cutpoints, np.inf])
    leaving, squared, until_event = np.zeros((3, len(counts.patients), count))
    place = exits.row, exits.interval
    np.add.at(leaving, place, exits.patients)
    np.add.at(squared, place, exits.time_squared)
    np.add.at(until_event, place, exits.time * exits.event)
    later = leaving[:, ::-1].cumsum(axis=1)[:, ::-1] - leaving
    products = np.zeros((len(counts.patients), 2 * count, 2 * count))
    for one in range(count):
        products[:, one, one] = counts.deaths[:, one]
        products[:, one, count + one] = until_event[:, one]
        products[:, count + one, count + one] = squared[:, one]
        if one + 1 < count:
            products[:, count + one, count + one] += later[:, one] * widths[one] ** 2
        for after in range(one + 1, count):  # who reaches an interval was at risk all through those before
            products[:, after, count + one] = widths[one] * counts.deaths[:, after]
            products[:, count + one, count + after] = widths[one] * counts.exposure[:, after]
    mean = np.concatenate([counts.deaths, counts.exposure], axis=1) / counts.patients[:, None]
    upper = np.triu_indices(2 * count)
    return mean, products[:, *upper] / counts.patients[:, None] - mean[:, upper[0]] * mean[:, upper[1]]
