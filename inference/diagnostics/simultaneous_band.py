"""Simultaneous bands of curves: limits between which a whole curve lies with 95 % probability."""

from __future__ import annotations

import numpy as np

ROUNDING = 1e-12  # from 0 and from 1, at which survival has no log(-log)


def simultaneous_band(survival: np.ndarray) -> np.ndarray:
    """Return the limits between which 95 % of survival curves lie at all times together.

    At each time the 95 % interval of log(-log S) is stretched about its median, by one factor for all times: the smallest with which
    95 % of the draws never leave it (a sup-t band: Montiel Olea and Plagborg-Møller 2019, doi 10.1002/jae.2656, with the interval's
    two halves in place of a standard deviation). It is never narrower than the interval.

    Parameters
    ----------
    survival : ndarray (..., draw, time)
        Draws of curves, in [0, 1].

    Returns
    -------
    ndarray (limit, ..., time)
        The lower limit and the upper one. Where all draws are equal, such as at time 0, both are that value.
    """
    scaled = np.log(-np.log(np.clip(survival, ROUNDING, 1.0 - ROUNDING)))
    low, middle, high = np.quantile(scaled, (0.025, 0.5, 0.975), axis=-2, keepdims=True)
    apart = scaled - middle
    half = np.broadcast_to(np.where(apart > 0, high - middle, middle - low), apart.shape)
    reached = np.divide(np.abs(apart), half, out=np.zeros_like(apart), where=half > 0).max(axis=-1)
    factor = np.maximum(1.0, np.quantile(reached, 0.95, axis=-1, method="inverted_cdf"))[..., None, None]
    limits = np.exp(-np.exp([middle + factor * (high - middle), middle - factor * (middle - low)]))
    same = np.median(survival, axis=-2, keepdims=True)
    return np.where(low < high, limits, same)[..., 0, :]
