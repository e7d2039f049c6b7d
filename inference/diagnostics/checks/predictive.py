"""Would the model produce such data: the cohort's frequentist summaries among those of replicated cohorts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from inference.diagnostics.checks.result import CheckResult, Status

DOUBTFUL = 0.05
CLEAR = 0.01
BY_ARM = {"median": "median time", "events": "events"}
SINGLE = {
    "cox_unadjusted": "Cox log hazard ratio, univariable",
    "cox_adjusted": "Cox log hazard ratio, multivariable",
    "log_rank": "log-rank chi-square",
}


def predictive_checks(replicated: xr.Dataset, observed: xr.Dataset, time_unit: str) -> list[CheckResult]:
    """Return, for each summary, the two-sided predictive probability of the cohort's value.

    Parameters
    ----------
    replicated, observed : Dataset
        From `replicate_statistics`; the observed cohort is its one replicate.
    time_unit : str
        Printed in the texts.

    Returns
    -------
    list of CheckResult
        None where there are no replicates.
    """
    if "time" not in observed:
        return []
    checks = [predictive_check(name, label, replicated, observed, {}) for name, label in SINGLE.items()]
    for arm in ("control", "treated"):
        for name, label in BY_ARM.items():
            checks.append(predictive_check(name, f"{label}, {arm}", replicated, observed, {"arm": arm}))
        for time in observed["time"].to_numpy():
            label = f"survival at {time:g} {time_unit}, {arm}"
            checks.append(
                predictive_check("survival", label, replicated, observed, {"arm": arm, "time": time})
            )
        checks += interval_checks(replicated, observed, time_unit, {"arm": arm}, arm)
    return checks


def interval_checks(
    replicated: xr.Dataset, observed: xr.Dataset, time_unit: str, where: dict, who: str
) -> list[CheckResult]:
    """Return the checks of the events in each interval, of an arm or state."""
    edges = observed["interval_start"].to_numpy(), observed["interval_end"].to_numpy()
    return [
        predictive_check(
            "events_by_interval",
            f"events in ({start:g}, {end:g}] {time_unit}, {who}",
            replicated,
            observed,
            where | {"interval": interval},
        )
        for interval, (start, end) in enumerate(zip(*edges, strict=True))
    ]


def predictive_check(
    name: str, label: str, replicated: xr.Dataset, observed: xr.Dataset, where: dict
) -> CheckResult:
    """Return where the cohort's value of one summary lies among those of the replicates.

    Parameters
    ----------
    name, label : str
        Variable of both data sets, and how the check names it.
    replicated, observed : Dataset
        The observed cohort is its one replicate.
    where : dict
        Coordinates of the value, by dimension.
    """
    draws = replicated[name].sel(where).to_numpy()
    seen = float(observed[name].sel(where).to_numpy().item())
    p = two_sided_probability(draws, seen)
    known = draws[~np.isnan(draws)]
    low, high = np.quantile(known, [0.025, 0.975], method="inverted_cdf") if len(known) else (np.nan, np.nan)
    text = f"the cohort has {seen:.4g}; replicated cohorts {low:.4g} to {high:.4g} (95 %)"
    check = probability_check(label, p, text)
    # The smallest that p can be is 1 / (replicates + 1).
    if check.status == "pass" and 0 < len(known) < 1 / CLEAR - 1:
        few = f"{len(known)} replicates cannot say whether p is below {CLEAR:g}: sample more draws"
        return replace(check, status="info", text=f"{text}; {few}")
    return check


def probability_check(subject: str, p: float, text: str) -> CheckResult:
    """Return the check of a predictive probability; NaN warns."""
    status: Status = "pass" if p >= DOUBTFUL else "warn" if p >= CLEAR or np.isnan(p) else "fail"
    return CheckResult("predictive", subject, status, p, CLEAR if status == "fail" else DOUBTFUL, text)


def two_sided_probability(draws: np.ndarray, seen: float) -> float:
    """Return twice the smaller share of replicates on either side of the cohort's value; ties count half.

    Parameters
    ----------
    draws : ndarray (replicate,)
        The statistic of each replicate; infinite medians count as later than all others.
    seen : float
        The cohort's.
    """
    known = draws[~np.isnan(draws)]
    if not len(known) or np.isnan(seen):
        return float("nan")
    ties = 0.5 * (known == seen).sum()
    below = ((known < seen).sum() + ties + 0.5) / (len(known) + 1.0)
    return float(min(1.0, 2.0 * min(below, 1.0 - below)))
