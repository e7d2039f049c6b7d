"""A published Cox fit in one pass over the pseudo-patients, compiled: its ratios, their errors and Wald statistics.

The score and the information of the partial likelihood (https://doi.org/10.1111/j.2517-6161.1972.tb00899.x) are taken at the
printed log hazard ratios, and the estimate is one Newton step from there: exact where print is met, close near it.
"""

import math

import numba
import numpy as np

# of a log hazard ratio: beyond it one step goes astray and is shortened, but remains monotone
LONGEST_STEP = 1.0


@numba.njit(cache=True)
def invert(matrix, inverse):
    """Put the inverse of a small positive definite matrix in place; False if there is none."""
    size = matrix.shape[0]
    for i in range(size):
        for j in range(size):
            inverse[i, j] = 1.0 if i == j else 0.0
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
def shortened(step):
    """Return a Newton step that grows as its logarithm beyond LONGEST_STEP.

    A step that is cut off has no slope: a chain that is far from print would not find the way back.
    """
    if abs(step) <= LONGEST_STEP:
        return step
    return math.copysign(LONGEST_STEP * (1.0 + math.log(abs(step) / LONGEST_STEP)), step)


@numba.njit(cache=True)
def read_fit(role, weights, terms, log_ratio, risk, risk_term, risk_square, order, event, step, error):
    """Put the step of every log hazard ratio and its standard error in place, and return the overall Wald statistic.

    Parameters
    ----------
    role : ndarray of int (patient,)
        0 for those outside the fit.
    weights : ndarray of float (patient,)
        Relative hazards at the printed log hazard ratios.
    terms : ndarray of float (term, patient)
    log_ratio : ndarray of float (term,)
        Printed.
    risk : float
        Sum of all weights.
    risk_term, risk_square : ndarray of float
        Of those with a term, and with a term and another; both are used up.
    order : ndarray of int (patient,)
        By increasing time.
    event : ndarray (patient,)
        1 for a death.
    step, error : ndarray of float (term,)
    """
    size = log_ratio.size
    score, information, inverse = np.zeros(size), np.zeros((size, size)), np.empty((size, size))
    if size == 1:
        # most fits have one term, and numbers are faster than arrays
        score[0], information[0, 0] = _one_term(role, weights, terms[0], risk, risk_term[0], order, event)
    else:
        _terms(role, weights, terms, risk, risk_term, risk_square, order, event, score, information)
    overall = 0.0
    for j in range(size):
        step[j], error[j] = 0.0, 1.0
        for k in range(size):
            risk_square[j, k] = information[j, k]
    if not invert(risk_square, inverse):
        return overall
    for j in range(size):
        total = 0.0
        for k in range(size):
            total += inverse[j, k] * score[k]
        step[j] = shortened(total)
        error[j] = math.sqrt(inverse[j, j])
    for j in range(size):
        for k in range(size):
            overall += (log_ratio[j] + step[j]) * information[j, k] * (log_ratio[k] + step[k])
    return overall


@numba.njit(cache=True)
def _one_term(role, weights, term, risk, risk_term, order, event):
    """Return score and information of a fit with one term."""
    score, information = 0.0, 0.0
    for s in range(order.size):
        p = order[s]
        if not role[p]:
            continue
        if event[p]:
            share = risk_term * (1.0 / risk)
            score += term[p] - share
            information += share * (1.0 - share)
        risk -= weights[p]
        risk_term -= weights[p] * term[p]
    return score, information


@numba.njit(cache=True)
def _terms(role, weights, terms, risk, risk_term, risk_square, order, event, score, information):
    """Put score and information of a fit with any number of terms in place."""
    for s in range(order.size):
        p = order[s]
        if not role[p]:
            continue
        if event[p]:
            per_weight = 1.0 / risk
            for j in range(score.size):
                share = risk_term[j] * per_weight
                score[j] += terms[j, p] - share
                for k in range(j + 1):
                    information[j, k] += risk_square[j, k] * per_weight - share * (risk_term[k] * per_weight)
        risk -= weights[p]
        for j in range(score.size):
            if terms[j, p] > 0.0:
                risk_term[j] -= weights[p]
                for k in range(j + 1):
                    risk_square[j, k] -= weights[p] * terms[k, p]
    for j in range(score.size):
        for k in range(j):
            information[k, j] = information[j, k]
