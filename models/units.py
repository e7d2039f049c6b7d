"""Units of time and of columns: what a prior is stated per, and the same prior in the units of a study."""

from dataclasses import replace

import numpy as np

from data.study.formulas import Design
from models.priors import Parameter, Prior

UNITS_PER_MONTH = {"months": 1.0, "days": 30.4375, "weeks": 30.4375 / 7, "years": 1.0 / 12.0}


def time_ratio(stated: str, wanted: str) -> float | None:
    """Return how many of one unit of time make one of another; None where one of them is not known.

    Examples
    --------
    >>> time_ratio("years", "months"), time_ratio("months", "cycles")
    (12.0, None)
    """
    if stated == wanted:
        return 1.0
    lengths = [UNITS_PER_MONTH.get(f"{unit.strip().lower().removesuffix('s')}s") for unit in (stated, wanted)]
    first, second = lengths
    return None if first is None or second is None else second / first


def in_time_unit(parameter: Parameter, prior: Prior, unit: str) -> Prior:
    """Return the prior of a parameter in another unit of time: as it is where it states none, or units are not known.

    A time is multiplied by the ratio of the units, from the log of a rate its log is taken off.
    """
    ratio = time_ratio(prior.time_unit, unit) if prior.time_unit and parameter.of_time else None
    if ratio is None:
        return prior
    family = prior.family
    arguments = (
        family.scaled(prior.arguments, ratio)
        if parameter.of_time == "time"
        else family.shifted(prior.arguments, -float(np.log(ratio)))
    )
    return replace(prior, arguments=arguments, time_unit=unit)


def median_survival(parameter: Parameter, prior: Prior) -> float:
    """Return the median survival at the median of the prior of a time or of the log of a rate, in its unit of time."""
    middle = float(prior.frozen.ppf(0.5))
    return middle if parameter.of_time == "time" else float(np.log(2.0) * np.exp(-middle))


def column_scales(design: Design) -> np.ndarray:
    """Return what a prior per standard deviation calls one, in units of each column (term,).

    Of a column of two values, such as the 0 and 1 of a level, their difference: presence against absence. Of every other the
    standard deviation over the cohort. Of a column that is left out, so that it does not vary, 1.
    """
    scales = design.values.std(axis=0)
    for place, column in enumerate(design.values.T):
        low, high = column.min(), column.max()
        near = 1e-9 * (high - low)
        if np.all((column - low <= near) | (high - column <= near)):
            scales[place] = high - low or 1.0
    return scales


def per_unit(prior: Prior, scale: float) -> Prior:
    """Return the prior of a coefficient for one unit of a column, from one for `scale` units of it."""
    if prior.per == "unit":
        return prior
    return replace(prior, arguments=prior.family.scaled(prior.arguments, 1.0 / scale), per="unit")
