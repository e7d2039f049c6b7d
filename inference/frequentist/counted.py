"""The frequentist table of a cohort of counts: event rates by arm, and Poisson regression in the place of Cox models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from inference.frequentist.balance import standardised
from inference.frequentist.limits import NORMAL_975
from inference.frequentist.table import COLUMNS, Row, row_of

if TYPE_CHECKING:
    from data.study.cohort import Cohort


def counted_comparators(cohort: Cohort) -> pd.DataFrame:
    """Return the frequentist analysis of counts.

    With one rate an interval, events given time at risk are Poisson, and their regression is the maximum likelihood of the piecewise
    exponential hazard (Holford 1980, doi 10.2307/2529982).

    Returns
    -------
    DataFrame
        `COLUMNS`: patients, events and event_rate by arm, hazard_ratio of treatment alone and beside the covariates, and of each of these.
    """
    import statsmodels.api as sm  # takes a second

    assert cohort.counts is not None, "rows are counts"
    counts, treated = cohort.counts, cohort.treatment
    rows: list[Row] = []
    for arm, inside in {"": np.ones(cohort.size, bool), "treated": treated, "control": ~treated}.items():
        deaths, time = counts.deaths[inside].sum(), counts.exposure[inside].sum()
        rows.append(row_of("patients", arm, estimate=float(counts.patients[inside].sum()), method="count"))
        rows.append(row_of("events", arm, estimate=float(deaths), method="count"))
        if arm:
            reach = np.exp(NORMAL_975 / np.sqrt(deaths)) if deaths else np.nan
            rate, how = float(deaths / time), f"events / {cohort.time_unit} at risk"
            rows.append(row_of("event_rate", arm, np.nan, rate, rate / reach, rate * reach, method=how))
    deaths, time = counts.deaths.ravel(), counts.exposure.ravel()
    at_risk = time > 0
    intervals = np.tile(np.eye(counts.deaths.shape[1]), (cohort.size, 1))[at_risk]
    spread = np.repeat(np.arange(cohort.size), counts.deaths.shape[1])[at_risk]
    for method, columns, names in (
        ("Poisson regression by interval, univariable", treated[:, None].astype(float), [""]),
        (
            "Poisson regression by interval, multivariable",
            np.column_stack([treated, cohort.outcome.values]).astype(float),
            ["", *cohort.outcome.terms],
        ),
    ):
        used = intervals[:, intervals.T @ deaths[at_risk] > 0]
        design = np.column_stack([columns[spread], used])
        with np.errstate(all="ignore"):
            model = sm.GLM(deaths[at_risk], design, sm.families.Poisson(), offset=np.log(time[at_risk]))
            found = model.fit()
        for place, name in enumerate(names):
            value, half = found.params[place], NORMAL_975 * found.bse[place]
            ratio, lower, upper = (float(np.exp(one)) for one in (value, value - half, value + half))
            statistic = f"hazard_ratio[{name}]" if name else "hazard_ratio"
            p = float(found.pvalues[place])
            rows.append(row_of(statistic, "", np.nan, ratio, lower, upper, p, method))
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def counted_differences(
    values: np.ndarray, treatment: np.ndarray, patients: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Return standardised differences between the arms (column,), as of `standardised_differences` of all patients.

    Parameters
    ----------
    values : ndarray (row, column)
    treatment : ndarray of bool (row,)
    patients : ndarray (row,)
        Numbers of patients.
    weights : ndarray (row,), optional
        Of all patients of a row together, under a design.
    """
    means, variances = [], []
    for arm in (treatment, ~treatment):
        count, total = patients[arm], patients[arm].sum()
        plain = np.average(values[arm], axis=0, weights=count)
        spread = np.average((values[arm] - plain) ** 2, axis=0, weights=count)
        variances.append(spread * total / max(total - 1.0, 1.0))
        means.append(plain if weights is None else np.average(values[arm], axis=0, weights=weights[arm]))
    scale = np.abs(values).max(axis=0)
    return standardised(means[0] - means[1], (variances[0] + variances[1]) / 2, scale)
