"""What another adjustment would say: the same contrast of the same population, under every baseline and adjustment."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from inference.frequentist.limits import NORMAL_975

POPULATIONS = ("all", "overlap", "treated", "matched")
CONTRASTS = ("marginal_hazard_ratio", "rmst_difference")
AGREE = 1.96  # standard deviations of the difference: two fits of the same patients differ by less in 95 % of cohorts
STATED = ("median", "lower", "upper", "probability_of_benefit")


def compare_adjustments(estimands: pd.DataFrame, main: Mapping[str, str]) -> pd.DataFrame:
    """Return the average hazard ratio and the RMST difference of each model in each population.

    Hazard ratios are compared as averages over the same population, because conditional and marginal ones differ even
    without confounding.

    Parameters
    ----------
    estimands : DataFrame
        Columns of estimands.csv.
    main : mapping
        Names the main fit: only fits of its effect, exposure and prior set are compared.

    Returns
    -------
    DataFrame
        population, baseline, adjustment; of each contrast its median, lower, upper, probability_of_benefit; factor: the
        average hazard ratio over the main model's in the same population; difference_sd: the standard deviation of its
        logarithm (`difference_sd`); shift: the logarithm in these standard deviations. NaN where the main model is not
        averaged over that population.
    """
    same = estimands["subgroup"].fillna("").astype(str) == ""
    for column in ("effect", "exposure", "prior_set"):
        same &= estimands[column].astype(str) == str(main[column])
    chosen = estimands[same & estimands["estimand"].isin(CONTRASTS)]
    rows = []
    for population in POPULATIONS:
        of_population = chosen[chosen["population"] == population]
        anchor = _anchor(of_population, main)
        for (baseline, adjustment), fit in of_population.groupby(["baseline", "adjustment"], sort=False):
            by_contrast = fit.set_index("estimand")
            row: dict[str, object] = {
                "population": population,
                "baseline": baseline,
                "adjustment": adjustment,
            }
            for contrast in CONTRASTS:
                row |= {f"{contrast}_{name}": by_contrast.loc[contrast, name] for name in STATED}
            own = _log_ratio(by_contrast.loc["marginal_hazard_ratio"])
            apart = own.middle - anchor.middle
            spread = difference_sd(own, anchor)
            rows.append(
                {
                    **row,
                    "factor": np.exp(apart),
                    "difference_sd": spread,
                    "shift": apart / spread if apart else apart,
                }
            )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class LogRatio:
    """A log hazard ratio of a fit: its middle, the posterior standard deviation, and the Monte Carlo error of the middle."""

    middle: float
    sd: float
    error: float


def difference_sd(one: LogRatio, other: LogRatio) -> float:
    """Return the standard deviation of the difference of two fits of the same patients.

    The two go up and down together from cohort to cohort, so that neither's own standard deviation measures their
    difference. Where the more precise one is efficient, the variance of the difference is the difference of the variances
    (Hausman 1978, doi 10.2307/1913827). Priors that shrink make that an approximation. Monte Carlo errors, which are
    independent, are added.
    """
    return float(np.sqrt(abs(one.sd**2 - other.sd**2) + one.error**2 + other.error**2))


def _log_ratio(row: pd.Series) -> LogRatio:
    spread = (np.log(row["upper"]) - np.log(row["lower"])) / (2 * NORMAL_975)
    error = float(row["mcse"]) / float(row["median"]) if pd.notna(row.get("mcse")) else 0.0
    return LogRatio(float(np.log(row["median"])), float(spread), error)


def _anchor(of_population: pd.DataFrame, main: Mapping[str, str]) -> LogRatio:
    """Return the main model's average log hazard ratio; NaN without one."""
    fit = of_population[
        (of_population["estimand"] == "marginal_hazard_ratio")
        & (of_population["baseline"] == main["baseline"])
        & (of_population["adjustment"] == main["adjustment"])
    ]
    if fit.empty:
        return LogRatio(np.nan, np.nan, np.nan)
    return _log_ratio(fit.iloc[0])
