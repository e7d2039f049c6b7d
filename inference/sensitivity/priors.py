"""How the effect moves under other priors: the main model, refitted under each set."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from inference.diagnostics.power_scaling import EFFECT
from inference.fits.fits import FitSummary
from models.priors import PriorSet
from models.specification import known_parameters

NOTHING = {"median": np.nan, "lower": np.nan, "upper": np.nan}
THRESHOLD = 0.05  # of the power-scaling diagnostic (doi 10.1007/s11222-023-10366-5)


def prior_interval(priors: PriorSet) -> tuple[float, float]:
    """Return the 95 % interval of the hazard ratio that a prior set states."""
    low, high = np.exp(priors.prior(known_parameters()[EFFECT]).frozen.ppf([0.025, 0.975]))
    return float(low), float(high)


def prior_sensitivity(
    summaries: Sequence[FitSummary], without_feedback: Sequence[FitSummary] = ()
) -> pd.DataFrame:
    """Return the effect under each prior set, one row each.

    Parameters
    ----------
    summaries : sequence of FitSummary
        The same model under several prior sets.
    without_feedback : sequence of FitSummary
        The cut model under some of these sets.

    Returns
    -------
    DataFrame
        prior_set, reason, prior, hazard_ratio, its lower and upper limit, probability_of_benefit, rmst_difference with
        its limits and unit, and the power-scaling sensitivities with what they suggest; cut_hazard_ratio with its limits, NaN
        under sets without a cut model.
    """
    cut = {one.request.priors.name: _row(one, "hazard_ratio", "conditional") for one in without_feedback}
    rows = []
    for summary in summaries:
        ratio = _row(summary, "hazard_ratio", "conditional")
        rmst = _row(summary, "rmst_difference", "all")
        of_prior, of_likelihood = summary.power_scaling
        priors = summary.request.priors
        rows.append(
            {
                "prior_set": priors.name,
                "reason": priors.reason,
                "prior": str(priors.prior(known_parameters()[EFFECT])),
                **_limits("hazard_ratio", ratio),
                "probability_of_benefit": ratio["probability_of_benefit"],
                **_limits("rmst_difference", rmst),
                "horizon": rmst["time"],
                "unit": rmst["unit"],
                "prior_sensitivity": of_prior,
                "likelihood_sensitivity": of_likelihood,
                "diagnosis": "; ".join(filter(None, [_diagnosis(of_prior, of_likelihood), priors.caution])),
                **_limits("cut_hazard_ratio", cut.get(priors.name, NOTHING)),
            }
        )
    return pd.DataFrame(rows)


def _row(summary: FitSummary, estimand: str, population: str) -> Any:
    table = summary.estimands
    return table[(table["estimand"] == estimand) & (table["population"] == population)].iloc[0]


def _limits(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row["median"], f"{name}_lower": row["lower"], f"{name}_upper": row["upper"]}


def _diagnosis(of_prior: float, of_likelihood: float) -> str:
    """Return what a pair of sensitivities suggests."""
    if np.isnan(of_prior):
        return "not available for pooled designs"
    if of_prior < THRESHOLD:
        return "the prior of the effect hardly matters"
    if of_likelihood < THRESHOLD:
        return "the prior of the effect is strong, or the data say little"
    return "the prior of the effect and the data pull in different directions"
