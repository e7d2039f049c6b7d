"""How much of what is said of subgroups rests on patients that nobody has: the fraction of missing information, and its own error."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from data.study.study import Study
from inference.fits.fits import FitSummary
from models.effects.by_subgroup import SUBGROUP_EFFECTS

TERM = re.compile(rf"{SUBGROUP_EFFECTS.name}\[(?P<column>.+)\[T\.(?P<level>.+)\]\]")


def subgroup_contrasts(study: Study, summary: FitSummary) -> pd.DataFrame:
    """Return each contrast of the effect between patients with and without a level, and what of it is not known for want of patients.

    Parameters
    ----------
    study : Study
        Gives the words.
    summary : FitSummary
        Of a fit with an effect by subgroup, pooled over cohorts.

    Returns
    -------
    DataFrame
        covariate, level, ratio (of hazard ratios, with the level against without: exp of the mean), missing_information,
        missing_error (`error_of_missing`), cohorts. Empty where one cohort was fitted.
    """
    rows = []
    for row in summary.pooling.to_dict("records"):
        found = TERM.fullmatch(str(row["estimand"]))
        if row["population"] != "parameter" or found is None:
            continue
        covariate, level = subgroup_words(study, found["column"], found["level"])
        missing, cohorts = float(row["fraction_of_missing_information"]), int(row["cohorts"])
        rows.append(
            {
                "covariate": covariate,
                "level": level,
                "ratio": float(np.exp(row["mean"])),
                "missing_information": missing,
                "missing_error": error_of_missing(missing, cohorts),
                "cohorts": cohorts,
            }
        )
    return pd.DataFrame(rows)


def subgroup_words(study: Study, name: str, level: str) -> tuple[str, str]:
    """Return a covariate and a level of it in words; levels 0 and 1 are no and yes."""
    covariate = study.covariates.get(name)
    if covariate is None:
        return name, level
    marked = tuple(covariate.levels or ()) == ("0", "1")
    return covariate.label or name, {"0": "no", "1": "yes"}[level] if marked else level


def error_of_missing(missing: float, cohorts: int) -> float:
    r"""Return the Monte Carlo standard error of a fraction of missing information.

    :math:`\lambda = (1 + 1/M) B / (W + (1 + 1/M) B)`, and the variance B between M cohorts is known to a share of
    :math:`\sqrt{2 / (M - 1)}` (means of cohorts taken as normal), so that the error is
    :math:`\lambda (1 - \lambda) \sqrt{2 / (M - 1)}`.

    Examples
    --------
    >>> round(error_of_missing(0.5, 20), 3), round(error_of_missing(0.5, 50), 3)
    (0.081, 0.051)
    """
    return missing * (1.0 - missing) * float(np.sqrt(2.0 / (cohorts - 1)))
