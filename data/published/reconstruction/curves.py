"""A survival curve, or a log-rank test, in one pass over the pseudo-patients, compiled: survival, counts, median and its error, deviate.

The estimator is that of Kaplan and Meier (https://doi.org/10.1080/01621459.1958.10501452); reversed, with censoring as the
event, it gives the follow-up. Times are continuous, so that no ties are to be broken.
"""

import math

import numba

ABOVE, BELOW = 0.55, 0.45  # of the curve: where SPSS takes its slope for the standard error of a median


@numba.njit(cache=True)
def read_curve(role, at_risk, censoring, order, time, event, checkpoints, passed):
    """Put survival and counts at checkpoints in place, and return the median and its error; both are bounded where not reached.

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
