"""A Markov chain over cohorts: Metropolis moves on times and events under the rounding likelihood and the generative model.

At a high temperature the chain follows the generative model, at temperature 1 it samples cohorts that have the
printed statistics, with all that is not printed as the model says (https://doi.org/10.1063/1.1699114).
"""

import math
from typing import NamedTuple

import numba
import numpy as np

from data.reconstruction.cox_rows import read_cox_rows
from data.reconstruction.curves import read_curves
from data.reconstruction.density import draw_lifetime, log_density
from data.reconstruction.statistics import misfit

CHANCES = 10  # uniform numbers that a move takes
SWAP, SHIFT, EXCHANGE = 0.5, 0.75, 0.88  # shares of the moves, cumulated; the rest draws anew
ANYWHERE = 0.4  # share of the shifts that go to any time: how losses early on come and go
NEIGHBOURS = 24  # how far in rank a swap with a neighbour reaches


class Places(NamedTuple):
    """Who may change places with whom."""

    stratum: np.ndarray  # (patient,)
    first: np.ndarray  # (stratum + 1,) first pseudo-patient of each; they are listed by stratum
    kind: np.ndarray  # (patient,) class within which the number of deaths is held, or -1
    in_cox: np.ndarray  # (patient,) 1 where any Cox fit counts the pseudo-patient


@numba.njit(cache=True)
def _put(order, rank, time, p, new):
    """Give pseudo-patient p another time, and keep the order."""
    time[p] = new
    s = rank[p]
    while s > 0 and time[order[s - 1]] > new:
        order[s] = order[s - 1]
        rank[order[s]] = s
        s -= 1
    while s + 1 < order.size and time[order[s + 1]] < new:
        order[s] = order[s + 1]
        rank[order[s]] = s
        s += 1
    order[s] = p
    rank[p] = s


@numba.njit(cache=True)
def _change(order, rank, time, event, p, q, time_p, event_p, time_q, event_q):
    """Give p and q (if not -1) times and events."""
    event[p] = event_p
    if q >= 0:
        event[q] = event_q
        if time[p] == time_q and time[q] == time_p and time_p != time_q:
            order[rank[p]], order[rank[q]] = q, p
            rank[p], rank[q] = rank[q], rank[p]
            time[p], time[q] = time_p, time_q
            return
        if time[q] != time_q:
            _put(order, rank, time, q, time_q)
    if time[p] != time_p:
        _put(order, rank, time, p, time_p)


@numba.njit(cache=True)
def run(order, rank, time, event, values, places, layout, member, lifetimes, chances, normals, temperatures):
    """Run one move for each temperature, changing order, rank, time, event and values in place; return how many were accepted.

    Parameters
    ----------
    order, rank : ndarray of int (patient,)
        Pseudo-patients by time, and the place of each.
    time, event, values : ndarray
        The state, and the statistics it has.
    places, layout, member, lifetimes : Places, Layout, Membership, Lifetimes
    chances : ndarray (move, CHANCES)
        Uniform numbers.
    normals : ndarray (move, 2)
    temperatures : ndarray (move,)
    """
    size = order.size
    tried = values.copy()
    current = misfit(values, layout, False)
    accepted = 0
    for m in range(temperatures.size):
        chance = chances[m]
        p, q = int(chance[1] * size), -1
        time_p, event_p, time_q, event_q = time[p], event[p], 0.0, 0
        gain = 0.0
        if chance[0] < SWAP:
            if chance[2] < 0.5:
                stratum = places.stratum[p]
                q = places.first[stratum] + int(
                    chance[3] * (places.first[stratum + 1] - places.first[stratum])
                )
            else:
                place = rank[p] + int(chance[3] * (2 * NEIGHBOURS + 1)) - NEIGHBOURS
                if not 0 <= place < size:
                    continue
                q = order[place]
            if q == p or places.stratum[q] != places.stratum[p]:
                continue
            time_p, event_p, time_q, event_q = time[q], event[q], time[p], event[p]
        elif chance[0] < SHIFT:
            if chance[4] < ANYWHERE:
                time_p = chance[2] * lifetimes.longest
            else:
                reach = chance[3] * chance[3]
                factor = math.exp(reach * (2.0 * chance[2] - 1.0))
                time_p = time[p] * factor
                gain = math.log(factor)
        elif chance[0] < EXCHANGE:
            q = int(chance[2] * size)
            if event[p] == event[q] or places.kind[p] != places.kind[q]:
                continue
            time_q, event_p, event_q = time[q], event[q], event[p]
        else:
            time_p, event_p = draw_lifetime(p, chance[2], chance[3], chance[4], normals[m, 0], lifetimes)
            if time_p == 0.0:
                continue
            if event_p != event[p] and places.kind[p] >= 0:
                q = int(chance[5] * size)
                if places.kind[q] != places.kind[p] or event[q] == event[p]:
                    continue
                time_q, event_q = draw_lifetime(q, chance[6], chance[8], chance[9], normals[m, 1], lifetimes)
                if time_q == 0.0 or event_q == event[q]:
                    continue
        if chance[0] < EXCHANGE:
            gain += log_density(p, time_p, event_p, lifetimes) - log_density(p, time[p], event[p], lifetimes)
            if q >= 0:
                gain += log_density(q, time_q, event_q, lifetimes) - log_density(
                    q, time[q], event[q], lifetimes
                )
        limit = current + temperatures[m] * (gain - math.log(chance[7] + 1e-300))
        if not limit > 0.0:
            continue
        old_time_p, old_event_p = time[p], event[p]
        old_time_q, old_event_q = (time[q], event[q]) if q >= 0 else (0.0, event[p])
        _change(order, rank, time, event, p, q, time_p, event_p, time_q, event_q)
        with_cox = places.in_cox[p] == 1 or (q >= 0 and places.in_cox[q] == 1)
        tried[:] = values
        read_curves(order, time, event, layout, member, tried)
        # the curves alone refuse most moves, and are cheaper than the Cox rows
        new = misfit(tried, layout, True)
        if new < limit:
            if with_cox:
                read_cox_rows(order, event, layout, member, tried)
            new = misfit(tried, layout, False)
        if new < limit:
            values[:] = tried
            current = new
            accepted += 1
        else:
            _change(order, rank, time, event, p, q, old_time_p, old_event_p, old_time_q, old_event_q)
    return accepted
