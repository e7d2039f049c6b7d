"""A Markov chain over cohorts: Metropolis moves on times and events under the rounding likelihood and the generative model.

At a high temperature the chain follows the generative model, at temperature 1 it samples cohorts that have the
printed statistics, with all that is not printed as the model says (https://doi.org/10.1063/1.1699114).
"""

import math
from typing import NamedTuple

import numba
import numpy as np

from data.published.reconstruction.density import END_WIDTH, draw_lifetime, log_density
from data.published.reconstruction.exchange import (
    exchange_covariate,
    exchange_membership,
    is_possible,
    latent_gain,
    relative_hazard,
)
from data.published.reconstruction.statistics import penalty, read_part, sum_of

CHANCES = 10  # uniform numbers that a move takes
ANYWHERE = 0.4  # share of the shifts that go to any time: how losses early on come and go
NEIGHBOURS = 24  # how far in rank a swap with a neighbour reaches


class Moves(NamedTuple):
    """Shares of the moves, cumulated, and how far they go."""

    covariate: float  # exchange a covariate between two of a stratum
    swap: float  # exchange time and event between two of a stratum
    shift: float  # move a time
    exchange: float  # let another one die
    flip: float  # turn a death into a loss, or back
    leave: float  # move a loss to the figure's end, or back; the rest draws time and event anew
    near: int  # power of a uniform number that a shift reaches: the larger, the nearer most of them


SUMMARIES = Moves(0.2, 0.55, 0.8, 0.9, 0.9, 0.9, 2)  # where a publication prints numbers only
# with a curve, which stays as it is where two change places, and of which a shift must not leave its pixel
CURVES = Moves(0.4, 0.72, 0.88, 0.93, 0.97, 0.99, 6)
UNRELATED = Moves(0.0, 0.0, 0.65, 0.75, 0.85, 0.95, 6)  # with a curve, and without covariates


class Places(NamedTuple):
    """Who may change places with whom."""

    stratum: np.ndarray  # (patient,)
    first: np.ndarray  # (stratum + 1,) first pseudo-patient of each; they are listed by stratum
    kind: np.ndarray  # (patient,) class within which the number of deaths is held, or -1


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
def _concerned(p, q, swapped, ended, curves, roles, fit_first, terms, parts):
    """Put the parts that a move of p and q (if not -1) may change in place, and return how many there are.

    Two who swap both time and event change only where they count unlike each other. Curves also read the last time
    of all, and `ended` says that it is another now.
    """
    count, first_fit = 0, parts.size - fit_first.size + 1
    for part in range(parts.size):
        role, other = roles[part, p], roles[part, q] if q >= 0 else 0
        unlike = role != other if swapped else role or other
        if swapped and part >= first_fit and role and other:
            for term in range(fit_first[part - first_fit], fit_first[part - first_fit + 1]):
                unlike = unlike or terms[term, p] != terms[term, q]
        if unlike or (ended and part < curves):
            parts[count] = part
            count += 1
    return count


@numba.njit(cache=True)
def run(
    order, rank, time, event, values, places, moves, layout, member, lifetimes, covariates, chances, normals,
    temperatures,
):  # fmt: skip
    """Run one move for each temperature, changing the cohort in place; return how many were accepted.

    Changed are order, rank, time, event and values, and of covariates, member and lifetimes what follows the levels.

    Parameters
    ----------
    order, rank : ndarray of int (patient,)
        Pseudo-patients by time, and the place of each.
    time, event, values : ndarray
        The state, and the statistics it has.
    places, moves, layout, member, lifetimes, covariates : Places, Moves, Layout, Membership, Lifetimes, Covariates
    chances : ndarray (move, CHANCES)
        Uniform numbers.
    normals : ndarray (move, 2)
    temperatures : ndarray (move,)
    """
    size = order.size
    tried, penalties = values.copy(), np.empty(values.size)
    parts = np.empty(layout.part_first.size - 1, np.int64)
    for target in range(values.size):
        penalties[target] = penalty(
            values[target],
            layout.aim[target],
            layout.width[target],
            layout.flat[target],
            layout.bound[target],
        )
    tried_penalties = penalties.copy()
    current = sum_of(penalties)
    accepted = 0
    for m in range(temperatures.size):
        chance = chances[m]
        p, q, column = int(chance[1] * size), -1, -1
        time_p, event_p, time_q, event_q = time[p], event[p], 0.0, 0
        gain = 0.0
        if chance[0] < moves.swap:
            if chance[0] < moves.covariate or chance[2] < 0.5:
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
            if chance[0] < moves.covariate:
                column = int(chance[4] * covariates.levels.shape[1])
            else:
                time_p, event_p, time_q, event_q = time[q], event[q], time[p], event[p]
        elif chance[0] < moves.shift:
            if chance[4] < ANYWHERE:
                # evenly in the root of time, for a loss early on moves a curve by little, and one at the start by least
                time_p = chance[2] * chance[2] * lifetimes.longest
                gain = 0.5 * math.log(time_p / time[p] + 1e-300)
            else:
                reach = chance[3] * chance[3] if moves.near == 2 else chance[3] ** moves.near
                factor = math.exp(reach * (2.0 * chance[2] - 1.0))
                time_p = time[p] * factor
                gain = math.log(factor)
        elif chance[0] < moves.exchange:
            q = int(chance[2] * size)
            if moves.near > 2 and chance[4] < 0.5:
                place = rank[p] + int(chance[3] * (2 * NEIGHBOURS + 1)) - NEIGHBOURS
                if not 0 <= place < size:
                    continue
                q = order[place]
            if event[p] == event[q] or places.kind[p] != places.kind[q]:
                continue
            time_q, event_p, event_q = time[q], event[q], event[p]
        elif chance[0] < moves.flip:
            if places.kind[p] >= 0:
                continue
            event_p = 1 - event[p]
        elif chance[0] < moves.leave:
            end = lifetimes.end[lifetimes.stratum[p]]
            if event[p] or end == math.inf:
                continue
            if time[p] >= end:
                time_p, gain = chance[2] * end, -math.log(END_WIDTH)
            else:
                time_p, gain = end * (1.0 + END_WIDTH * chance[2]), math.log(END_WIDTH)
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
        old_relative_p, old_relative_q = lifetimes.relative[p], lifetimes.relative[q]
        if column >= 0:
            gain = _exchanged(p, q, column, time, event, lifetimes, covariates)
        elif chance[0] < moves.leave:
            gain += log_density(p, time_p, event_p, lifetimes) - log_density(p, time[p], event[p], lifetimes)
            if q >= 0:
                gain += log_density(q, time_q, event_q, lifetimes) - log_density(
                    q, time[q], event[q], lifetimes
                )
        limit = current + temperatures[m] * (gain - math.log(chance[7] + 1e-300))
        if not limit > 0.0:
            if column >= 0:
                exchange_covariate(p, q, column, covariates.levels, covariates.latent)
                lifetimes.relative[p], lifetimes.relative[q] = old_relative_p, old_relative_q
            continue
        old_time_p, old_event_p = time[p], event[p]
        old_time_q, old_event_q = (time[q], event[q]) if q >= 0 else (0.0, event[p])
        if column >= 0:
            count = exchange_membership(
                p, q, column, member.roles, layout.part_column, layout.fit_first, layout.term_column, member.terms,
                layout.log_ratio, member.weights, member.risk, member.risk_term, member.risk_square, parts,
            )  # fmt: skip
        else:
            swapped, end_time = chance[0] < moves.swap and time_p != time_q, time[order[size - 1]]
            _change(order, rank, time, event, p, q, time_p, event_p, time_q, event_q)
            ended = time[order[size - 1]] != end_time
            count = _concerned(
                p, q, swapped, ended, layout.reverse.size, member.roles, layout.fit_first, member.terms, parts
            )
        for n in range(count):
            for place in range(layout.part_first[parts[n]], layout.part_first[parts[n] + 1]):
                tried_penalties[layout.part_targets[place]] = 0.0
        # a few parts refuse most moves: the misfit can only grow with the others
        new = sum_of(tried_penalties)
        for n in range(count):
            if not new < limit:
                break
            read_part(parts[n], order, time, event, layout, member, tried)
            for place in range(layout.part_first[parts[n]], layout.part_first[parts[n] + 1]):
                target = layout.part_targets[place]
                tried_penalties[target] = penalty(
                    tried[target], layout.aim[target], layout.width[target], layout.flat[target],
                    layout.bound[target],
                )  # fmt: skip
            new = sum_of(tried_penalties)
        for n in range(count):
            for place in range(layout.part_first[parts[n]], layout.part_first[parts[n] + 1]):
                target = layout.part_targets[place]
                if new < limit:
                    values[target], penalties[target] = tried[target], tried_penalties[target]
                else:
                    tried_penalties[target] = penalties[target]
        if new < limit:
            current = new
            accepted += 1
        elif column >= 0:
            exchange_covariate(p, q, column, covariates.levels, covariates.latent)
            lifetimes.relative[p], lifetimes.relative[q] = old_relative_p, old_relative_q
            exchange_membership(
                p, q, column, member.roles, layout.part_column, layout.fit_first, layout.term_column, member.terms,
                layout.log_ratio, member.weights, member.risk, member.risk_term, member.risk_square, parts,
            )  # fmt: skip
        else:
            _change(order, rank, time, event, p, q, old_time_p, old_event_p, old_time_q, old_event_q)
    return accepted


@numba.njit(cache=True)
def _exchanged(p, q, column, time, event, lifetimes, covariates):
    """Exchange a covariate of p and q, with their relative hazards, and return the change of the log density.

    It is minus infinity where a constraint of the study is broken.
    """
    gain = latent_gain(p, q, column, covariates.latent, covariates.precision)
    exchange_covariate(p, q, column, covariates.levels, covariates.latent)
    if covariates.levels[p, column] == covariates.levels[q, column]:
        return gain
    for one in (p, q):
        if not is_possible(one, covariates.levels, covariates.requires, covariates.sites):
            return -math.inf
    gain -= log_density(p, time[p], event[p], lifetimes) + log_density(q, time[q], event[q], lifetimes)
    for one in (p, q):
        lifetimes.relative[one] = relative_hazard(
            one, lifetimes.stratum[one], covariates.levels, lifetimes.effects, lifetimes.centre
        )
    return gain + log_density(p, time[p], event[p], lifetimes) + log_density(q, time[q], event[q], lifetimes)
