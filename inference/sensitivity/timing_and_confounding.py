"""Delay of treatment and an unmeasured confounder together: hazard ratio and RMST difference over both, one cohort at a time.

A late start and an overlooked condition both make treatment look better than it is, and either alone may seem too weak to
explain a benefit. The surface has the mean delay on one axis and the strength of the condition on the other.
"""

from dataclasses import replace

import numpy as np
import xarray as xr
from scipy.special import expit

from data.study.cohort import Cohort
from inference.adjustments.adjusted import flat_draws
from inference.estimands.curves import TimeGrid, time_grid
from inference.estimands.mixture import mixture
from inference.sampling.approximation import approximate_draws
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.posterior import Posterior
from inference.sensitivity.start_times import delayed
from inference.storage.cache import DATASET, cached
from models.exposures.unknown_start import UnknownStart
from models.exposures.unknown_start_and_confounder import UnknownStartAndConfounder
from models.exposures.unmeasured_confounder import UnmeasuredConfounder
from models.predictors import covariate_predictor
from models.priors import PriorSet
from models.propensity import propensity_score
from models.specification import ModelSpec

EFFECT = "treatment_effect"
DELAYS = (0.0, 4.0, 9.0, 16.0, 24.0)  # mean delays in months
STRENGTHS = (1.0, 1.6, 2.5, 4.0)  # hazard ratio of the condition, and ratio of its prevalences
PREVALENCE = 0.2  # among candidates for treatment; held
DRAWS = 1000  # of each cell, over all cohorts together; at least FEWEST of each cohort
FEWEST = 50
SAMPLED = ((2, 1), (4, 3))  # (delay, strength): the middle, and the strongest of both; of the first cohort


def confounder_of(strength: float) -> UnmeasuredConfounder:
    """Return the condition that multiplies the hazard by as much as it is more common among those who are no candidates."""
    return UnmeasuredConfounder(PREVALENCE, PREVALENCE * strength, float(np.log(strength)))


def draws_of_cohort(cohorts: int) -> int:
    """Return an even number of draws for each of several cohorts, so that all together are enough."""
    return max(FEWEST, 2 * -(-DRAWS // (2 * cohorts)))


@cached(DATASET)
def surface_of_cohort(
    cohort: Cohort,
    number: int,
    spec: ModelSpec,
    horizon: float,
    priors: PriorSet,
    settings: SamplerSettings,
    draws: int,
) -> xr.Dataset:
    """Return the effect in one cohort at every delay and strength.

    `inference.sensitivity.timing.why_no_scenarios` must be empty. The cohort's number decides its random numbers; of the first some
    cells are sampled too, as the settings say. `spec` has baseline and constant effect, the horizon is that of the restricted mean,
    and `draws`, an even number, are of the RMST difference in each cell.

    Returns
    -------
    Dataset
        mean, sd (delay, strength) of the log hazard ratio; rmst_difference (delay, strength, draw); of the first cohort
        shift, sd_ratio, rmst_shift (cell) too; attribute horizon.
    """
    scenarios = delayed(cohort.time_unit, DELAYS)
    rng = np.random.default_rng([settings.seed, number, 11])
    half = rng.standard_normal((draws // 2, _most_coordinates(cohort, spec)))
    # Antithetic: the mean of what is nearly linear has nearly no error.
    normals = np.concatenate([half, -half])
    patients = rng.standard_exponential((len(normals), cohort.size))
    grid = time_grid(spec.cutpoints, horizon, (), horizon)

    def posterior(place: tuple[int, int]) -> Posterior:
        at, strength = place
        both = UnknownStartAndConfounder(UnknownStart(scenarios[at]), confounder_of(STRENGTHS[strength]))
        return Posterior(cohort, replace(spec, exposure=both), priors)

    shape = (len(DELAYS), len(STRENGTHS))
    mean, sd, rmst = np.empty(shape), np.empty(shape), np.empty((*shape, len(normals)))
    # To and fro, so that each search begins at the mode of a neighbour.
    steps = range(shape[1])
    places = [(at, strength) for at in range(shape[0]) for strength in (steps[::-1] if at % 2 else steps)]
    approximations = approximate_draws(map(posterior, places), EFFECT, normals)
    for place, found in zip(places, approximations, strict=True):
        mean[place], sd[place] = found.mean, found.sd
        confounder = confounder_of(STRENGTHS[place[1]])
        rmst[place] = rmst_differences(found.parameters, spec, cohort, grid, confounder, patients)
    axes = {"delay": list(DELAYS), "strength": list(STRENGTHS)}
    computed = xr.Dataset(
        {
            "mean": (("delay", "strength"), mean),
            "sd": (("delay", "strength"), sd),
            "rmst_difference": (("delay", "strength", "draw"), rmst),
        },
        coords=axes,
        attrs={"horizon": horizon},
    )
    if number > 0:
        return computed
    off = []
    for place in SAMPLED:
        drawn = sample(posterior(place), settings).parameters
        flat = flat_draws(drawn)
        effect = flat[EFFECT]
        some = {name: values[:: max(1, len(effect) // 500)] for name, values in flat.items()}
        again = rng.standard_exponential((len(some[EFFECT]), cohort.size))
        exact = rmst_differences(some, spec, cohort, grid, confounder_of(STRENGTHS[place[1]]), again)
        off.append(
            (
                (mean[place] - effect.mean()) / effect.std(),
                sd[place] / effect.std(),
                (rmst[place].mean() - exact.mean()) / exact.std(),
            )
        )
    named = zip(("shift", "sd_ratio", "rmst_shift"), np.transpose(off), strict=True)
    return computed.assign({name: ("cell", values) for name, values in named})


def rmst_differences(
    parameters: dict[str, np.ndarray],
    spec: ModelSpec,
    cohort: Cohort,
    grid: TimeGrid,
    confounder: UnmeasuredConfounder,
    patients: np.ndarray,
) -> np.ndarray:
    r"""Return draws of the difference in restricted mean survival time, all patients treated from time zero against none.

    Standardised over the patients and over the condition, which patient i has with probability
    :math:`q_i p_1 + (1 - q_i) p_0`, q the probability of being a candidate.

    In the cohort's time unit (draw,), from parameters (draw, ...) and weights of the Bayesian bootstrap of the patients (draw,
    patient), before they are made to sum to 1. The grid gives horizon and quadrature.
    """
    used = grid.quadrature > 0
    time, weight = grid.time[used], grid.quadrature[used]
    cumulative = spec.baseline.cumulative_hazard(parameters, spec.baseline.basis(time), np)
    treated = cumulative * np.exp(parameters[EFFECT])[:, None]
    draws = (len(cumulative), cohort.size)
    of_outcome = {name: value for name, value in parameters.items() if name == "outcome_coefficients"}
    risk = np.broadcast_to(
        covariate_predictor(of_outcome, {"outcome_design": cohort.outcome.values}, np), draws
    )
    log_odds = parameters["propensity_intercept"][:, None]
    if cohort.propensity.terms:
        log_odds = log_odds + propensity_score(parameters, cohort.propensity.values, np)
    q = expit(log_odds)
    share = np.broadcast_to(q * confounder.p_treated + (1.0 - q) * confounder.p_control, draws)
    recorded = np.where(cohort.treatment, confounder.p_treated, confounder.p_control).mean()
    without = risk - confounder.log_hazard_ratio * recorded
    log_risk = np.concatenate([without, without + confounder.log_hazard_ratio], axis=1)
    both = np.concatenate([patients * (1.0 - share), patients * share], axis=1)[None]
    both = both / both.sum(axis=-1, keepdims=True)
    reached = np.concatenate([cumulative, treated], axis=1)
    mixed = mixture(log_risk, both, reached.min(axis=1), reached.max(axis=1))
    of_control, of_treated = (mixed.evaluate(one)[0][0] @ weight for one in (cumulative, treated))
    return of_treated - of_control


def _most_coordinates(cohort: Cohort, spec: ModelSpec) -> int:
    """Return a number that the model's coordinates do not exceed."""
    return 10 + 2 * len(spec.cutpoints) + len(cohort.outcome.terms) + len(cohort.propensity.terms)
