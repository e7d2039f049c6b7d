"""Every published statistic of a cohort in one pass over its pseudo-patients, compiled.

Kaplan-Meier curves (https://doi.org/10.1080/01621459.1958.10501452), log-rank tests and Cox rows of all groups are read in
the order of time. A Cox log hazard ratio is one Newton step from the printed one: exact where it is met, and close enough
near it. Times are continuous, so that no ties are to be broken.
"""

from typing import NamedTuple

import numba
import numpy as np

SURVIVAL, MEDIAN, MEDIAN_ERROR, LOG_RANK, HAZARD_RATIO, LOG_RATIO_ERROR, WALD, OVERALL = range(8)
ABOVE, BELOW = 0.55, 0.45  # of the curve: where SPSS takes its slope for the standard error of a median


class Layout(NamedTuple):
    """What is computed; the same for every cohort of a study.

    Groups are sets of pseudo-patients with one curve each; terms are the columns of Cox fits, one fit after another.
    """

    reverse: np.ndarray  # (group,) 1: censoring is the event, which gives the follow-up
    pair: np.ndarray  # (group,) log-rank test that the group is part of, or -1
    partner: np.ndarray  # (group,) the other group of it
    first: np.ndarray  # (group,) 1 for the group whose deaths are counted
    checkpoints: np.ndarray  # (checkpoint,) increasing times
    fit_first: np.ndarray  # (fit + 1,) first term of each fit
    log_ratio: np.ndarray  # (term,) printed
    kind: np.ndarray  # (target,) one of the kinds above
    index: np.ndarray  # (target,) group, pair, term or fit
    at: np.ndarray  # (target,) checkpoint of a survival probability
    aim: np.ndarray  # (target,) printed value
    width: np.ndarray  # (target,) standard deviation of the rounding likelihood; infinite for none
    bound: np.ndarray  # (target,) 1 where the value must only be as large as the aim


class Membership(NamedTuple):
    """Which pseudo-patient counts where; one for each cohort."""

    group_first: np.ndarray  # (patient + 1,) first entry of each in `groups`
    groups: np.ndarray
    sizes: np.ndarray  # (group,)
    terms: np.ndarray  # (patient, term) 0 or 1
    weights: np.ndarray  # (patient, fit) relative hazard at the printed log hazard ratios
    in_fit: np.ndarray  # (patient, fit) 1 or 0


@numba.njit(cache=True)
def invert(matrix, inverse):
    """Put the inverse of a small positive definite matrix in place; False if there is none."""
    size = matrix.shape[0]
    inverse[:] = 0.0
    for i in range(size):
        inverse[i, i] = 1.0
    for i in range(size):
        pivot = matrix[i, i]
        if not pivot > 1e-9:
            return False
        for j in range(size):
            matrix[i, j] /= pivot
            inverse[i, j] /= pivot
        for k in range(size):
            if k != i:
                factor = matrix[k, i]
                for j in range(size):
                    matrix[k, j] -= factor * matrix[i, j]
                    inverse[k, j] -= factor * inverse[i, j]
    return True


@numba.njit(cache=True)
def evaluate(order, time, event, layout, member, with_cox, values):
    """Put the value of every target in `values`; those of Cox rows are left as they are unless `with_cox`.

    Parameters
    ----------
    order : ndarray of int (patient,)
        By increasing time.
    time, event : ndarray (patient,)
        Times above 0; 1 for a death.
    layout, member : Layout, Membership
    with_cox : bool
    values : ndarray of float (target,)
    """
    groups, checkpoints = layout.reverse.size, layout.checkpoints.size
    fits, terms = layout.fit_first.size - 1, layout.log_ratio.size
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
    largest = 0
    for f in range(fits):
        largest = max(largest, layout.fit_first[f + 1] - layout.fit_first[f])
    risk = np.zeros(fits)
    risk_term = np.zeros(terms)
    risk_square = np.zeros((terms, max(largest, 1)))
    score = np.zeros(terms)
    information = np.zeros((terms, max(largest, 1)))
    if with_cox:
        for p in range(order.size):
            for f in range(fits):
                if member.in_fit[p, f]:
                    w = member.weights[p, f]
                    risk[f] += w
                    start, end = layout.fit_first[f], layout.fit_first[f + 1]
                    for j in range(start, end):
                        if member.terms[p, j]:
                            risk_term[j] += w
                            for k in range(start, end):
                                risk_square[j, k - start] += w * member.terms[p, k]
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
        if with_cox:
            for f in range(fits):
                if not member.in_fit[p, f]:
                    continue
                start, end = layout.fit_first[f], layout.fit_first[f + 1]
                w = member.weights[p, f]
                if died:
                    for j in range(start, end):
                        share = risk_term[j] / risk[f]
                        score[j] += member.terms[p, j] - share
                        for k in range(start, end):
                            information[j, k - start] += (risk_square[j, k - start] - share * risk_term[k]) / risk[f]
                risk[f] -= w
                for j in range(start, end):
                    if member.terms[p, j]:
                        risk_term[j] -= w
                        for k in range(start, end):
                            risk_square[j, k - start] -= w * member.terms[p, k]
    while reached < checkpoints:
        passed[reached] = survival
        reached += 1
    end_time = time[order[order.size - 1]]
    step = np.zeros(terms)
    error = np.ones(terms)
    overall = np.zeros(fits)
    if with_cox:
        for f in range(fits):
            start, size = layout.fit_first[f], layout.fit_first[f + 1] - layout.fit_first[f]
            square = information[start : start + size, :size].copy()
            inverse = np.empty((size, size))
            if not invert(square, inverse):
                continue
            for j in range(size):
                total = 0.0
                for k in range(size):
                    total += inverse[j, k] * score[start + k]
                step[start + j] = min(max(total, -1.0), 1.0)
                error[start + j] = np.sqrt(inverse[j, j])
            for j in range(size):
                for k in range(size):
                    overall[f] += (
                        (layout.log_ratio[start + j] + step[start + j])
                        * information[start + j, k]
                        * (layout.log_ratio[start + k] + step[start + k])
                    )
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
        elif with_cox:
            if kind == HAZARD_RATIO:
                values[target] = np.exp(layout.log_ratio[i] + step[i])
            elif kind == LOG_RATIO_ERROR:
                values[target] = error[i]
            elif kind == WALD:
                values[target] = np.abs(layout.log_ratio[i] + step[i]) / error[i]
            else:
                values[target] = overall[i]


@numba.njit(cache=True)
def misfit(values, layout):
    """Half the sum of squared deviations from what is printed, in units of the rounding."""
    total = 0.0
    for k in range(values.size):
        deviation = (values[k] - layout.aim[k]) / layout.width[k]
        if not (layout.bound[k] and deviation > 0):
            total += 0.5 * deviation * deviation
    return total
