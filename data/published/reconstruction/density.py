"""The generative model's density of a time and event, and draws from it, compiled.

Frailty is integrated out: with baseline cumulative hazard H, relative hazard r and gamma frailty of variance v, a
pseudo-patient survives with probability (1 + v r H)^(-1/v).
"""

import math

import numba
import numpy as np

# share of a figure's end over which those followed to it are spread: the chain knows no ties
END_WIDTH = 1e-3


@numba.njit(cache=True)
def log_density(p, time, event, lifetimes):
    """Log density of pseudo-patient p having this time and event, up to a constant of the stratum."""
    s = lifetimes.stratum[p]
    if not 0.0 < time < lifetimes.longest:
        return -math.inf
    end = lifetimes.end[s]
    if end < math.inf:
        return _published_density(p, min(time, end), event, time >= end, lifetimes)
    k = 0
    while k + 1 < lifetimes.knots.shape[1] and lifetimes.knots[s, k + 1] < time:
        k += 1
    hazard = lifetimes.hazard[s, k]
    reached = lifetimes.cumulative[s, k] + hazard * (time - lifetimes.knots[s, k])
    total = 1.0 + lifetimes.frailty * lifetimes.relative[p] * reached
    found = -math.log(total) / lifetimes.frailty
    place = (time - lifetimes.followup[s]) / lifetimes.spread[s]
    if event:
        later = 0.5 * math.erfc(place / math.sqrt(2.0))
        uncensored = lifetimes.early * (1.0 - time / lifetimes.longest) + (1.0 - lifetimes.early) * later
        return found + math.log(lifetimes.relative[p] * hazard / total) + math.log(uncensored + 1e-300)
    bell = math.exp(-0.5 * place * place) / (lifetimes.spread[s] * math.sqrt(2.0 * math.pi))
    return found + math.log(lifetimes.early / lifetimes.longest + (1.0 - lifetimes.early) * bell)


@numba.njit(cache=True)
def _published_density(p, time, event, followed, lifetimes):
    """Log density under a published curve: losses at the hazard of this cohort, the others followed to the figure's end."""
    s = lifetimes.stratum[p]
    k = np.searchsorted(lifetimes.knots[s], time) - 1
    hazard = lifetimes.hazard[s, k]
    reached = lifetimes.cumulative[s, k] + hazard * (time - lifetimes.knots[s, k])
    total = 1.0 + lifetimes.frailty * lifetimes.relative[p] * reached
    found = -math.log(total) / lifetimes.frailty
    k = np.searchsorted(lifetimes.loss_knots[s], time) - 1
    span = lifetimes.loss_knots[s, k + 1] - lifetimes.loss_knots[s, k]
    rate = (lifetimes.loss_reached[s, k + 1] - lifetimes.loss_reached[s, k]) / span
    found -= lifetimes.loss_reached[s, k] + rate * (time - lifetimes.loss_knots[s, k])
    if event:
        return -math.inf if followed else found + math.log(lifetimes.relative[p] * hazard / total)
    # those followed to the end are spread over END_WIDTH of it, which divides their probability
    return found - math.log(END_WIDTH * time) if followed else found + math.log(rate)


@numba.njit(cache=True)
def _published_loss(s, loss, when, lifetimes):
    """Draw the time of loss under a published curve."""
    goal = -math.log(loss + 1e-300)
    k = 0
    while lifetimes.loss_reached[s, k + 1] < goal:
        k += 1
        if lifetimes.loss_knots[s, k] >= lifetimes.end[s]:
            return lifetimes.end[s] * (1.0 + END_WIDTH * when)
    share = (goal - lifetimes.loss_reached[s, k]) / (
        lifetimes.loss_reached[s, k + 1] - lifetimes.loss_reached[s, k]
    )
    return lifetimes.loss_knots[s, k] + share * (lifetimes.loss_knots[s, k + 1] - lifetimes.loss_knots[s, k])


@numba.njit(cache=True)
def draw_lifetime(p, chance, loss, when, normal, lifetimes):
    """A time and event of pseudo-patient p from three uniform numbers and a standard normal one; (0, 0) if out of range."""
    s = lifetimes.stratum[p]
    if lifetimes.end[s] < math.inf:
        censored = _published_loss(s, loss, when, lifetimes)
    elif loss < lifetimes.early:
        censored = when * lifetimes.longest
    else:
        censored = lifetimes.followup[s] + lifetimes.spread[s] * normal
    if not 0.0 < censored < lifetimes.longest:
        return 0.0, 0
    goal = (chance ** (-lifetimes.frailty) - 1.0) / (lifetimes.frailty * lifetimes.relative[p])
    k = 0
    while (
        k + 1 < lifetimes.knots.shape[1]
        and lifetimes.knots[s, k + 1] < math.inf
        and lifetimes.cumulative[s, k + 1] < goal
    ):
        k += 1
    death = lifetimes.knots[s, k] + (goal - lifetimes.cumulative[s, k]) / lifetimes.hazard[s, k]
    if death <= censored and death < lifetimes.end[s]:
        return death, 1
    return censored, 0
