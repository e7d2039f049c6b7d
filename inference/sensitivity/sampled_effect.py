"""The effect of the main model in other cohorts than those of the analysis: sampled in each, and pooled."""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from data.study.cohort import Cohort
from data.study.study import Study
from inference.adjustments import ADJUSTMENTS
from inference.diagnostics.summaries import ensemble_rhat, probability_of_benefit, quantiles, summarise
from inference.fits.requests import FitRequest, problem_of
from inference.sampling.engine import sample

EFFECT = "treatment_effect"
DRAWS = 8000  # of a row, over all cohorts and chains
FEWEST = 200  # of a chain


def shortened(main: FitRequest, cohorts: int) -> FitRequest:
    """Return the main model sampled as long as each of several cohorts needs: no more draws than all need together."""
    enough = max(FEWEST, -(-DRAWS // (cohorts * main.settings.chains)))
    return replace(main, settings=replace(main.settings, draws=min(main.settings.draws, enough)))


def sampled_effect(study: Study, cohort: Cohort, request: FitRequest) -> xr.Dataset:
    """Return draws of the log hazard ratio of a request in one cohort: log_hazard_ratio (chain, draw), and divergences."""
    score = ADJUSTMENTS[request.adjustment].score
    found = sample(problem_of(study, cohort, request).posterior(score), request.settings)
    return xr.Dataset(
        {
            "log_hazard_ratio": (("chain", "draw"), found.parameters[EFFECT]),
            "divergences": int(found.statistics["diverging"].sum()),
        }
    )


def pooled_effects(computed: xr.Dataset) -> pd.DataFrame:
    """Return the effect in each row over all cohorts, with equal weights.

    Parameters
    ----------
    computed : Dataset
        log_hazard_ratio (row, cohort, chain, draw) and divergences (row, cohort).

    Returns
    -------
    DataFrame
        log_hazard_ratio (mean) and sd; hazard_ratio (median), lower, upper; probability_of_benefit; cohorts; rhat (over
        cohorts), ess_bulk and divergences (their sums).
    """
    draws = computed["log_hazard_ratio"].transpose("row", "chain", "draw", "cohort").to_numpy()
    lower, middle, upper = np.exp([quantiles(row.ravel()) for row in draws]).T
    return pd.DataFrame(
        {
            "log_hazard_ratio": draws.mean(axis=(1, 2, 3)),
            "sd": draws.std(axis=(1, 2, 3), ddof=1),
            "hazard_ratio": middle,
            "lower": lower,
            "upper": upper,
            "probability_of_benefit": probability_of_benefit(draws, 0.0, -1),
            "cohorts": draws.shape[-1],
            "rhat": ensemble_rhat(draws),
            "ess_bulk": summarise(draws)["ess_bulk"],
            "divergences": computed["divergences"].sum("cohort").to_numpy(),
        }
    )


def main_effect(main: pd.DataFrame, cohorts: int) -> pd.DataFrame:
    """Return the row of the main model in the same columns, from its table of estimands; NaN where it has no such column."""
    conditional = main[main["population"] == "conditional"].groupby("estimand").first()
    of_log, ratio = conditional.loc["log_hazard_ratio"], conditional.loc["hazard_ratio"]
    row = {
        "log_hazard_ratio": of_log["mean"],
        "sd": of_log["sd"],
        "hazard_ratio": ratio["median"],
        **ratio[["lower", "upper", "probability_of_benefit"]],
        "cohorts": cohorts,
        **of_log[["rhat", "ess_bulk"]],
    }
    return pd.DataFrame([row])
