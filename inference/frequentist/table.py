"""The frequentist table of a cohort: everything a paper would print, one row a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from inference.frequentist.cox_model import CoxResult, cox
from inference.frequentist.log_rank import log_rank
from inference.frequentist.proportional_hazards import WHOLE_MODEL, proportional_hazards_test
from inference.frequentist.restricted_mean import RestrictedMean, rmst, rmst_difference
from inference.frequentist.survival import KaplanMeier, kaplan_meier, median_follow_up
from models.episodes import episodes_of

if TYPE_CHECKING:
    from data.study.cohort import Cohort

COLUMNS = ("statistic", "arm", "time", "estimate", "lower", "upper", "p", "method", "published")
TREATMENT = "treatment"
SPLIT_AT_START = "treatment split at its start"
"""In the method of the rows that count who is treated as untreated until treatment begins; all others compare ever with never."""

type Row = dict[str, str | float]


def comparators(cohort: Cohort, horizon: float, times: Sequence[float]) -> pd.DataFrame:
    """Return the frequentist analysis of a cohort.

    Parameters
    ----------
    cohort : Cohort
    horizon : float
        Of the restricted mean, in the cohort's time unit.
    times : sequence of float
        Of the survival probabilities.

    Returns
    -------
    DataFrame
        `COLUMNS`. ``arm`` is "treated", "control" or empty for both. Statistics: ``patients``, ``events``,
        ``median_follow_up``, ``survival``, ``median`` (inf: not reached), ``log_rank`` (chi-square),
        ``hazard_ratio`` (treated against control), ``hazard_ratio[term]``, ``proportional_hazards_test``
        (chi-square of the whole multivariable model), the same with ``[treatment]`` and ``[term]``, ``rmst``,
        ``rmst_difference``. Intervals are 95 %. A number that the cohort does not determine is NaN and
        ``method`` ends in "not estimable: why". ``published`` is NaN throughout; the caller fills it.
    """
    time, event, treatment, entry = cohort.time, cohort.event, cohort.treatment, cohort.entry
    arms = {"": np.ones(time.size, dtype=bool), "treated": treatment, "control": ~treatment}
    rows: list[Row] = []
    for arm, inside in arms.items():
        rows += [
            row_of("patients", arm, estimate=float(inside.sum()), method="count"),
            row_of("events", arm, estimate=float(event[inside].sum()), method="count"),
        ]
    for arm, inside in arms.items():
        follow_up = median_follow_up(time[inside], event[inside], entry[inside])
        rows.append(_median("median_follow_up", arm, follow_up, "reverse Kaplan-Meier"))
    means: dict[str, RestrictedMean] = {}
    for arm in ("treated", "control"):
        inside = arms[arm]
        curve = kaplan_meier(time[inside], event[inside], entry[inside], times=np.asarray(times, dtype=float))
        rows += _survival(arm, curve)
        rows.append(_median("median", arm, curve, "Kaplan-Meier, log-log interval"))
        means[arm] = rmst(time[inside], event[inside], horizon, entry[inside])

    statistic, p, problem = log_rank(time, event, treatment, entry)
    method = "log-rank test, chi-square"
    rows.append(row_of("log_rank", estimate=statistic, p=p, method=method, problem=problem))

    univariable = cox(time, event, treatment[:, None], [TREATMENT], entry)
    columns = np.column_stack([treatment, cohort.outcome.values])
    multivariable = cox(time, event, columns, [TREATMENT, *cohort.outcome.terms], entry)
    rows += _hazard_ratios(univariable, "Cox, univariable")
    rows += _hazard_ratios(multivariable, "Cox, multivariable (Efron)")
    if cohort.treatment_start is not None:
        rows += _split_at_start(cohort)
    rows += _proportional_hazards(multivariable)

    method = "area under Kaplan-Meier, Greenwood"
    for arm, mean in means.items():
        rows.append(_mean("rmst", arm, horizon, mean, method))
    difference = rmst_difference(means["treated"], means["control"])
    rows.append(_mean("rmst_difference", "", horizon, difference, f"{method}, treated minus control"))
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def row_of(
    statistic: str,
    arm: str = "",
    time: float = np.nan,
    estimate: float = np.nan,
    lower: float = np.nan,
    upper: float = np.nan,
    p: float = np.nan,
    method: str = "",
    problem: str = "",
) -> Row:
    """Return a row of the table; where there is a problem, `method` ends with it."""
    return {
        "statistic": statistic,
        "arm": arm,
        "time": time,
        "estimate": estimate,
        "lower": lower,
        "upper": upper,
        "p": p,
        "method": f"{method}; not estimable: {problem}" if problem else method,
        "published": np.nan,
    }


def _survival(arm: str, curve: KaplanMeier) -> list[Row]:
    rows = []
    bands = (band.tolist() for band in (curve.times, curve.survival, curve.lower, curve.upper))
    for time, estimate, lower, upper in zip(*bands, strict=True):
        problem = curve.problem
        if not problem and np.isnan(estimate):
            problem = f"beyond the last follow-up of the arm ({curve.follow_up:g})"
        method = "Kaplan-Meier, log-log interval"
        rows.append(row_of("survival", arm, time, estimate, lower, upper, method=method, problem=problem))
    return rows


def _median(statistic: str, arm: str, curve: KaplanMeier, method: str) -> Row:
    ends = curve.median_lower, curve.median_upper
    return row_of(statistic, arm, np.nan, curve.median, *ends, method=method, problem=curve.problem)


def _mean(statistic: str, arm: str, horizon: float, mean: RestrictedMean, method: str) -> Row:
    return row_of(
        statistic, arm, horizon, mean.estimate, mean.lower, mean.upper, mean.p, method, mean.problem
    )


def _hazard_ratios(result: CoxResult, method: str) -> list[Row]:
    rows = []
    for position, term in enumerate(result.table.to_dict("records")):
        name = "hazard_ratio" if position == 0 else f"hazard_ratio[{term['term']}]"
        ratio, lower, upper = (float(np.exp(term[one])) for one in ("coefficient", "lower", "upper"))
        rows.append(row_of(name, "", np.nan, ratio, lower, upper, term["p"], method, term["problem"]))
    return rows


def _split_at_start(cohort: Cohort) -> list[Row]:
    """Return Cox's hazard ratio with treatment as a time-dependent covariate: two episodes for who begins later."""
    episodes = episodes_of(cohort, time_split=True)
    times = (episodes.time, episodes.event)
    covariates = cohort.outcome.values[episodes.patient]
    alone = cox(*times, episodes.treated[:, None], [TREATMENT], episodes.entry)
    columns = np.column_stack([episodes.treated, covariates])
    adjusted = cox(*times, columns, [TREATMENT, *cohort.outcome.terms], episodes.entry)
    return [
        _hazard_ratios(alone, f"Cox, {SPLIT_AT_START}, univariable")[0],
        _hazard_ratios(adjusted, f"Cox, {SPLIT_AT_START}, multivariable (Efron)")[0],
    ]


def _proportional_hazards(result: CoxResult) -> list[Row]:
    rows = []
    for test in proportional_hazards_test(result).to_dict("records"):
        name = "" if test["term"] == WHOLE_MODEL else f"[{test['term']}]"
        method = f"Schoenfeld residuals of Cox, multivariable; chi-square on {test['degrees_of_freedom']} df"
        statistic = f"proportional_hazards_test{name}"
        rows.append(
            row_of(
                statistic, estimate=test["chi_square"], p=test["p"], method=method, problem=test["problem"]
            )
        )
    return rows
