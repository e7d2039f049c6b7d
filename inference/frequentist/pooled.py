"""Frequentist summaries of several cohorts: means over pseudo-patients', and by Rubin's rules over imputations."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from inference.frequentist.limits import NORMAL_975
from inference.frequentist.rubin import pool
from inference.frequentist.survival import KaplanMeier, first_time_at_or_below

NUMBERS = ["estimate", "lower", "upper", "p"]


def pooled_comparators(tables: Sequence[pd.DataFrame], imputed: bool = False) -> pd.DataFrame:
    """Return one table from those of several cohorts; a single one comes back as it is.

    Parameters
    ----------
    tables : sequence of DataFrame
        From `comparators`, of cohorts that share horizon, times and terms.
    imputed : bool
        Whether the cohorts are imputations of one: hazard ratios then have intervals that know the variance between them.

    Returns
    -------
    DataFrame
        Means of estimates, ends of intervals and P values; a number that any cohort does not determine is NaN.
        ``method`` says over how many cohorts.
    """
    first = tables[0]
    if len(tables) == 1:
        return first
    said = f"; mean over {len(tables)} {'imputations' if imputed else 'cohorts of pseudo-patients'}"
    numbers = sum(table[NUMBERS].astype(float) for table in tables) / len(tables)
    pooled = first.assign(**{name: numbers[name] for name in NUMBERS}, method=first["method"] + said)
    ratios = (first["statistic"] == "hazard_ratio") & numbers[["estimate", "lower", "upper"]].gt(0).all(
        axis=1
    )
    if imputed and ratios.any():
        pooled.loc[ratios, NUMBERS] = _by_rubins_rules([table.loc[ratios, NUMBERS] for table in tables])
    return pooled


def _by_rubins_rules(tables: Sequence[pd.DataFrame]) -> np.ndarray:
    """Return ratios, 95 % limits and P values pooled on the log scale."""
    logs = np.log(np.stack([table[["estimate", "lower", "upper"]].to_numpy(float) for table in tables]))
    within = ((logs[:, :, 2] - logs[:, :, 1]) / (2 * NORMAL_975)) ** 2
    pooled = pool(logs[:, :, 0], within)
    ratios = np.exp([pooled.estimate, pooled.lower, pooled.upper])
    return np.column_stack([*ratios, 2 * norm.sf(np.abs(pooled.estimate) / pooled.error)])


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
