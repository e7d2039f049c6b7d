"""The answer hangs neither on the unit of time nor on the unit of a column."""

from dataclasses import replace

import numpy as np
import pytest

from data.simulation.simulate import NormalCovariate, Truth, simulate_cohort
from data.study.formulas import build_design
from inference.predictive.prior_draws import prior_survival
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.posterior import Posterior
from models.baselines import PiecewiseExponential, Weibull
from models.effects import ByInterval, ConstantEffect
from models.exposures import TimeSplit
from models.priors import PriorSet
from models.specification import ModelSpec
from models.units import time_ratio

DEFAULT = PriorSet("default")
SETTINGS = SamplerSettings(chains=4, draws=1000, tune=300, seed=4)
UNITS = ["days", "years"]


@pytest.fixture(scope="module")
def cohort():
    return simulate_cohort(Truth(mean_delay=6.0), 150, seed=21)


def in_unit(cohort, unit):
    ratio = time_ratio("months", unit)
    start = cohort.treatment_start * ratio
    return replace(
        cohort, time=cohort.time * ratio, entry=cohort.entry * ratio, treatment_start=start, time_unit=unit
    )


def baseline_of(kind, ratio):
    cuts = tuple(ratio * cut for cut in (6.0, 18.0, 40.0))
    return {
        "walk": PiecewiseExponential(cuts),
        "independent": PiecewiseExponential(cuts, "independent"),
        "weibull": Weibull(),
    }[kind]


def assert_the_same(one, other):
    """Means within 4 Monte Carlo errors of 3000 draws, spreads within 7 %."""
    error = np.hypot(one.std(), other.std()) / np.sqrt(3000)
    assert abs(one.mean() - other.mean()) < 4 * error
    assert other.std() == pytest.approx(one.std(), rel=0.07)


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("kind", ["walk", "independent", "weibull"])
def test_the_posterior_is_the_same_in_every_unit_of_time(cohort, kind, unit):
    """Independent intervals by the default prior of `log_hazard` hold few events, so that it counts."""
    found = []
    for one in ("months", unit):
        ratio = time_ratio("months", one)
        spec = ModelSpec(baseline_of(kind, ratio), ConstantEffect(), "absent")
        drawn = sample(Posterior(in_unit(cohort, one), spec, DEFAULT), SETTINGS).parameters
        times = ratio * np.array([3.0, 12.0, 50.0])
        flat = {name: value.reshape(-1, *value.shape[2:]) for name, value in drawn.items()}
        survival = np.exp(-spec.baseline.cumulative_hazard(flat, spec.baseline.basis(times), np))
        found.append([flat["treatment_effect"], *survival.T])
    for one, other in zip(*found, strict=True):
        assert_the_same(one, other)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("score", "changes"), [("latent", False), ("absent", True)], ids=["joint", "by interval, time split"]
)
def test_so_it_is_with_a_score_and_with_an_effect_that_changes(cohort, score, changes):
    found = []
    for one in ("months", "days"):
        baseline = baseline_of("walk", time_ratio("months", one))
        effect = ByInterval(baseline.cutpoints) if changes else ConstantEffect()
        spec = ModelSpec(baseline, effect, score)
        spec = replace(spec, exposure=TimeSplit()) if changes else spec
        found.append(sample(Posterior(in_unit(cohort, one), spec, DEFAULT), SETTINGS).parameters)
    assert_the_same(*(one["treatment_effect"].ravel() for one in found))
    assert_the_same(*(one["outcome_coefficients"][..., 0].ravel() for one in found))


@pytest.mark.parametrize("kind", ["walk", "independent", "weibull"])
def test_prior_survival_is_the_same_in_every_unit(cohort, kind):
    found = [
        prior_survival(
            baseline_of(kind, time_ratio("months", unit)),
            in_unit(cohort, unit),
            DEFAULT,
            time_ratio("months", unit) * np.array([1.0, 12.0, 60.0]),
            500,
            3,
        )
        for unit in ("months", *UNITS)
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-7)


CONFOUNDED = Truth(
    log_hazard_ratio=0.0,
    covariates={"marker": NormalCovariate(40.0, 10.0)},
    outcome={"marker": 0.08},
    treatment={"marker": 0.1},
)


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["I(marker / 100)", "I(marker / 1000 + 2)", "I(marker * 50)"])
def test_a_confounder_is_adjusted_for_in_every_unit(formula):
    """A default prior for one unit of the column took the joint hazard ratio from 0.86 to 1.43 in units 100 times as large."""
    cohort, found = simulate_cohort(CONFOUNDED, 300, seed=6), []
    for one in ("marker", formula):
        design = build_design(one, cohort.covariates)
        scaled = replace(cohort, outcome=design, propensity=design)
        spec = ModelSpec(PiecewiseExponential((12.0, 36.0)), ConstantEffect(), "latent")
        drawn = sample(Posterior(scaled, spec, DEFAULT), SETTINGS).parameters
        sd = design.values.std(axis=0)
        found.append(
            [drawn["treatment_effect"].ravel(), *(sd * drawn["outcome_coefficients"].reshape(-1, 1)).T]
        )
    for one, other in zip(*found, strict=True):
        assert_the_same(one, other)
