"""Would the model produce such data, where treatment begins during follow-up: events by state, and survival of all."""

from __future__ import annotations

import xarray as xr

from inference.diagnostics.checks.predictive import interval_checks, predictive_check
from inference.diagnostics.checks.result import CheckResult
from inference.predictive.replicates.split_statistics import STATES

SINGLE = {
    "cox_unadjusted": "Cox log hazard ratio, time-dependent treatment alone",
    "cox_adjusted": "Cox log hazard ratio, time-dependent treatment and covariates",
    "log_rank": "log-rank chi-square, time-dependent treatment",
    "median": "median time, all patients",
    "started": "patients who begin treatment",
}


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
    checks = [predictive_check(name, label, replicated, observed, {}) for name, label in SINGLE.items()]
    for time in observed["time"].to_numpy():
        label = f"survival at {time:g} {time_unit}, all patients"
        checks.append(predictive_check("survival", label, replicated, observed, {"time": time}))
    for state in STATES:
        checks.append(
            predictive_check("events", f"events, while {state}", replicated, observed, {"state": state})
        )
        checks += interval_checks(replicated, observed, time_unit, {"state": state}, f"while {state}")
    return checks
