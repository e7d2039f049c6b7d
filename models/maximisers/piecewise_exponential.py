"""The weighted likelihood of a piecewise exponential hazard with treatment alone: one equation in the effect."""

from collections.abc import Callable

import numpy as np
from scipy.special import expit, logit

from models.baselines import PiecewiseExponential
from models.episodes import Episodes

NO_EVENT = 1e-9
"""Hazard, against that over all intervals, that stands for none at all: a hazard of 0 has no log."""
STEPS = 200
CLOSE = 1e-10

Score = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def maximise_piecewise(
    baseline: PiecewiseExponential, episodes: Episodes, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return where the weighted log likelihood is largest, as `models.maximisers.maximise` describes.

    Given the effect, each hazard is events over time at risk, that of the treated counted by the hazard ratio; what
    is left is one equation in the effect, in sums by interval and arm (Holford 1980, doi 10.2307/2529982). An interval
    without a weighted event, where the maximum is a hazard of 0, gets a billionth of the hazard over all intervals.
    """
    deaths, exposure = _sums(baseline, episodes, weights)
    both = deaths.sum(axis=0)
    effect = _profiled_effect(deaths, exposure)
    at_risk = exposure[0] + np.exp(effect)[:, None] * exposure[1]
    none = NO_EVENT * both.sum(axis=1, keepdims=True) / at_risk.sum(axis=1, keepdims=True)
    hazard = np.where(both > 0, both / np.where(both > 0, at_risk, 1.0), none)
    hazard[np.isnan(effect)] = np.nan
    return {"log_hazard": np.log(hazard), "treatment_effect": effect}


def _sums(
    baseline: PiecewiseExponential, episodes: Episodes, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted events and time at risk (arm, draw, interval), controls first."""
    basis = baseline.basis(episodes.time, episodes.entry)
    deaths = np.zeros_like(basis["exposure"])
    deaths[np.arange(len(deaths)), basis["last_interval"]] = episodes.event
    own = np.zeros((2 * episodes.patients, 2 * deaths.shape[1]))
    arm = 2 * episodes.patient + episodes.treated
    np.add.at(own, arm, np.concatenate([deaths, basis["exposure"]], axis=1))
    sums = (weights @ own.reshape(episodes.patients, -1)).reshape(len(weights), 2, 2, -1)
    return np.moveaxis(sums[:, :, 0], 1, 0), np.moveaxis(sums[:, :, 1], 1, 0)


def _profiled_effect(deaths: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Return the log hazard ratio at the maximum (draw,), from events and times at risk (arm, draw, interval).

    Of the events of an interval, the treated are expected to have expit(effect + log ratio of the times at risk);
    intervals in which one arm is never at risk say nothing.
    """
    compared = (exposure > 0).all(axis=0)
    both = np.where(compared, deaths.sum(axis=0), 0.0)
    treated = np.where(compared, deaths[1], 0.0).sum(axis=1)
    total = both.sum(axis=1)
    effect = np.full(len(total), np.nan)
    inner = (treated > 0) & (np.where(compared, deaths[0], 0.0).sum(axis=1) > 0)
    if not inner.any():
        return effect
    both, treated, total = both[inner], treated[inner], total[inner]
    ratio = np.log(np.where(compared, exposure[1] / np.where(compared, exposure[0], 1.0), 1.0))[inner]
    # Were all ratios the same, the share of the treated would give the effect: it lies between the extremes.
    centre, read = logit(treated / total), both > 0
    lower = centre - np.where(read, ratio, -np.inf).max(axis=1)
    upper = centre - np.where(read, ratio, np.inf).min(axis=1)

    def score(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        share = expit(place[:, None] + ratio)
        return treated - (both * share).sum(axis=1), -(both * share * (1.0 - share)).sum(axis=1)

    effect[inner] = crossing(score, lower, upper, centre - (both * ratio).sum(axis=1) / total)
    return effect


def crossing(score: Score, lower: np.ndarray, upper: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return where functions that are above 0 at first, and below 0 later, cross 0: Newton's steps, kept in a bracket.

    All are solved at once. A step that leaves the bracket, or is more than half as long as the one before, is replaced
    by halving the bracket (Press et al. 2007, Numerical Recipes, section 9.4).

    Parameters
    ----------
    score : callable
        From arguments (draw,) to values and slopes (draw,).
    lower, upper : ndarray (draw,)
        Between which each crossing lies; a function that does not cross comes back as one of them, to 1e-10.
    start : ndarray (draw,)
        First guess.
    """
    place, last = np.clip(start, lower, upper), upper - lower
    for _ in range(STEPS):
        value, slope = score(place)
        lower, upper = np.where(value > 0, place, lower), np.where(value > 0, upper, place)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = place - value / slope
        trusted = (step >= lower) & (step <= upper) & (np.abs(step - place) <= 0.5 * last)
        step = np.where(trusted, step, 0.5 * (lower + upper))
        last, place = np.abs(step - place), step
        if np.all(last <= CLOSE * (1.0 + np.abs(place))):
            break
    return place
