"""Rows of published Cox tables in one pass over the pseudo-patients, compiled.

The score and the information of the partial likelihood (https://doi.org/10.1111/j.2517-6161.1972.tb00899.x) are taken at the
printed log hazard ratios, and the estimate is one Newton step from there: exact where print is met, close near it.
"""

import numba
import numpy as np

from data.reconstruction.arrays import HAZARD_RATIO, LOG_RATIO_ERROR, OVERALL, WALD

LONGEST_STEP = 1.0  # of a log hazard ratio: far from print, one step goes astray


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
def read_cox_rows(order, event, layout, member, values):
    """Put hazard ratios, their errors and Wald statistics of all Cox rows in `values`, and leave the rest.

    Parameters
    ----------
    order : ndarray of int (patient,)
        By increasing time.
    event : ndarray (patient,)
        1 for a death.
    layout, member : Layout, Membership
    values : ndarray of float (target,)
    """
    fits, terms = layout.fit_first.size - 1, layout.log_ratio.size
    risk, risk_term = member.risk.copy(), member.risk_term.copy()
    risk_square = member.risk_square.copy()
    score = np.zeros(terms)
    information = np.zeros(risk_square.shape)
    for p in order:
        died = event[p]
        for f in range(fits):
            if not member.in_fit[p, f]:
                continue
            start, end = layout.fit_first[f], layout.fit_first[f + 1]
            w = member.weights[p, f]
            if died:
                per_weight = 1.0 / risk[f]
                if end == start + 1:
                    share = risk_term[start] * per_weight
                    score[start] += member.terms[p, start] - share
                    information[start, 0] += share * (1.0 - share)
                else:
                    for j in range(start, end):
                        share = risk_term[j] * per_weight
                        score[j] += member.terms[p, j] - share
                        for k in range(start, end):
                            information[j, k - start] += risk_square[j, k - start] * per_weight - share * (
                                risk_term[k] * per_weight
                            )
            risk[f] -= w
            for j in range(start, end):
                if member.terms[p, j] > 0.0:
                    risk_term[j] -= w
                    if end > start + 1:
                        for k in range(start, end):
                            risk_square[j, k - start] -= w * member.terms[p, k]
    step = np.zeros(terms)
    error = np.ones(terms)
    overall = np.zeros(fits)
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
            step[start + j] = min(max(total, -LONGEST_STEP), LONGEST_STEP)
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
        if kind == HAZARD_RATIO:
            values[target] = np.exp(layout.log_ratio[i] + step[i])
        elif kind == LOG_RATIO_ERROR:
            values[target] = error[i]
        elif kind == WALD:
            values[target] = np.abs(layout.log_ratio[i] + step[i]) / error[i]
        elif kind == OVERALL:
            values[target] = overall[i]
