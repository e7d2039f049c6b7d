"""A particle filter along a published curve: deaths and losses between its points, given the readings and the numbers at risk.

Along the curve, the number at risk and the Kaplan-Meier estimate are a Markov chain with whole steps: a reading is the
estimate with an error, and a column of the risk table is the number itself. A bootstrap filter
(https://doi.org/10.1049/ip-f-2.1993.0015) follows many cohorts side by side and gives one of them, so that which falls were
one death and which two, and where losses lie between columns, is drawn from what the figure leaves open.

The hazard of death is that of a discounted gamma-Poisson model, whose memory is a number of deaths: it may change with time
and does not inform the number at risk, because only their product is identified. Between columns any number of losses is
equally likely a priori.
"""

import math
from typing import NamedTuple

import numba
import numpy as np

PARTICLES = 600
REACH = 4.0  # standard deviations of a reading within which deaths are tried
# smallest and largest precision of the gamma process, in pseudo-patients of the arm
TOGETHER, APART = 0.1, 100.0
DRIFT = 0.05  # by which its log changes along the curve
OFF = 20.0  # log weight lost for each pseudo-patient that misses a printed count
MEMORY = 20.0  # deaths that the hazard is known from, at most
# Of 386 arms of 193 published curves (kmdata), follow-up is open for 8 % shortly before the figure's end in the middle arm, for 31 % in the upper quarter.
BEYOND, BEYOND_SD = 0.04, 2.0  # median and log sd of how far the last end of follow-up is beyond the figure's
ENDS_SD = 0.7  # log sd of the power of the share still followed: 1 where follow-up ends evenly, below it late, above it early
LOWEST = 1e-3  # share still followed at the end of the figure, of those who were not lost


class Grid(NamedTuple):
    """The gaps between points of a curve, as arrays."""

    time: np.ndarray  # (gap + 1,) their edges, from 0 to the end of the figure
    reading: np.ndarray  # (gap,) survival read at its end; nan where nothing was read
    hazard: np.ndarray  # (gap,) cumulative hazard between the readings around it, evenly
    marked: np.ndarray  # (gap,) share of the censor marks in it; 0 where no marks were read
    counted: np.ndarray  # (gap,) printed number at risk at its end, or -1
    events: np.ndarray  # (gap,) printed cumulative events at its end, or -1
    bridge: np.ndarray  # (gap,) printed number at risk at the next column, or -1 after the last
    share: np.ndarray  # (gap,) of the losses between the columns around it, by its length or the marks in it
    before: np.ndarray  # (gap,) the same of the gaps before it
    reached: np.ndarray  # (gap,) survival read at the next column
    known: np.ndarray  # (gap,) members of the arm at risk at its start whose times are known; all counts above are of the others
    known_died: np.ndarray  # (gap,) deaths among them


@numba.njit(cache=True)
def loss_hazard(time, followup):
    """Cumulative hazard of loss: some are lost evenly, and follow-up of the others ends between two times, early or late."""
    followed = min(max((followup[2] - time) / (followup[2] - followup[1]), LOWEST), 1.0)
    return followup[0] * time - followup[3] * math.log(followed)


@numba.njit(cache=True)
def draw_window(followup, after, end, draws):
    """Draw between which times follow-up ends, given that it does not before a time, and how early or late, in place."""
    followup[1] = after + draws.random() * (end - after)
    followup[2] = end * (1.0 + BEYOND * math.exp(BEYOND_SD * draws.standard_normal()))
    followup[3] = math.exp(ENDS_SD * draws.standard_normal())


@numba.njit(cache=True)
def draw_path(grid, size, error_sd, axis, axis_sd, followups, skew, apart, rate, draws):
    """Draw deaths and losses in every gap.

    Parameters
    ----------
    grid : Grid
    size : int
        Without the members whose times are known.
    error_sd : float
        Standard deviation of a reading.
    axis, axis_sd : ndarray of float (2,), float
        Mean and standard deviation of the errors of the axis at survival 0 and 1.
    followups : ndarray of float (particle, 4)
        Hazard at which pseudo-patients are lost evenly, first and last end of follow-up, power of the share followed between them; where there are censor marks, the first
        is the cumulative hazard of loss that all marks together mean.
    skew : float
        How early or late losses between two columns are: standard deviation of the log of a power of the share of time gone.
    apart : ndarray of float (particle,)
        Precision of the gamma process of deaths, in pseudo-patients: the smaller, the more of them die at the same time.
    rate : float
        Of deaths, at the start.
    draws : Generator

    Returns
    -------
    died, lost : ndarray of int (gap,)
    axis : ndarray of float (2,)
        The errors of the axis that go with them.
    followup : ndarray of float (4,)
    """
    gaps, count = grid.reading.size, followups.shape[0]
    marks = grid.marked.sum() > 0.0
    at_risk, events = np.full(count, size), np.zeros(count, np.int64)
    survival, weight = np.ones(count), np.zeros(count)
    known, exposed = np.ones(count), np.full(count, 1.0 / rate)
    lost_before = np.zeros(count, np.int64)  # since the last column
    power = np.ones(count)
    low = axis[0] + axis_sd * draws.standard_normal(count)
    high = axis[1] + axis_sd * draws.standard_normal(count)
    followups, apart = followups.copy(), apart.copy()
    died, lost = np.zeros((gaps, count), np.int32), np.zeros((gaps, count), np.int32)
    parent = np.zeros((gaps, count), np.int32)
    chosen = np.arange(count)
    for j in range(gaps):
        read, start, stop = grid.reading[j], grid.time[j], grid.time[j + 1]
        if grid.bridge[j] >= 0 and grid.before[j] == 0.0:
            lost_before[:] = 0
            for i in range(count):
                power[i] = math.exp(skew * draws.standard_normal())
        for i in range(count):
            n, d, c, others = at_risk[i], 0, 0, grid.known[j]
            exposure = n * (stop - start)
            if math.isnan(read):
                d = min(draws.poisson(n * grid.hazard[j]), n)
            else:
                goal = read + low[i] * (1.0 - read) + high[i] * read
                weight[i] += math.log(1.0 + high[i] - low[i])  # of the reading, not of what it means
                if n + others > 0 and survival[i] > 0.0:
                    d, gain = _deaths(
                        n, others, grid.known_died[j], survival[i], goal, exposure, known[i], exposed[i], apart[i], error_sd,
                        draws,
                    )  # fmt: skip
                    weight[i] += gain
                else:
                    weight[i] -= 0.5 * ((goal - survival[i]) / error_sd) ** 2
            if n + others > 0:
                survival[i] *= (n + others - d - grid.known_died[j]) / (n + others)
            n -= d
            events[i] += d
            known[i] += d
            exposed[i] += exposure
            if known[i] > MEMORY:
                exposed[i] *= MEMORY / known[i]
                known[i] = MEMORY
            if grid.bridge[j] >= 0:
                left = grid.reached[j] + low[i] * (1.0 - grid.reached[j]) + high[i] * grid.reached[j]
                c, gain = _losses(n, survival[i], left, j, grid, lost_before[i], power[i], draws)
                weight[i] += gain
                lost_before[i] += c
            if grid.bridge[j] < 0 and n > 0:
                if marks:
                    mass = followups[i, 0] * grid.marked[j]
                else:
                    mass = loss_hazard(stop, followups[i]) - loss_hazard(start, followups[i])
                c = draws.binomial(n, 1.0 - math.exp(-mass))
            if grid.events[j] >= 0:
                weight[i] -= OFF * abs(events[i] - grid.events[j])
            at_risk[i] = n - c
            died[j, i], lost[j, i], parent[j, i] = d, c, i
        if math.isnan(read) and grid.counted[j] < 0:
            continue
        share_of = np.exp(weight - weight.max())
        share_of /= share_of.sum()
        if 1.0 / (share_of * share_of).sum() < 0.5 * count:
            _resample(share_of, chosen, draws)
            parent[j] = chosen
            at_risk, events, survival = at_risk[chosen], events[chosen], survival[chosen]
            known, exposed = known[chosen], exposed[chosen]
            lost_before, power = lost_before[chosen], power[chosen]
            low, high, followups = low[chosen], high[chosen], followups[chosen]
            apart = apart[chosen] * np.exp(DRIFT * draws.standard_normal(count))
            for i in range(count):
                if followups[i, 1] > stop:  # what has not begun is as open as it was
                    draw_window(followups[i], stop, grid.time[gaps], draws)
            weight[:] = 0.0
    share_of = np.exp(weight - weight.max())
    i = min(np.searchsorted(np.cumsum(share_of), draws.random() * share_of.sum()), count - 1)
    found, followup = np.array([low[i], high[i]]), followups[i].copy()
    deaths, losses = np.zeros(gaps, np.int64), np.zeros(gaps, np.int64)
    for back in range(gaps):
        j = gaps - 1 - back
        i = parent[j, i]
        deaths[j], losses[j] = died[j, i], lost[j, i]
    return deaths, losses, found, followup


@numba.njit(cache=True)
def _resample(share, chosen, draws):
    """Put the particles that go on in place, each as often as its share (systematic resampling)."""
    step, total, i = draws.random(), share[0], 0
    for k in range(chosen.size):
        while (k + step) / chosen.size > total and i < chosen.size - 1:
            i += 1
            total += share[i]
        chosen[k] = i


@numba.njit(cache=True)
def _losses(n, survival, left, j, grid, before, power, draws):
    """Draw the losses in a gap before the next column, and return them with their log weight.

    A priori any number of losses between two columns is equally likely, and each is in a gap with the gap's share. Proposed
    are as many as come with the deaths that are expected until the column, if these and losses compete at proportional hazards.
    """
    spare, passed = n - grid.bridge[j], grid.before[j] ** power
    share = min(grid.before[j] + grid.share[j], 1.0) ** power - passed
    if spare < 0:
        return 0, OFF * spare
    c, gain = spare, 0.0
    if grid.counted[j] < 0 and spare > 0:
        hazard = -math.log(min(max(left / survival, 1e-3), 1.0)) if survival > 0.0 else 0.0
        deaths = min(hazard / math.log((n + 0.5) / (grid.bridge[j] + 0.5)), 1.0)
        chance = share / (1.0 - passed) * (1.0 - deaths)
        chance = min(max(chance, 1e-6), 1.0 - 1e-6)
        c = draws.binomial(spare, chance)
        gain = math.lgamma(spare - c + 1.0) - math.lgamma(spare + 1.0)
        gain -= c * math.log(chance) + (spare - c) * math.log1p(-chance)
    else:
        gain = -math.lgamma(c + 1.0)
    gain += math.lgamma(before + c + 1.0) - math.lgamma(before + 1.0) + c * math.log(share / (passed + share))
    return c, gain + (before * math.log(passed / (passed + share)) if before > 0 else 0.0)


@numba.njit(cache=True)
def _deaths(n, others, others_died, survival, goal, exposure, known, exposed, apart, error_sd, draws):
    """Draw the number of deaths given the reading, and return it with the log of the reading's predictive density.

    A negative binomial number: its mean is that of the hazard so far, its shape that of what is known of the hazard together with
    that of a gamma process, by which deaths come together.
    """
    total, steps = n + others, error_sd * (n + others) / survival
    wanted, reach = total * (1.0 - goal / survival) - others_died, REACH * steps
    if n == 0:
        return 0, -0.5 * (wanted / steps) ** 2
    first = min(max(math.ceil(wanted - reach), 0), n)
    last = max(min(math.floor(wanted + reach), n), first)
    mean = exposure * known / exposed
    shape = 1.0 / (1.0 / known + n / (apart * mean))
    share = math.log(mean / (shape + mean))
    constant = shape * math.log(shape / (shape + mean)) - math.lgamma(shape)
    top, weights, d = -math.inf, 0.0, first
    for one in range(first, last + 1):
        off = (one - wanted) / steps
        found = math.lgamma(shape + one) - math.lgamma(one + 1.0) + constant + one * share - 0.5 * off * off
        # the numbers are gone through once: each takes the place of that before it with its share of the sum so far
        if found > top:
            weights = weights * math.exp(top - found) + 1.0
            top = found
        else:
            weights += math.exp(found - top)
        if draws.random() * weights < math.exp(found - top):
            d = one
    return d, top + math.log(weights)
