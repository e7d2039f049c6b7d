"""Weights of counts: the weighted likelihood bootstrap of all patients, from sums over them.

The sum of the bootstrap weights of n patients is a gamma variable of shape n times that of one. Their weighted time in an interval is drawn with
its exact mean, variance and covariance with that sum: patients who leave in an interval, with or without the event, stand at two times of it
that have the mean and the mean square of theirs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from data.study.cohort import Cohort
from data.study.counts import Counts
from inference.adjustments.adjusted import AdjustedSample, DesignSample, Problem, Progress
from inference.adjustments.counted_sums import ManyBootstrapped, enough, many_bootstrapped
from inference.adjustments.weighted import arranged, by_chain, estimable
from inference.adjustments.weighting import Weighting
from inference.frequentist.balance import iptw_weights, overlap_weights
from models.arrays import parts_of
from models.episodes import Episodes
from models.maximisers import maximise
from models.maximisers.score import newton
from models.propensity import probability_of_treatment

WEIGHTINGS: dict[str, Weighting] = {"iptw": iptw_weights, "overlap": overlap_weights}
SHORT = 1e-9  # length of the episode in which an event is counted, in those of the intervals


@dataclass(frozen=True, eq=False)
class Bootstrapped:
    """Bootstrap-weighted numbers of patients (draw, row), and events and time at risk by interval (draw, row, interval)."""

    patients: np.ndarray
    deaths: np.ndarray
    exposure: np.ndarray

    def sums(self, weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return weighted events, then weighted time at risk, of some rows together (draw, 2 x interval)."""
        parts = (self.deaths, self.exposure)
        return np.concatenate(
            [np.einsum("dr,drk->dk", weights[:, rows], one[:, rows]) for one in parts], axis=1
        )


def bootstrapped(
    counts: Counts, draws: int, rng: np.random.Generator, parameters: int
) -> Iterator[Bootstrapped]:
    """Yield Bayesian bootstrap draws of counts, some at a time, with the variance of `bootstrap_weights` of the patients.

    `parameters` is how many coefficients the estimation fits.
    """
    exits, rows, intervals = counts.exits, len(counts.patients), len(counts.cutpoints) + 1
    shape = 1.0 - parameters / counts.patients.sum()
    # Of two times, one is the beginning of the interval and the other carries mean and mean square: later = E[t^2] / E[t].
    mean, square = exits.time / exits.patients, exits.time_squared / exits.patients
    later = np.divide(square, mean, out=np.zeros_like(mean), where=mean > 0)
    share = np.divide(mean, later, out=np.ones_like(mean), where=later > 0).clip(0.0, 1.0)
    stays = exits.patients * share
    place = exits.row * intervals + exits.interval  # in increasing order
    first = np.flatnonzero(np.diff(place, prepend=-1))
    widths = np.diff([0.0, *counts.cutpoints])

    def by_interval(values: np.ndarray) -> np.ndarray:
        sums = np.zeros((len(values), rows * intervals))
        sums[:, place[first]] = np.add.reduceat(values, first, axis=1)
        return sums.reshape(-1, rows, intervals)

    for part in parts_of(draws, max(len(place), rows * intervals)):
        size = (part.stop - part.start, len(place))
        timed = rng.standard_gamma(stays * shape, size)
        both = timed + rng.standard_gamma((exits.patients - stays) * shape, size)
        leaving, exposure = by_interval(both), by_interval(timed * later)
        at_risk_after = leaving[:, :, ::-1].cumsum(axis=2)[:, :, ::-1] - leaving
        exposure[:, :, :-1] += at_risk_after[:, :, :-1] * widths
        yield Bootstrapped(leaving.sum(axis=2), by_interval(both * exits.event), exposure)


def counted_score(cohort: Cohort, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return where the weighted likelihood of the treatment model, under the wide prior of `maximise_score`, is largest (draw, ...).

    Weights (draw, row) are sums over the patients of a row; each draw is scaled to the number of patients.
    """
    assert cohort.counts is not None, "rows are counts"
    patients, values = cohort.counts.patients, cohort.propensity.values
    size = patients.sum()
    scale = np.sqrt(patients @ values**2 / size)  # columns are centred
    design = np.column_stack([np.ones(len(values)), values / scale])

    def maximum(weights: np.ndarray, start: np.ndarray) -> np.ndarray:
        return newton(design, cohort.treatment, weights, start, weights[0].sum(), _summed, expit)

    start = maximum(patients[None], np.zeros((1, design.shape[1])))
    scaled = size * weights / weights.sum(axis=1, keepdims=True)
    found = maximum(scaled, np.repeat(start, len(scaled), axis=0))
    coefficients = {"propensity_coefficients": found[:, 1:] / scale} if values.shape[1] else {}
    return {"propensity_intercept": found[:, 0], **coefficients}


def _summed(weights: np.ndarray, likelihood: np.ndarray) -> np.ndarray:
    return (weights * likelihood).sum(axis=1)


def maximised_counts(
    problem: Problem, weights: np.ndarray, drawn: Bootstrapped | ManyBootstrapped
) -> dict[str, np.ndarray]:
    """Return where the weighted likelihood of the outcome model with treatment alone is largest (draw, ...); weights are (draw, row).

    Raises
    ------
    NotEstimableError
        Where an arm has no event while the other is at risk.
    """
    treated, starts = problem.cohort.treatment, np.array([0.0, *problem.spec.cutpoints])
    length = np.diff([*starts, starts[-1] + 1.0])
    of_arms = [drawn.sums(weights, arm) for arm in (~treated, treated)]
    deaths, time = (
        np.concatenate(parts, axis=1)
        for parts in zip(*(np.split(one, 2, axis=1) for one in of_arms), strict=True)
    )
    begin, lasts = np.tile(starts, 2), np.tile(length, 2)
    # One episode for the time at risk in each arm and interval, and one that hardly lasts for its events.
    count = len(begin)
    episodes = Episodes(
        np.arange(2 * count),
        np.concatenate([begin, begin]),
        np.concatenate([begin + lasts, begin + SHORT * lasts]),
        np.arange(2 * count) >= count,
        np.tile(np.arange(count) >= count // 2, 2),
    )
    return estimable(
        problem, maximise(problem.spec.baseline, episodes, np.concatenate([time / lasts, deaths], axis=1))
    )


def counted_propensity(cohort: Cohort) -> np.ndarray:
    """Return the probability of treatment of each row at the score that fits best (1, row)."""
    assert cohort.counts is not None, "rows are counts"
    best = counted_score(cohort, cohort.counts.patients[None])
    return probability_of_treatment(best, cohort.propensity.values)


def sample_counted_weights(adjustment: str, problem: Problem, progress: Progress) -> AdjustedSample:
    """Return the maximisers of the weighted likelihood, one for each bootstrap draw of the counts."""
    cohort, weighting = problem.cohort, WEIGHTINGS[adjustment]
    assert cohort.counts is not None, "rows are counts"
    rng = np.random.default_rng([problem.settings.seed, 4])
    treatment, outcome, done = [], [], 0
    draws_of = many_bootstrapped if enough(cohort.counts, cohort.treatment) else bootstrapped
    for drawn in draws_of(cohort.counts, problem.designs, rng, 1 + len(cohort.propensity.terms)):
        progress("bootstrap vectors", done, problem.designs)
        treatment.append(counted_score(cohort, drawn.patients))
        propensity = probability_of_treatment(treatment[-1], cohort.propensity.values)
        share = drawn.patients @ cohort.treatment / drawn.patients.sum(axis=1)
        outcome.append(maximised_counts(problem, weighting(propensity, cohort.treatment, share), drawn))
        done += len(share)
    shape = by_chain(problem)
    design = DesignSample(problem.posterior("absent"), arranged(outcome, shape), counted_propensity(cohort))
    return AdjustedSample(adjustment, (design,), {}, arranged(treatment, shape))
