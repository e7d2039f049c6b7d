"""Intervals of the time axis, open on the left and closed on the right: (0, s1], (s1, s2], ..., (s_last, inf)."""

import itertools

import numpy as np


def equal_event_cutpoints(time: np.ndarray, event: np.ndarray, intervals: int) -> tuple[float, ...]:
    """Return cut points between which about equal numbers of events fall.

    Parameters
    ----------
    time : ndarray (patient,)
        Times in the study's unit.
    event : ndarray of bool (patient,)
        True for a death.
    intervals : int
        Number of intervals wanted; fewer come back where ties or few events leave no more.

    Returns
    -------
    tuple of float
        Strictly increasing, each an observed event time, all below the last event time.
    """
    deaths = np.sort(time[event])
    last_of_interval = np.ceil(np.arange(1, intervals) * len(deaths) / intervals).astype(int) - 1
    candidates = np.unique(deaths[last_of_interval[last_of_interval >= 0]])
    return tuple(float(cut) for cut in candidates if cut < deaths[-1])


def interval_of(time: np.ndarray, cutpoints: tuple[float, ...]) -> np.ndarray:
    """Return the number, from 0, of the interval that holds each time; a cut point belongs to the interval it ends."""
    return np.searchsorted(np.asarray(cutpoints, dtype=float), time, side="left")


def exposure_by_interval(time: np.ndarray, cutpoints: tuple[float, ...]) -> np.ndarray:
    """Return the time spent in each interval from 0 to `time`.

    Parameters
    ----------
    time : ndarray (patient,)
        Times in the study's unit; 0 spends nothing anywhere.
    cutpoints : tuple of float
        Inner limits of the intervals.

    Returns
    -------
    ndarray (patient, interval)
        Non-negative; rows sum to `time`.
    """
    edges = np.concatenate([[0.0], cutpoints, [np.inf]])
    return np.clip(np.minimum(np.asarray(time, dtype=float)[..., None], edges[1:]) - edges[:-1], 0.0, None)


def interval_labels(cutpoints: tuple[float, ...]) -> list[str]:
    """Return the name of each interval, such as "(12, 36]"; the last one is open-ended."""
    edges = ["0", *(f"{cut:.6g}" for cut in cutpoints)]
    closed = [f"({start}, {end}]" for start, end in itertools.pairwise(edges)]
    return [*closed, f"({edges[-1]}, inf)"]
