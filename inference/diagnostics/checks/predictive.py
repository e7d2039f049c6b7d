"""Would the model produce such data: a cohort's frequentist summaries, or printed numbers, among those of replicated cohorts."""

from dataclasses import replace

import numpy as np
import xarray as xr

from inference.diagnostics.checks.result import CheckResult, Status
from inference.predictive.replicates.split_statistics import STATES

DOUBTFUL = 0.05
CLEAR = 0.01
BY_ARM = {"median": "median time", "events": "events"}
SINGLE = {
    "cox_unadjusted": "Cox log hazard ratio, univariable",
    "cox_adjusted": "Cox log hazard ratio, multivariable",
    "log_rank": "log-rank chi-square",
}
SINGLE_SPLIT = {
    "cox_unadjusted": "Cox log hazard ratio, time-dependent treatment alone",
    "cox_adjusted": "Cox log hazard ratio, time-dependent treatment and covariates",
    "log_rank": "log-rank chi-square, time-dependent treatment",
    "median": "median time, all patients",
    "started": "patients who begin treatment",
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


def split_predictive_checks(
    replicated: xr.Dataset, observed: xr.Dataset, time_unit: str
) -> list[CheckResult]:
    """Return, for each summary, the two-sided predictive probability of the cohort's value.

    Parameters
    ----------
    replicated, observed : Dataset
        From `split_statistics`; the observed cohort is its one replicate.
    time_unit : str
        Printed in the texts.
    """
    checks = [predictive_check(name, label, replicated, observed, {}) for name, label in SINGLE_SPLIT.items()]
    for time in observed["time"].to_numpy():
        label = f"survival at {time:g} {time_unit}, all patients"
        checks.append(predictive_check("survival", label, replicated, observed, {"time": time}))
    for state in STATES:
        checks.append(
            predictive_check("events", f"events, while {state}", replicated, observed, {"state": state})
        )
        checks += interval_checks(replicated, observed, time_unit, {"state": state}, f"while {state}")
    return checks


def published_checks(published: xr.Dataset) -> list[CheckResult]:
    """Return, for each printed number, its two-sided predictive probability.

    Parameters
    ----------
    published : Dataset
        `replicated` (replicate, target) and, by target, `printed`, `operator` and `family`. Nothing comes of an empty
        one.
    """
    if "replicated" not in published:
        return []
    checks = []
    for target in range(published.sizes["target"]):
        one = published.isel(target=target)
        draws, printed = one["replicated"].to_numpy(), float(one["printed"])
        subject = f"published {one['target'].item()}"
        low, high = np.quantile(draws, [0.025, 0.975], method="inverted_cdf")
        if str(one["operator"].item()) == "<":
            share = float((draws < printed).mean())
            text = f"printed is < {printed:.4g}; so are {100 * share:.0f} % of the replicated studies"
            status: Status = "pass" if share >= DOUBTFUL / 2 else "warn" if share >= CLEAR / 2 else "fail"
            checks.append(CheckResult("predictive", subject, status, share, DOUBTFUL / 2, text))
            continue
        p = two_sided_probability(draws, printed)
        text = f"printed is {printed:.4g}; replicated studies {low:.4g} to {high:.4g} (95 %)"
        checks.append(probability_check(subject, p, text))
    return checks
