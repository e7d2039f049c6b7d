"""Simulation-based calibration: the rank of a parameter drawn from its prior among draws of its posterior is uniform.

Talts et al. 2018, arXiv 1804.06788; the log likelihood is ranked too, because ranks of parameters alone do not notice a
posterior that leaves data out (Modrak et al. 2023, doi 10.1214/23-BA1404).
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from data.simulation.simulate import simulate_cohort
from data.simulation.truth import Truth
from data.study.cohort import Cohort
from inference.adjustments.adjusted import flat_draws
from inference.calibration.records import death_times, hazards_of, recorded
from inference.predictive.prior_draws import draw_prior
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.posterior import Posterior
from inference.sensitivity.start_times import Exponential
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.effects.by_interval import ByInterval
from models.exposures import Exposure, Naive, TimeSplit
from models.exposures.unknown_start import UnknownStart
from models.predictors import covariate_predictor
from models.priors import Prior, PriorSet
from models.specification import ModelSpec, Score

PATIENTS, CUTPOINTS, MEAN_DELAY = 150, (12.0, 36.0), 8.0
SETTINGS = SamplerSettings(chains=2, draws=500, tune=300)
RANKED = 100  # of the draws: neighbours among 1000 are correlated, every tenth hardly
PRIORS = PriorSet(
    "calibration",
    "Wide enough to move, narrow enough that cohorts look like cohorts: a prior under which all die at once tests nothing.",
    {
        name: Prior(distribution, arguments)
        for name, distribution, arguments in (
            ("log_hazard_level", "Normal", {"mu": -3.5, "sigma": 0.4}),
            ("log_hazard_step_sd", "LogNormal", {"mu": -1.4, "sigma": 0.4}),
            ("median_survival", "LogNormal", {"mu": 3.2, "sigma": 0.4}),
            ("weibull_shape", "LogNormal", {"mu": 0.1, "sigma": 0.3}),
            ("treatment_effect", "Normal", {"mu": 0.0, "sigma": 0.7}),
            ("treatment_effect_step_sd", "LogNormal", {"mu": -1.4, "sigma": 0.5}),
            ("outcome_coefficients", "Normal", {"mu": 0.0, "sigma": 0.4}),
            ("propensity_intercept", "Normal", {"mu": 0.0, "sigma": 0.7}),
            ("propensity_coefficients", "Normal", {"mu": 0.0, "sigma": 0.5}),
            ("propensity_effect", "Normal", {"mu": 0.0, "sigma": 0.5}),
        )
    },
)
STARTS = Exponential("exponential", "exponential, mean 8 months", MEAN_DELAY)


def _model(
    piecewise: bool, score: Score = "absent", exposure: Exposure | None = None, changing: bool = False
) -> ModelSpec:
    effect = ByInterval(CUTPOINTS) if changing else EFFECTS["constant"]()
    baseline = PiecewiseExponential(CUTPOINTS) if piecewise else Weibull()
    return ModelSpec(baseline, effect, score, exposure or Naive())


POSTERIORS: dict[str, ModelSpec] = {
    "piecewise_exponential, none": _model(True),
    "weibull, none": _model(False),
    "piecewise_exponential, joint": _model(True, "latent"),
    "weibull, joint": _model(False, "latent"),
    "piecewise_exponential, by_interval": _model(True, changing=True),
    "piecewise_exponential, time_split": _model(True, exposure=TimeSplit()),
    "weibull, time_split": _model(False, exposure=TimeSplit()),
    "piecewise_exponential, unknown start": _model(True, exposure=UnknownStart(STARTS)),
}


def ranks_of(name: str, number: int, seed: int) -> dict[str, float]:
    """Return where a truth drawn from the prior lies among draws of the posterior that its data give.

    Parameters
    ----------
    name : str
        Of `POSTERIORS`.
    number : int
        Of the replication.
    seed : int

    Returns
    -------
    dict of str to float
        By parameter, and of the log likelihood: rank over the number of draws, ties and ends broken at random, uniform on
        (0, 1) where the posterior is right.
    """
    spec = POSTERIORS[name]
    rng = np.random.default_rng([seed, list(POSTERIORS).index(name), number])
    prior = Posterior(_skeleton(), spec, PRIORS)
    if isinstance(spec.exposure, TimeSplit):  # the prior needs no start times
        prior = replace(prior, spec=replace(spec, exposure=Naive()))
    truth = draw_prior(prior, 1, rng)
    cohort = _cohort_of(spec, {key: value[0] for key, value in truth.items()}, rng)
    posterior = Posterior(cohort, spec, PRIORS)
    drawn = flat_draws(sample(posterior, replace(SETTINGS, seed=int(rng.integers(2**31)))).parameters)
    every = len(drawn["treatment_effect"]) // RANKED
    some = {key: value[::every] for key, value in drawn.items()}
    found = {}
    for key, values in some.items():
        flat, true = values.reshape(len(values), -1), np.reshape(truth[key], (-1,))
        for place in range(flat.shape[1]):
            label = key if values.ndim == 1 else f"{key}[{place + 1}]"
            found[label] = _rank(flat[:, place], float(true[place]), rng)
    likelihood = _log_likelihood(posterior, some)
    found["log likelihood"] = _rank(likelihood, float(_log_likelihood(posterior, truth)[0]), rng)
    return found


@cache
def _skeleton() -> Cohort:
    """Return the patients whose covariates all replications share."""
    return simulate_cohort(Truth(), PATIENTS, seed=1)


def _cohort_of(spec: ModelSpec, truth: Mapping[str, np.ndarray], rng: np.random.Generator) -> Cohort:
    """Return patients drawn from one draw of all parameters."""
    skeleton = _skeleton()
    score = np.zeros(skeleton.size)
    wanted = skeleton.treatment
    # Who is treated, or would be, follows the treatment model.
    if spec.score == "latent" or isinstance(spec.exposure, UnknownStart):
        score = skeleton.propensity.values @ truth["propensity_coefficients"]
        wanted = rng.random(skeleton.size) < 1.0 / (1.0 + np.exp(-truth["propensity_intercept"] - score))
    risk = skeleton.outcome.values @ truth["outcome_coefficients"]
    if spec.score == "latent":
        risk = risk + truth["propensity_effect"] * score
    delayed = not isinstance(spec.exposure, Naive)
    delay = rng.exponential(MEAN_DELAY, skeleton.size) if delayed else np.zeros(skeleton.size)
    ratios = spec.effect.log_ratios({key: value[None] for key, value in truth.items()})[0]
    start = np.where(wanted, delay, np.inf)
    death = death_times(hazards_of(truth, CUTPOINTS, ratios), risk, start, rng)
    return recorded(skeleton, death, start, rng, dated=isinstance(spec.exposure, TimeSplit))


def _log_likelihood(posterior: Posterior, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the log likelihood of all times (draw,)."""
    assert posterior.spec is not None, "the outcome model is calibrated"
    content = posterior.content(posterior.blocks)
    risk = covariate_predictor(parameters, content, np)
    return posterior.spec.exposure.log_likelihood(parameters, content, posterior.spec, risk, np).sum(axis=-1)


def _rank(draws: np.ndarray, truth: float, rng: np.random.Generator) -> float:
    below, equal = int((draws < truth).sum()), int((draws == truth).sum())
    return float((below + rng.random() * (equal + 1)) / (len(draws) + 1))
