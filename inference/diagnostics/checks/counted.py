"""Checks of a fit of counts: overlap and balance of all patients, events of replicated tables."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from data.aggregate.table import Withheld
from data.study.cohort import Cohort
from inference.adjustments import ADJUSTMENTS, AdjustedSample
from inference.adjustments.adjusted import flat_draws
from inference.adjustments.counted_weights import WEIGHTINGS
from inference.diagnostics.checks.overlap import balance_checks, outside_check, share_check
from inference.diagnostics.checks.predictive import predictive_check
from inference.diagnostics.checks.result import CheckResult, at_most
from inference.frequentist.balance import share_outside_common_range
from inference.frequentist.counted import counted_differences
from models.intervals import interval_labels
from models.predictors import linear_predictor

REPLICATES = 300
MUCH = 0.05  # share of the patients withheld
ARMS = ("control", "treated")


def withheld_checks(sites: Sequence[Withheld]) -> list[CheckResult]:
    """Return a check for each site that withholds small counts: with more than a twentieth of its patients a warning."""
    return [
        at_most(
            "estimand", f"withheld counts, table {number}", one.patients, MUCH, one.sentence, otherwise="warn"
        )
        for number, one in enumerate(sites, start=1)
        if one.sentence
    ]


def counted_predictive_checks(adjusted: AdjustedSample, cohort: Cohort, seed: int) -> list[CheckResult]:
    """Return, for numbers of events, the predictive probability of those of the cohort among those of replicated tables.

    A replicate draws the events of each pattern, arm and interval given the time at risk there, under one draw of the posterior: by arm,
    by arm and interval, by arm and level of each covariate. None for weights, whose outcome model holds treatment alone.
    """
    if ADJUSTMENTS[adjusted.adjustment].population:
        return []
    replicated, observed = _replicates(adjusted, cohort, seed)
    checks = []
    for arm in ARMS:
        checks.append(predictive_check("events", f"events, {arm}", replicated, observed, {"arm": arm}))
        for name in ("interval", "level"):
            for label in observed[name].to_numpy():
                where = {"arm": arm, name: label}
                text = f"events in {label}{f' {cohort.time_unit}' if name == 'interval' else ''}, {arm}"
                checks.append(predictive_check(f"events_by_{name}", text, replicated, observed, where))
    return checks


def _replicates(adjusted: AdjustedSample, cohort: Cohort, seed: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the `_events` of replicated tables, and of the cohort as its one replicate."""
    assert cohort.counts is not None, "rows are counts"
    rng, expected = np.random.default_rng([seed, 9]), []
    share = -(-REPLICATES // len(adjusted.designs))
    for design in adjusted.designs:
        flat, posterior = flat_draws(design.parameters), design.posterior
        assert posterior.spec is not None, "the outcome model is asked for"
        total = len(flat["treatment_effect"])
        chosen = np.unique(np.linspace(0, total - 1, min(share, total)).astype(int))
        some = {name: value[chosen] for name, value in flat.items()}
        content = posterior.content(posterior.blocks)
        risk = np.exp(linear_predictor(some, content, posterior.spec, np))
        hazard = np.exp(some["log_hazard"])
        expected += [
            one[:, None] * cohort.counts.exposure * each for one, each in zip(risk, hazard, strict=True)
        ]
    return _events([rng.poisson(one) for one in expected], cohort), _events([cohort.counts.deaths], cohort)


def _events(tables: Sequence[np.ndarray], cohort: Cohort) -> xr.Dataset:
    """Return sums over rows of events (row, interval) of several tables (replicate, arm): of all, by interval, by level."""
    assert cohort.counts is not None, "rows are counts"
    arms = np.stack([~cohort.treatment, cohort.treatment]).astype(float)
    some = len(cohort.covariates.columns)
    inside = pd.get_dummies(cohort.covariates, prefix_sep=" ") if some else pd.DataFrame()
    levels = inside.to_numpy(float).T if some else np.empty((0, cohort.size))
    by_interval = np.stack([arms @ table for table in tables])
    by_level = np.stack([(arms * table.sum(axis=1)) @ levels.T for table in tables])
    of_arm = ("replicate", "arm")
    return xr.Dataset(
        {
            "events": (of_arm, by_interval.sum(axis=2)),
            "events_by_interval": ((*of_arm, "interval"), by_interval),
            "events_by_level": ((*of_arm, "level"), by_level),
        },
        coords={
            "arm": list(ARMS),
            "interval": interval_labels(cohort.counts.cutpoints),
            "level": [str(name) for name in inside.columns],
        },
    )


def counted_overlap_checks(cohort: Cohort, propensity: np.ndarray, adjustment: str) -> list[CheckResult]:
    """Return the overlap checks of all patients behind the rows, under the weights of the adjustment or, without, of overlap.

    Parameters
    ----------
    cohort : Cohort
        With counts.
    propensity : ndarray (row,)
        Probability of treatment, at its posterior mean.
    adjustment : str
    """
    assert cohort.counts is not None, "rows are counts"
    patients, treated = cohort.counts.patients, cohort.treatment
    range_ = share_outside_common_range(propensity, treated)
    outside = (propensity < range_["lower"]) | (propensity > range_["upper"])
    checks = [outside_check(float(patients[outside].sum() / patients.sum()))]
    weights = _weights(cohort, propensity, adjustment)
    for arm in (True, False):
        own, count = weights[treated == arm], patients[treated == arm]
        effective = float((count @ own) ** 2 / (count @ own**2) / count.sum())
        checks.append(share_check(cohort, arm, effective, "effective share of the patients under weights"))
    balance = counted_balance(cohort, propensity, adjustment)
    return [*checks, *balance_checks(balance, "weighting", "weighted")] if len(balance) else checks


def counted_balance(cohort: Cohort, propensity: np.ndarray, adjustment: str) -> pd.DataFrame:
    """Return how far the arms differ in each column of the treatment model, before and after weighting.

    Returns
    -------
    DataFrame
        ``term, difference_before, difference_after, lower, upper`` as of `balance_of_designs`, at one score; empty without columns.
    """
    assert cohort.counts is not None, "rows are counts"
    values, patients = cohort.propensity.values, cohort.counts.patients
    if not cohort.propensity.terms:
        return pd.DataFrame()
    weights = patients * _weights(cohort, propensity, adjustment)
    before = counted_differences(values, cohort.treatment, patients)
    after = counted_differences(values, cohort.treatment, patients, weights)
    columns = {"difference_before": before, "difference_after": after, "lower": after, "upper": after}
    return pd.DataFrame({"term": cohort.propensity.terms, **columns})


def _weights(cohort: Cohort, propensity: np.ndarray, adjustment: str) -> np.ndarray:
    assert cohort.counts is not None, "rows are counts"
    patients = cohort.counts.patients
    share = np.array(patients @ cohort.treatment / patients.sum())
    return np.asarray(WEIGHTINGS.get(adjustment, WEIGHTINGS["overlap"])(propensity, cohort.treatment, share))
