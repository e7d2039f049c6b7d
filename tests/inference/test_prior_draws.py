"""Draws of the prior have the priors' distributions, and the survival that they imply."""

import numpy as np
import pytest
from scipy import stats

from inference.predictive.prior_draws import draw_prior, draw_prior_times, prior_survival
from inference.sampling.posterior import Posterior
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.priors import Prior, PriorSet
from models.specification import ModelSpec, known_parameters

BY_TERM = PriorSet(
    "by term",
    "",
    {"log_hazard_level": Prior("Normal", {"mu": -3.5, "sigma": 0.3})},
    {"outcome_coefficients": {"grade[T.II]": Prior("StudentT", {"nu": 4.0, "mu": 0.5, "sigma": 0.1})}},
)


def drawn(cohort, baseline, score="latent", priors=BY_TERM, draws=4000):
    posterior = Posterior(cohort, ModelSpec(baseline, EFFECTS["constant"](), score), priors)
    return posterior, draw_prior(posterior, draws, np.random.default_rng(4))


@pytest.mark.parametrize(
    "baseline", [PiecewiseExponential((12.0, 36.0)), PiecewiseExponential((12.0,), "independent"), Weibull()]
)
def test_every_parameter_has_its_prior(small_cohort, baseline):
    _, values = drawn(small_cohort, baseline)
    for name, parameter in known_parameters().items():
        if name not in values or (
            name == "log_hazard" and baseline.name != "weibull" and baseline.smoothing != "independent"
        ):
            continue
        columns = values[name].reshape(4000, -1).T
        terms = small_cohort.outcome.terms if parameter.dim == "term" else [""] * len(columns)
        assert len(columns) == len(terms)
        age_sd = small_cohort.covariates["age"].std(ddof=0)
        for column, term in zip(columns, terms, strict=True):
            prior = BY_TERM.prior(parameter, term)
            scale = age_sd if term == "age" and prior.per == "sd" else 1.0  # grades are 0 or 1
            assert stats.kstest(scale * column, prior.frozen.cdf).pvalue > 1e-3


def test_the_random_walk_has_steps_of_its_standard_deviation(small_cohort):
    _, values = drawn(small_cohort, PiecewiseExponential((12.0, 36.0)))
    np.testing.assert_array_equal(values["log_hazard"][:, 0], values["log_hazard_level"])
    steps = np.diff(values["log_hazard"], axis=1) / values["log_hazard_step_sd"][:, None]
    assert stats.kstest(steps.ravel(), "norm").pvalue > 1e-3


def test_survival_is_that_of_the_average_untreated_patient(small_cohort):
    times = np.array([0.0, 12.0, 60.0])
    survival = prior_survival(PiecewiseExponential(), small_cohort, BY_TERM, times, 20_000, seed=1)
    assert survival.shape == (20_000, 3)
    assert np.all(survival[:, 0] == 1)
    # S(12) < s where the log hazard is above log(-log(s) / 12)
    for level in (0.5, 0.7, 0.9):
        expected = stats.norm(-3.5, 0.3).sf(np.log(-np.log(level) / 12.0))
        assert (survival[:, 1] < level).mean() == pytest.approx(expected, abs=0.015)


def test_the_same_seed_gives_the_same_survival(small_cohort):
    one, two = (
        prior_survival(Weibull(), small_cohort, BY_TERM, np.array([5.0]), 10, seed=1) for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("score", ["absent", "latent"])
def test_times_of_the_prior_are_one_for_each_draw_and_patient(small_cohort, score):
    posterior, values = drawn(small_cohort, Weibull(), score, draws=50)
    times = draw_prior_times(posterior, values, np.random.default_rng(1))
    assert times.shape == (50, small_cohort.size)
    assert np.all(times > 0)
