"""Survival curves of all groups in one pass over the pseudo-patients, compiled: survival, medians, their errors, log-rank tests.

The estimator is that of Kaplan and Meier (https://doi.org/10.1080/01621459.1958.10501452); reversed, with censoring as the
event, it gives the follow-up. Times are continuous, so that no ties are to be broken.
"""

import numba
import numpy as np

from data.reconstruction.arrays import LOG_RANK, MEDIAN, MEDIAN_ERROR, SURVIVAL

ABOVE, BELOW = 0.55, 0.45  # of the curve: where SPSS takes its slope for the standard error of a median


@numba.njit(cache=True)
def read_curves(order, time, event, layout, member, values):
    """Put survival probabilities, medians, their errors and log-rank deviates in `values`, and leave the rest.

    Parameters
    ----------
    order : ndarray of int (patient,)
        By increasing time.
    time, event : ndarray (patient,)
        Times above 0; 1 for a death.
    layout, member : Layout, Membership
    values : ndarray of float (target,)
    """
    groups, checkpoints = layout.reverse.size, layout.checkpoints.size
    at_risk = member.sizes.copy()
    survival = np.ones(groups)
    greenwood = np.zeros(groups)
    passed = np.ones((checkpoints, groups))
    median = np.full(groups, np.inf)
    median_survival = np.ones(groups)
    median_greenwood = np.zeros(groups)
    above_time = np.zeros(groups)
    above = np.ones(groups)
    below_time = np.full(groups, np.inf)
    below = np.zeros(groups)
    excess = np.zeros(groups)
    variance = np.zeros(groups)
    reached = 0
    for s in range(order.size):
        p = order[s]
        now = time[p]
        died = event[p]
        while reached < checkpoints and layout.checkpoints[reached] < now:
            passed[reached] = survival
            reached += 1
        for m in range(member.group_first[p], member.group_first[p + 1]):
            g = member.groups[m]
            r = at_risk[g]
            if died != layout.reverse[g]:
                survival[g] *= (r - 1.0) / r
                if r > 1:
                    greenwood[g] += 1.0 / (r * (r - 1.0))
                current = survival[g]
                if current >= ABOVE:
                    above_time[g] = now
                    above[g] = current
                elif below_time[g] == np.inf:
                    if median[g] == np.inf and current <= 0.5 + 1e-12:
                        median[g] = now
                        median_survival[g] = current
                        median_greenwood[g] = greenwood[g]
                    if current <= BELOW:
                        below_time[g] = now
                        below[g] = current
                k = layout.pair[g]
                if k >= 0:
                    other = at_risk[layout.partner[g]]
                    share = r / (r + other)
                    if layout.first[g]:
                        excess[k] += 1.0 - share
                    else:
                        excess[k] -= 1.0 - share
                    variance[k] += share * (1.0 - share)
            at_risk[g] = r - 1
    while reached < checkpoints:
        passed[reached] = survival
        reached += 1
    end_time = time[order[order.size - 1]]
    for target in range(values.size):
        kind, i = layout.kind[target], layout.index[target]
        if kind == SURVIVAL:
            values[target] = passed[layout.at[target], i]
        elif kind == MEDIAN:
            values[target] = min(median[i], 2.0 * end_time)
        elif kind == MEDIAN_ERROR:
            if below_time[i] < np.inf and above_time[i] > 0:
                slope = (above[i] - below[i]) / (below_time[i] - above_time[i])
                values[target] = median_survival[i] * np.sqrt(median_greenwood[i]) / slope
            else:
                values[target] = end_time
        elif kind == LOG_RANK:
            values[target] = np.abs(excess[i]) / np.sqrt(max(variance[i], 1e-9))
