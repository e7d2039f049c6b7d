"""The effect if treatment began as a scenario says, one cohort at a time: draws by scenario, a curve over mean delays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from data.study.cohort import Cohort
from data.study.study import Study
from inference.adjustments.adjusted import flat_draws
from inference.frequentist.cox_model import independent_columns
from inference.sampling.approximation import approximate_each
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.posterior import Posterior
from inference.sensitivity.no_effect import (
    follow,
    naive_log_hazard_ratio,
    naive_under_no_effect,
    without_effect,
)
from inference.sensitivity.start_times import (
    DELAYS,
    UNITS_PER_MONTH,
    StartScenario,
    delayed,
    scenarios_of,
)
from inference.storage.cache import DATASET, cached
from models.exposures.unknown_start import UnknownStart
from models.priors import PriorSet
from models.specification import ModelSpec

EFFECT = "treatment_effect"
ELICITED_RUNS, REPLICATES = 20, 400  # over all cohorts together
FEWEST_DRAWS, MOST_DRAWS = 250, 1000  # of each chain; fewer where cohorts are many
# The posterior is whitened before it is sampled, so that only a step size is left to learn: in two cohorts and three scenarios
# 150 draws of warm-up gave steps of 0.55, on average, and 300 gave 0.59, with as many effective draws of the effect.
TUNE = 150


@dataclass(frozen=True)
class TimingSettings:
    """How much is computed for each cohort."""

    sampler: SamplerSettings  # of each scenario
    designs: int  # draws of the elicited scenario
    replicates: int  # cohorts simulated under no effect, for each scenario


def timing_settings(cohorts: int, sampler: SamplerSettings) -> TimingSettings:
    """Return what each of several cohorts has to compute, so that all together are enough."""
    draws = min(sampler.draws, max(FEWEST_DRAWS, MOST_DRAWS // cohorts))
    short = replace(sampler, draws=draws, tune=min(sampler.tune, TUNE))
    return TimingSettings(short, -(-ELICITED_RUNS // cohorts), -(-REPLICATES // cohorts))


def why_no_scenarios(study: Study, cohorts: Sequence[Cohort]) -> str:
    """Return a sentence on why there are no start-time scenarios; empty where there are."""
    if study.time_unit not in UNITS_PER_MONTH:
        return (
            "No start-time scenarios: they are stated in months, and how long a month is in the study's time unit "
            f"({study.time_unit}) is not known; known are {', '.join(UNITS_PER_MONTH)}."
        )
    if any(np.any(cohort.entry > 0) for cohort in cohorts):
        return (
            "No start-time scenarios: some patients came under observation after time zero, and whether their treatment "
            "had begun by then is not known."
        )
    return ""


@cached(DATASET)
def timing_of_cohort(
    cohort: Cohort,
    number: int,
    spec: ModelSpec,
    times: tuple[float, ...],
    priors: PriorSet,
    settings: TimingSettings,
) -> xr.Dataset:
    """Return the effect in one cohort under every scenario, and what no effect would print.

    `why_no_scenarios` must be empty. The cohort's number decides its draws of the elicited scenario and its seeds; `spec` has
    baseline and constant effect; `times` are those of the survival that no effect would print.

    Returns
    -------
    Dataset
        `log_hazard_ratio` (run, chain, draw) with `scenario` and `label` (run); `divergences` (run); `delay_mean` and
        `delay_sd` (delay), the normal approximation of the log hazard ratio by mean delay in months; `naive`,
        `naive_adjusted`, `split`, `median`, `survival`, `reachable`, `candidates` of
        `no_effect.naive_under_no_effect` by run; the first two also by delay as `delay_naive`, `delay_naive_adjusted`; and
        of the cohort itself `observed_naive`, `observed_naive_adjusted`.
    """
    seed = settings.sampler.seed
    rng = np.random.default_rng([seed, number, 8])
    scenarios = scenarios_of(cohort.time_unit, rng, settings.designs)
    delays = delayed(cohort.time_unit)

    def posterior(scenario: StartScenario, priors: PriorSet = priors) -> Posterior:
        # Who is a candidate says nothing of the effect (`UnknownStart.candidacy`): half of the coordinates are spared.
        return Posterior(cohort, replace(spec, exposure=UnknownStart(scenario, candidacy=False)), priors)

    draws, divergences = [], []
    for run, scenario in enumerate(scenarios):
        chosen = replace(settings.sampler, seed=seed + 100_003 * number + 7919 * run)
        result = sample(posterior(scenario), chosen)
        draws.append(result.parameters[EFFECT])
        divergences.append(int(result.statistics["diverging"].sum()))
    means, spreads = zip(*approximate_each(map(posterior, delays), EFFECT), strict=True)
    # Where all begin at zero the candidates are the treated: their model is the treatment model, independent of the rest.
    null = sample(posterior(scenarios[0], without_effect(priors)), settings.sampler).parameters
    null = null | sample(Posterior(cohort, None, priors), settings.sampler).parameters
    followed = follow(cohort, spec, flat_draws(null), settings.replicates, rng)
    by_run = naive_under_no_effect(cohort, followed, scenarios, times, rng)
    by_delay = naive_under_no_effect(cohort, followed, delays, None, rng)
    observed = cohort.time, cohort.event, cohort.treatment
    covariates = cohort.outcome.values[:, independent_columns(cohort.outcome.values)]
    return by_run.assign(
        log_hazard_ratio=(("run", "chain", "draw"), np.stack(draws)),
        label=("run", [scenario.label for scenario in scenarios]),
        divergences=("run", divergences),
        delay_mean=("delay", list(means)),
        delay_sd=("delay", list(spreads)),
        delay_naive=(("delay", "replicate"), by_delay["naive"].to_numpy()),
        delay_naive_adjusted=(("delay", "replicate"), by_delay["naive_adjusted"].to_numpy()),
        observed_naive=naive_log_hazard_ratio(*observed),
        observed_naive_adjusted=naive_log_hazard_ratio(*observed, covariates),
    ).assign_coords(delay=list(DELAYS))
