"""What another adjustment would say: the same contrast of the same population, under every baseline and adjustment."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

POPULATIONS = ("all", "overlap", "treated", "matched")
CONTRASTS = ("marginal_hazard_ratio", "rmst_difference")
AGREE = 0.5  # standard deviations of the main model: closer than that counts as agreement
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
        population, baseline, adjustment; of each contrast its median, lower, upper, probability_of_benefit; shift: how far
        the log of the average hazard ratio lies from the main model's in the same population, in posterior standard
        deviations of the main model; NaN where the main model is not averaged over that population.
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
            log_ratio = np.log(float(by_contrast.loc["marginal_hazard_ratio", "median"]))
            rows.append({**row, "shift": (log_ratio - anchor[0]) / anchor[1]})
    return pd.DataFrame(rows)


def _anchor(of_population: pd.DataFrame, main: Mapping[str, str]) -> tuple[float, float]:
    """Return the log of the main model's average hazard ratio, and its standard deviation."""
    fit = of_population[
        (of_population["estimand"] == "marginal_hazard_ratio")
        & (of_population["baseline"] == main["baseline"])
        & (of_population["adjustment"] == main["adjustment"])
    ]
    if fit.empty:
        return np.nan, np.nan
    row = fit.iloc[0]
    spread = (np.log(row["upper"]) - np.log(row["lower"])) / (2 * 1.959964)
    return float(np.log(row["median"])), float(spread)
