"""Would the model have led to that publication: the printed numbers among those of replicated studies."""

from __future__ import annotations

import numpy as np
import xarray as xr

from inference.diagnostics.checks.predictive import CLEAR, DOUBTFUL, probability_check, two_sided_probability
from inference.diagnostics.checks.result import CheckResult, Status


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
