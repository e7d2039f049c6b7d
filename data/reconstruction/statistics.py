"""Every published statistic of a cohort, and how far all are from print, compiled."""

import numba

from data.reconstruction.arrays import HAZARD_RATIO
from data.reconstruction.cox_rows import read_cox_rows
from data.reconstruction.curves import read_curves


@numba.njit(cache=True)
def evaluate(order, time, event, layout, member, values):
    """Put the value of every target in `values`; the parameters are those of `read_curves`."""
    read_curves(order, time, event, layout, member, values)
    read_cox_rows(order, event, layout, member, values)


@numba.njit(cache=True)
def misfit(values, layout, curves_only):
    """Half the sum of squared deviations from print in units of the rounding, of all targets or those of curves alone."""
    total = 0.0
    for k in range(values.size):
        if curves_only and layout.kind[k] >= HAZARD_RATIO:
            continue
        deviation = (values[k] - layout.aim[k]) / layout.width[k]
        if not (layout.bound[k] and deviation > 0):
            total += 0.5 * deviation * deviation
    return total
