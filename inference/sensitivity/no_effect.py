"""What the naive analysis would print if treatment did nothing and only began late: cohorts simulated without effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from data.study.cohort import Cohort
from inference.frequentist.cox_model import independent_columns
from inference.frequentist.efron import EfronCox
from inference.predictive.replicates.censoring import censoring_times
from inference.predictive.replicates.risk_sets import ProductLimit
from inference.predictive.replicates.split_statistics import split_rows
from inference.sensitivity.start_times import StartScenario
from models.assembly import covariate_predictor
from models.likelihood import simulate_times
from models.priors import Prior, PriorSet
from models.propensity import propensity_score
from models.specification import ModelSpec

ARMS = ("control", "treated")
RATIOS = ("naive", "naive_adjusted", "split")
LOG_ODDS = 40.0  # beyond which a probability is 0 or 1
NO_EFFECT = Prior(
    "Normal", {"mu": 0.0, "sigma": 1e-3}, "no effect: what the rest of the model then has to be"
)


@dataclass(frozen=True, eq=False)
class Followed:
    """Replicated cohorts under no effect, before it is said who was treated.

    Attributes
    ----------
    time : ndarray (replicate, patient)
        Of death or censoring.
    event : ndarray of bool (replicate, patient)
    score : ndarray (replicate, patient)
        Log odds of being a candidate, without the intercept.
    """

    time: np.ndarray
    event: np.ndarray
    score: np.ndarray


def without_effect(priors: PriorSet) -> PriorSet:
    """Return priors that hold the treatment effect at 0: a posterior under them is that of baseline and covariates."""
    return replace(priors, overrides={**priors.overrides, "treatment_effect": NO_EFFECT})


def follow(
    cohort: Cohort,
    spec: ModelSpec,
    parameters: Mapping[str, np.ndarray],
    replicates: int,
    rng: np.random.Generator,
) -> Followed:
    """Return replicated cohorts in which nobody's hazard depends on treatment, censored as the cohort is.

    Parameters
    ----------
    cohort : Cohort
        Gives covariates and censoring.
    spec : ModelSpec
        Gives the baseline.
    parameters : mapping of str to ndarray (draw, ...)
        Posterior of a model without effect; one draw for each replicate.
    replicates : int
        How many cohorts.
    rng : numpy.random.Generator
    """
    total = len(parameters["propensity_intercept"])
    chosen = np.linspace(0, total - 1, replicates).astype(int)
    some = {name: values[chosen] for name, values in parameters.items()}
    content = {"outcome_design": cohort.outcome.values}
    shape = (replicates, cohort.size)
    risk = np.broadcast_to(covariate_predictor(some, content, np), shape)
    death = simulate_times(spec.baseline, some, risk, cohort.entry, rng)
    end = censoring_times(cohort, replicates, rng)
    score = np.broadcast_to(propensity_score(some, cohort.propensity.values, np), shape)
    return Followed(np.minimum(death, end), death <= end, score)


def candidate_intercept(score: NDArray, possible: NDArray, share: float) -> float:
    """Return the log odds of an average patient to be a candidate at which the expected share treated is as given.

    Parameters
    ----------
    score : ndarray (replicate, patient)
        Log odds without the intercept.
    possible : ndarray of bool (replicate, patient)
        Whether the start lies within the follow-up.
    share : float
        Of patients treated.

    Returns
    -------
    float
        NaN where too few live to the start: even if everybody were a candidate, fewer would be treated.
    """

    def excess(intercept: float) -> float:
        return float(np.mean(expit(intercept + score) * possible)) - share

    bound = LOG_ODDS + float(np.abs(score).max(initial=0.0))
    if excess(bound) <= 0:
        return float("nan")
    return float(brentq(excess, -bound, bound))


def naive_under_no_effect(
    cohort: Cohort,
    followed: Followed,
    scenarios: Sequence[StartScenario],
    times: Sequence[float] | None,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Return what ever against never would print under each scenario if treatment did nothing.

    Parameters
    ----------
    cohort : Cohort
        Its share treated is matched; its covariates adjust.
    followed : Followed
        Of `follow`.
    scenarios : sequence of StartScenario
    times : sequence of float or None
        Of the survival probabilities; None where ``naive`` and ``naive_adjusted`` are all that is wanted: the rest is NaN.
    rng : numpy.random.Generator

    Returns
    -------
    Dataset
        (run, replicate): ``naive`` and ``naive_adjusted``, log hazard ratios of ever against never treated without and
        with the covariates (Cox, Efron ties); ``split``, the one that start times would give, covariates left out;
        ``median`` by arm (inf: not reached); ``survival`` by arm and time. (run): ``reachable``, the share of patients
        who live to their start; ``candidates``, the share that must be candidates. Where that share does not
        exist, all is NaN.
    """
    replicates, size = followed.time.shape
    ratios = {name: np.full((len(scenarios), replicates), np.nan) for name in RATIOS}
    median = np.full((len(scenarios), replicates, 2), np.nan)
    survival = np.full((len(scenarios), replicates, 2, len(times or ())), np.nan)
    reachable, candidates = np.empty(len(scenarios)), np.full(len(scenarios), np.nan)
    covariates = cohort.outcome.values[:, independent_columns(cohort.outcome.values)]
    for run, scenario in enumerate(scenarios):
        start = scenario.draw(followed.time, rng)
        possible = start < followed.time
        reachable[run] = possible.mean()
        intercept = candidate_intercept(followed.score, possible, float(cohort.treatment.mean()))
        if np.isnan(intercept):
            continue
        chance = expit(intercept + followed.score)
        candidates[run] = chance.mean()
        treated = (rng.random((replicates, size)) < chance) & possible
        for one in range(replicates):
            arm, time, event = treated[one], followed.time[one], followed.event[one]
            ratios["naive"][run, one] = naive_log_hazard_ratio(time, event, arm)
            ratios["naive_adjusted"][run, one] = naive_log_hazard_ratio(time, event, arm, covariates)
            if times is None:
                continue
            ratios["split"][run, one] = split_log_hazard_ratio(time, event, arm, start[one])
            for place, members in enumerate((~arm, arm)):
                curve = ProductLimit(time[members], event[members], np.zeros(members.sum()))
                median[run, one, place] = curve.median
                survival[run, one, place] = curve(times)
    return xr.Dataset(
        {
            **{name: (("run", "replicate"), values) for name, values in ratios.items()},
            "median": (("run", "replicate", "arm"), median),
            "survival": (("run", "replicate", "arm", "time"), survival),
            "reachable": ("run", reachable),
            "candidates": ("run", candidates),
        },
        coords={
            "arm": list(ARMS),
            "time": list(times or ()),
            "scenario": ("run", [one.name for one in scenarios]),
        },
    )


def naive_log_hazard_ratio(
    time: NDArray, event: NDArray, treated: NDArray, covariates: NDArray | None = None
) -> float:
    """Return Cox's log hazard ratio of ever against never treated, adjusted for independent columns; NaN without a finite one."""
    columns = treated.astype(float)[:, None]
    if covariates is not None:
        columns = np.column_stack([columns, covariates])
    return float(EfronCox(time, event, np.zeros(len(time)), columns).maximise()[0])


def split_log_hazard_ratio(time: NDArray, event: NDArray, treated: NDArray, start: NDArray) -> float:
    """Return Cox's log hazard ratio of the time after the start against all other time; starts of the untreated are ignored."""
    begun = np.where(treated, start, np.inf)
    _, begins, ends, died, exposed = split_rows(time, event, begun, np.zeros(len(time)))
    return float(EfronCox(ends, died, begins, exposed[:, None].astype(float)).maximise()[0])
