"""Every published statistic of a cohort, and how far all are from print, compiled."""

import math

import numba
import numpy as np

from data.published.reconstruction.arrays import (
    AT_RISK,
    EVENTS,
    HAZARD_RATIO,
    LOG_RATIO_ERROR,
    MEDIAN_ERROR,
    SURVIVAL,
    WALD,
    Layout,
)
from data.published.reconstruction.cox_rows import read_fit

ABOVE, BELOW = 0.55, 0.45  # of the curve: where SPSS takes its slope for the standard error of a median


@numba.njit(cache=True)
def read_curve(role, at_risk, censoring, order, time, event, checkpoints, passed):
    """Put survival and counts at checkpoints in place, and return the median and its error; both are bounded where not reached.

    The estimator is that of Kaplan and Meier (https://doi.org/10.1080/01621459.1958.10501452); reversed, with censoring as the
    event, it gives the follow-up. Times are continuous, so that no ties are to be broken.

    Parameters
    ----------
    role : ndarray of int (patient,)
        0 for those outside the group.
    at_risk : int
        Size of the group.
    censoring : int
        1: censoring is the event.
    order : ndarray of int (patient,)
        By increasing time.
    time, event : ndarray (patient,)
        Times above 0; 1 for a death.
    checkpoints : ndarray of float (checkpoint,)
        Increasing times.
    passed : ndarray of float (3, checkpoint)
        Survival there, how many have a later time, and how many had the event by then.
    """
    reached, events = 0, 0
    survival, greenwood = 1.0, 0.0
    median, median_survival, median_greenwood = math.inf, 1.0, 0.0
    above_time, above, below_time, below = 0.0, 1.0, math.inf, 0.0
    for s in range(order.size):
        p = order[s]
        if not role[p]:
            continue
        now = time[p]
        while reached < checkpoints.size and checkpoints[reached] < now:
            passed[0, reached], passed[1, reached], passed[2, reached] = survival, at_risk, events
            reached += 1
        if event[p] != censoring:
            events += 1
            survival *= (at_risk - 1.0) / at_risk
            if at_risk > 1:
                greenwood += 1.0 / (at_risk * (at_risk - 1.0))
            if survival >= ABOVE:
                above_time, above = now, survival
            elif below_time == math.inf:
                if median == math.inf and survival <= 0.5 + 1e-12:
                    median, median_survival, median_greenwood = now, survival, greenwood
                if survival <= BELOW:
                    below_time, below = now, survival
            elif reached == checkpoints.size:
                break  # nothing later is read
        at_risk -= 1
    while reached < checkpoints.size:
        passed[0, reached], passed[1, reached], passed[2, reached] = survival, at_risk, events
        reached += 1
    error = end_time = time[order[order.size - 1]]
    if below_time < math.inf and above_time > 0:
        slope = (above - below) / (below_time - above_time)
        error = median_survival * math.sqrt(median_greenwood) / slope
    return min(median, 2.0 * end_time), error


@numba.njit(cache=True)
def read_test(role, one, other, order, event):
    """Return the log-rank deviate of two groups, of these sizes; their members have roles 1 and 2."""
    excess, variance = 0.0, 0.0
    for s in range(order.size):
        p = order[s]
        side = role[p]
        if side == 1:
            if event[p]:
                share = one / (one + other)
                excess += 1.0 - share
                variance += share * (1.0 - share)
            one -= 1
        elif side == 2:
            if event[p]:
                share = other / (other + one)
                excess -= 1.0 - share
                variance += share * (1.0 - share)
            other -= 1
    return abs(excess) / math.sqrt(max(variance, 1e-9))


@numba.njit(cache=True)
def read_part(part, order, time, event, layout, member, values):
    """Put the value of every target of a part in `values`, and leave the rest.

    What is called takes plain arrays only: every tuple of arrays that a compiled function takes costs time to compile.

    Parameters
    ----------
    part : int
    order : ndarray of int (patient,)
        By increasing time.
    time, event : ndarray (patient,)
        Times above 0; 1 for a death.
    layout, member : Layout, Membership
    values : ndarray of float (target,)
    """
    f, role = part - layout.reverse.size - layout.pairs.shape[0], member.roles[part]
    start, end, found = 0, 0, 0.0
    if f >= 0:
        start, end = layout.fit_first[f], layout.fit_first[f + 1]
    elif part < layout.reverse.size:
        start, end = layout.checkpoint_first[part], layout.checkpoint_first[part + 1]
    passed, second = np.empty((3, end - start)), np.empty(max(end - start, 1))
    first = passed[0]
    if part < layout.reverse.size:
        found, second[0] = read_curve(
            role, member.sizes[part], layout.reverse[part], order, time, event, layout.checkpoints[start:end], passed,
        )  # fmt: skip
    elif f < 0:
        one, other = layout.pairs[part - layout.reverse.size]
        found = read_test(role, member.sizes[one], member.sizes[other], order, event)
    else:
        found = read_fit(
            role, member.weights[f], member.terms[start:end], layout.log_ratio[start:end], member.risk[f],
            member.risk_term[start:end].copy(), member.risk_square[start:end].copy(), order, event, first, second,
        )  # fmt: skip
    for place in range(layout.part_first[part], layout.part_first[part + 1]):
        target = layout.part_targets[place]
        kind, i = layout.kind[target], layout.index[target]
        if kind == SURVIVAL:
            # the ordinate nearest to print of those that the curve takes while the time is not told apart
            highest, lowest = first[layout.at[target]], first[layout.until[target]]
            values[target] = min(max(layout.aim[target], lowest), highest)
        elif kind == AT_RISK:
            values[target] = passed[1, layout.at[target]]
        elif kind == EVENTS:
            values[target] = passed[2, layout.at[target]]
        elif kind == MEDIAN_ERROR:
            values[target] = second[0]
        elif kind == HAZARD_RATIO:
            values[target] = math.exp(layout.log_ratio[i] + first[i - start])
        elif kind == LOG_RATIO_ERROR:
            values[target] = second[i - start]
        elif kind == WALD:
            # signed by the printed ratio: a ratio on the other side of 1 is no nearer for being as far from 1
            values[target] = math.copysign(1.0, layout.log_ratio[i]) * (
                (layout.log_ratio[i] + first[i - start]) / second[i - start]
            )
        else:
            values[target] = found


def evaluate(order, time, event, layout, member, values):
    """Put the value of every target in `values`; not compiled, for it is called seldom and would take a second to."""
    for part in range(layout.part_first.size - 1):
        read_part(part, order, time, event, layout, member, values)


@numba.njit(cache=True)
def penalty(value, aim, width, flat, bound):
    """Half the squared deviation of a value from print in units of the rounding; 0 within `flat` of it, or beyond a bound."""
    deviation = value - aim
    if bound and deviation > 0:
        return 0.0
    deviation = max(abs(deviation) - flat, 0.0) / width
    return 0.5 * deviation * deviation


@numba.njit(cache=True)
def sum_of(penalties):
    """Their sum, in their order: with some of them put to 0 it is never larger, whatever the rounding."""
    total = 0.0
    for target in range(penalties.size):
        total += penalties[target]
    return total


def penalties(values: np.ndarray, layout: Layout) -> np.ndarray:
    """The penalty of every target (target,); not compiled."""
    deviation = values - layout.aim
    off = np.maximum(np.abs(deviation) - layout.flat, 0.0) / layout.width
    return np.where((layout.bound != 0) & (deviation > 0), 0.0, 0.5 * off * off)


def misfit(values: np.ndarray, layout: Layout) -> float:
    """Half the sum of squared deviations from print in units of the rounding, summed in the order of the targets."""
    return float(np.cumsum(penalties(values, layout))[-1])
