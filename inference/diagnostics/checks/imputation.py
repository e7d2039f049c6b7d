"""Whether chains of imputation have come to vary about the same values."""

from collections.abc import Mapping

import numpy as np

from inference.diagnostics.checks.result import CheckResult, at_most
from inference.diagnostics.rhat_ess import variances

RHAT = 1.2
"""Of the means over the last half of the cycles: few cycles leave it noisy (van Buuren 2018, doi 10.1201/9780429492259, section 6.5.2)."""


def imputation_checks(trace: Mapping[str, np.ndarray]) -> list[CheckResult]:
    """Return a check of R-hat over the imputations, of the covariate whose means agree least.

    Parameters
    ----------
    trace : mapping of str to ndarray (imputation, cycle)
        Means of imputed values, from `data.study.imputation.impute`.
    """
    found = {name: rhat_of_means(means[:, means.shape[1] // 2 :]) for name, means in trace.items()}
    if not found:
        return []
    worst = max(found, key=lambda name: found[name])
    text = f"largest over imputed covariates, of the means of imputed values by cycle: {worst}"
    return [at_most("convergence", "imputation, R-hat", found[worst], RHAT, text, "warn")]


def rhat_of_means(means: np.ndarray) -> float:
    """Return the potential scale reduction of chains (chain, cycle); Gelman and Rubin 1992, doi 10.1214/ss/1177011136."""
    between, within = variances(means)
    if within == 0:
        return 1.0 if between == 0 else float("inf")
    cycles = means.shape[1]
    return float(np.sqrt((cycles - 1 + between / within) / cycles))
