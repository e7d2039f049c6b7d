"""The effect under every start-time scenario over all cohorts, the delay that makes one doubt, and what no effect prints."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import brentq
from scipy.special import ndtr

from inference.diagnostics.checks.convergence import row_checks
from inference.diagnostics.checks.result import CheckResult
from inference.diagnostics.summaries import ensemble_rhat, quantiles, summarise
from inference.estimands.horizon import report_times
from inference.sensitivity.e_values import e_values
from inference.sensitivity.no_effect import ARMS, RATIOS
from inference.sensitivity.sensitivity import MainAnalysis, Sensitivity, approximation_checks
from inference.sensitivity.timing import timing_of_cohort, timing_settings, why_no_scenarios

CERTAIN = 0.95  # probability of benefit below which a delay makes one doubt


@dataclass(frozen=True)
class Doubt:
    """The mean delay at which the probability of benefit falls below 0.95."""

    # "within" the grid of delays; "beyond" it; "from_start": already below where all begin at time zero
    state: str
    delay: float  # in months; NaN unless within


@dataclass(frozen=True, eq=False)
class Timing:
    """What treatment timing could do to the answer, over all cohorts.

    Attributes
    ----------
    scenarios : DataFrame
        scenario, label, hazard_ratio, lower, upper, probability_of_benefit, e_value (what an unmeasured confounder must do in
        addition to explain the benefit away, 1 where there is none) with its lower and upper, mcse (of the mean log hazard ratio), rhat,
        ess_bulk, ess_tail, divergences, cohorts, runs; no_effect with its lower and upper: the naive hazard ratio, covariates
        adjusted, if treatment did nothing; as_low: the share of such cohorts in which it is as low as in the cohort itself;
        candidates, reachable: shares of patients, NaN candidates where too few live to the start.
    delays : DataFrame
        delay (mean, in months), hazard_ratio, lower, upper, probability_of_benefit, no_effect, no_effect_lower,
        no_effect_upper.
    doubt : Doubt
    no_effect : DataFrame
        Of `no_effect_table`.
    observed : float
        Cox's hazard ratio of ever against never treated, covariates adjusted; geometric mean over cohorts.
    approximation : float
        Distance between the means of normal approximation and draws where all begin at zero, in posterior standard deviations; mean
        over cohorts of the signed distance.
    """

    scenarios: pd.DataFrame
    delays: pd.DataFrame
    doubt: Doubt
    no_effect: pd.DataFrame
    observed: float
    approximation: float


def pooled_timing(computed: Sequence[xr.Dataset]) -> Timing:
    """Return what the results of `timing_of_cohort` say together; every cohort has the same weight."""
    names = dict.fromkeys(computed[0]["scenario"].to_numpy().tolist())
    naive = [one["log_hazard_ratio"].isel(run=0) for one in computed]
    off = [
        float((one["delay_mean"][0] - draws.mean()) / draws.std())
        for one, draws in zip(computed, naive, strict=True)
    ]
    delays = _delay_table(computed)
    return Timing(
        pd.DataFrame([_scenario_row(computed, name) for name in names]),
        delays,
        doubt_of(delays["delay"].to_numpy(), delays["probability_of_benefit"].to_numpy()),
        no_effect_table(computed),
        float(np.exp(np.mean([one["observed_naive_adjusted"] for one in computed]))),
        abs(float(np.mean(off))),
    )


def timing_checks(timing: Timing) -> list[CheckResult]:
    """Return whether the chains of the start-time scenarios agree, and how good their normal approximation is."""
    return [
        *row_checks("scenarios", timing.scenarios, "scenario"),
        *approximation_checks("delays", {"mean": timing.approximation}),
    ]


def doubt_of(delay: np.ndarray, probability: np.ndarray) -> Doubt:
    """Return where a curve of probabilities of benefit first falls below 0.95, on straight lines between its points.

    Parameters
    ----------
    delay, probability : ndarray (delay,)
        Delays increase from 0.
    """
    below = np.flatnonzero(probability < CERTAIN)
    if not below.size:
        return Doubt("beyond", float("nan"))
    at = below[0]
    if at == 0:
        return Doubt("from_start", float("nan"))
    fallen = (probability[at - 1] - CERTAIN) / (probability[at - 1] - probability[at])
    return Doubt("within", float(delay[at - 1] + fallen * (delay[at] - delay[at - 1])))


def normal_mixture_quantiles(mean: np.ndarray, sd: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Return quantiles of a mixture of normal distributions (part,) with equal weights."""
    low, high = float((mean - 9.0 * sd).min()), float((mean + 9.0 * sd).max())
    return np.array([brentq(lambda x, p=p: ndtr((x - mean) / sd).mean() - p, low, high) for p in shares])


def _scenario_row(computed: Sequence[xr.Dataset], name: str) -> dict[str, object]:
    parts = [one.isel(run=one["scenario"].to_numpy() == name) for one in computed]
    draws = np.concatenate([np.moveaxis(one["log_hazard_ratio"].to_numpy(), 0, -1) for one in parts], axis=-1)
    summary = {key: float(values[0]) for key, values in summarise(draws[None]).items()}
    ratio = np.exp([summary["median"], summary["lower"], summary["upper"]])
    none = np.concatenate([one["naive_adjusted"].to_numpy().ravel() for one in parts])
    low = np.concatenate(
        [(one["naive_adjusted"] <= one["observed_naive_adjusted"]).to_numpy().ravel() for one in parts]
    )
    known = ~np.isnan(none)
    against = e_values(np.exp(draws))
    return {
        "scenario": name,
        "label": str(parts[0]["label"].to_numpy()[0]),
        **dict(zip(("hazard_ratio", "lower", "upper"), ratio.tolist(), strict=True)),
        "probability_of_benefit": float((draws < 0).mean()),
        "e_value": against.median,
        "e_value_lower": against.lower,
        "e_value_upper": against.upper,
        "mcse": summary["mcse"],
        "rhat": float(ensemble_rhat(draws[None])[0]),
        "ess_bulk": summary["ess_bulk"],
        "ess_tail": summary["ess_tail"],
        "divergences": int(sum(one["divergences"].sum() for one in parts)),
        "cohorts": len(computed),
        "runs": draws.shape[-1],
        **_no_effect_columns(none),
        "as_low": float(low[known].mean()) if known.any() else float("nan"),
        "candidates": float(np.mean([one["candidates"].mean() for one in parts])),
        "reachable": float(np.mean([one["reachable"].mean() for one in parts])),
    }


def _delay_table(computed: Sequence[xr.Dataset]) -> pd.DataFrame:
    rows = []
    for place, delay in enumerate(computed[0]["delay"].to_numpy().tolist()):
        mean = np.array([float(one["delay_mean"][place]) for one in computed])
        sd = np.array([float(one["delay_sd"][place]) for one in computed])
        none = np.concatenate([one["delay_naive_adjusted"][place].to_numpy() for one in computed])
        ends = np.exp(normal_mixture_quantiles(mean, sd, (0.5, 0.025, 0.975)))
        rows.append(
            {
                "delay": delay,
                **dict(zip(("hazard_ratio", "lower", "upper"), ends.tolist(), strict=True)),
                "probability_of_benefit": float(ndtr(-mean / sd).mean()),
                **_no_effect_columns(none),
            }
        )
    return pd.DataFrame(rows)


def _no_effect_columns(log_ratios: np.ndarray) -> dict[str, float]:
    known = log_ratios[~np.isnan(log_ratios)]
    lower, _, upper = quantiles(log_ratios)
    mean = float(known.mean()) if len(known) else float("nan")
    ends = np.exp([mean, lower, upper])
    return dict(zip(("no_effect", "no_effect_lower", "no_effect_upper"), ends.tolist(), strict=True))


def no_effect_table(shown: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Return what the naive analysis prints under no effect, over all replicates of all cohorts.

    Parameters
    ----------
    shown : sequence of Dataset
        Of `naive_under_no_effect`, one for each cohort, with the same scenarios.

    Returns
    -------
    DataFrame
        scenario, quantity (naive, naive_adjusted, split: hazard ratios; median; survival), arm, time, estimate, lower,
        upper, replicates. The estimate is the mean (of logs for ratios), for medians the middle one, because
        some are not reached; lower and upper hold 95 % of the replicates. NaN where no replicate could be made.
    """
    rows = []
    for scenario in dict.fromkeys(shown[0]["scenario"].to_numpy().tolist()):
        parts = [one.isel(run=one["scenario"].to_numpy() == scenario) for one in shown]
        rows += [_no_effect_row(scenario, name, [one[name] for one in parts]) for name in RATIOS]
        for arm in ARMS:
            rows.append(
                _no_effect_row(scenario, "median", [one["median"].sel(arm=arm) for one in parts], arm)
            )
        for time in sorted({float(time) for one in parts for time in one["time"].to_numpy()}):
            among = [one["survival"].sel(time=time) for one in parts if time in one["time"].to_numpy()]
            rows += [
                _no_effect_row(scenario, "survival", [one.sel(arm=arm) for one in among], arm, time)
                for arm in ARMS
            ]
    return pd.DataFrame(rows)


def _no_effect_row(
    scenario: str, quantity: str, parts: Sequence[xr.DataArray], arm: str = "", time: float = np.nan
) -> dict[str, object]:
    values = np.concatenate([part.to_numpy().ravel() for part in parts])
    known = values[~np.isnan(values)]
    lower, middle, upper = quantiles(values)
    estimate = middle if quantity == "median" or not len(known) else float(known.mean())
    ends = np.array([estimate, lower, upper])
    ends = np.exp(ends) if quantity in RATIOS else ends
    return {
        "scenario": scenario,
        "quantity": quantity,
        "arm": arm,
        "time": time,
        **dict(zip(("estimate", "lower", "upper"), ends.tolist(), strict=True)),
        "replicates": len(known),
    }


def has_scenarios(analysis: MainAnalysis) -> bool:
    """Return whether start-time scenarios can be had of an analysis."""
    return analysis.naive and not why_no_scenarios(analysis.study, analysis.cohorts)


def _arguments(analysis: MainAnalysis) -> list[tuple]:
    settings = timing_settings(len(analysis.cohorts), analysis.main.settings)
    return [
        (
            cohort,
            number,
            analysis.spec,
            report_times(analysis.study, cohort)[1],
            analysis.main.priors,
            settings,
        )
        for number, cohort in enumerate(analysis.cohorts)
    ]


TIMING = Sensitivity(
    "timing",
    "start-time scenarios",
    has_scenarios,
    timing_of_cohort,
    _arguments,
    pooled_timing,
    timing_checks,
)
