"""The checks of a model fitted to several cohorts: pooled, summed, or those of the worst cohort."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from inference.diagnostics.checks.convergence import chain_checks
from inference.diagnostics.checks.result import CheckResult
from inference.diagnostics.summaries import ensemble_rhat
from inference.fits.fits import FitSummary

WORST_RHAT = 1.05  # of a single cohort: the largest of many ratios exceeds 1.01 by chance
SECOND_MODE = ("feedback", "second mode")
"""Family and subject of a check that makes numbers unsafe in any cohort."""
SUMS = ("convergence: divergences",)


def pooled_checks(
    summaries: Sequence[FitSummary], table: pd.DataFrame, draws: xr.Dataset
) -> tuple[CheckResult, ...]:
    """Return the checks of all cohorts: R-hat and ESS pooled, divergences summed, of the others the commonest status."""
    pooled = {} if is_maximised(summaries[0]) else _pooled_convergence(summaries, table, draws)
    names = dict.fromkeys(check.name for one in summaries for check in one.checks)
    for name in names:
        if name not in pooled:
            found = [check for one in summaries for check in one.checks if check.name == name]
            pooled[name] = _pooled_check(found, len(summaries))
    return tuple(sorted(pooled.values(), key=lambda check: check.family != "convergence"))


def is_maximised(summary: FitSummary) -> bool:
    """Return whether the draws are maximisers, which have no chains."""
    return bool(summary.estimands["rhat"].isna().all())


def _pooled_convergence(
    summaries: Sequence[FitSummary], table: pd.DataFrame, draws: xr.Dataset
) -> dict[str, CheckResult]:
    """Return R-hat and effective sample sizes of the chains of all cohorts, and the worst R-hat of one by itself."""
    names = draws["parameter_name"].to_numpy().astype(str)
    parameters = pd.DataFrame({"name": names, "rhat": ensemble_rhat(draws["parameter"].to_numpy())})
    least = {
        column: sum(_value(one, f"convergence: {label}") for one in summaries)
        for column, label in (("ess_bulk", "bulk ESS"), ("ess_tail", "tail ESS"))
    }
    # The smallest of each cohort, summed: no parameter has fewer effective draws in all cohorts together.
    parameters = parameters.assign(**least)
    pooled = {check.name: check for check in chain_checks(parameters, table[table["rhat"].notna()])}
    worst = max(_value(one, "convergence: R-hat") for one in summaries)
    text = "largest of any cohort by itself, of all parameters and estimands"
    status = "pass" if worst <= WORST_RHAT else "fail"
    worst_check = CheckResult("convergence", "R-hat of the worst cohort", status, worst, WORST_RHAT, text)
    return pooled | {worst_check.name: worst_check}


def _value(summary: FitSummary, name: str) -> float:
    return next(
        float(check.value) for check in summary.checks if check.name == name and check.value is not None
    )


def _pooled_check(found: list[CheckResult], cohorts: int) -> CheckResult:
    """Return one check from those of the cohorts.

    What makes numbers unsafe is so in any cohort: the worst counts. What describes the patients is so in most: the
    commonest status counts, the worse of two equally common ones.
    """
    order = ("fail", "warn", "info", "pass")
    values = np.array([np.nan if check.value is None else check.value for check in found])
    statuses = Counter(check.status for check in found)
    decisive = found[0].family == "convergence" or (found[0].family, found[0].subject) == SECOND_MODE
    if decisive:
        status = min(statuses, key=order.index)
    else:
        status = min(statuses, key=lambda one: (-statuses[one], order.index(one)))
    alike = [check for check in found if check.status == status]
    shown = _worst(alike) if decisive else alike[0]
    if found[0].name in SUMS:
        return replace(shown, value=float(values.sum()), text=f"{shown.text}, of all {cohorts} cohorts")
    if np.isnan(values).all():
        return replace(shown, text=f"{shown.text} ({statuses[status]} of {cohorts} cohorts)")
    middle = float(np.nanmedian(values))
    value = shown.value if decisive else middle
    said = ", ".join(f"{count} {name}" for name, count in statuses.items())
    spread = f"median over cohorts {middle:.3g}, from {np.nanmin(values):.3g} to {np.nanmax(values):.3g}"
    which = "in the worst of them" if decisive else "in one of them"
    return replace(shown, value=value, text=f"{spread}; {said}; {which}: {shown.text}")


def _worst(alike: list[CheckResult]) -> CheckResult:
    """Return, of checks with the same status, the one furthest beyond its threshold, or nearest to it where all pass."""
    known = [check for check in alike if check.value is not None and check.threshold is not None]
    if not known:
        return alike[0]
    choose = min if known[0].status == "pass" else max
    return choose(known, key=lambda check: abs(check.value - check.threshold))
