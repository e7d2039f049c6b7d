"""Frequentist summaries of several cohorts of pseudo-patients: means over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from inference.frequentist.survival import KaplanMeier, first_time_at_or_below

NUMBERS = ["estimate", "lower", "upper", "p"]


def pooled_comparators(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return one table from those of several cohorts; a single one comes back as it is.

    Parameters
    ----------
    tables : sequence of DataFrame
        From `comparators`, of cohorts that share horizon, times and terms.

    Returns
    -------
    DataFrame
        Means of estimates, ends of intervals and P values; a number that any cohort does not determine is NaN.
        ``method`` says over how many cohorts.
    """
    first = tables[0]
    if len(tables) == 1:
        return first
    said = f"; mean over {len(tables)} cohorts of pseudo-patients"
    numbers = sum(table[NUMBERS].astype(float) for table in tables) / len(tables)
    return first.assign(**{name: numbers[name] for name in NUMBERS}, method=first["method"] + said)


def mean_curve(curves: Sequence[KaplanMeier]) -> KaplanMeier:
    """Return the mean of Kaplan-Meier curves at the same times; a single one comes back as it is.

    Its median is that of the mean curve, read off those times; its band is the mean of the bands.
    """
    first = curves[0]
    if len(curves) == 1:
        return first
    survival, lower, upper = (
        np.mean([getattr(curve, name) for curve in curves], axis=0) for name in ("survival", "lower", "upper")
    )
    return KaplanMeier(
        times=first.times,
        survival=survival,
        lower=lower,
        upper=upper,
        at_risk=np.round(np.mean([curve.at_risk for curve in curves], axis=0)).astype(np.int64),
        median=first_time_at_or_below(first.times, survival),
        median_lower=first_time_at_or_below(first.times, lower),
        median_upper=first_time_at_or_below(first.times, upper),
        follow_up=min(curve.follow_up for curve in curves),
        problem=first.problem,
    )
