"""Sampled posteriors against quadrature, fresh compilations and Cox; what is compiled, and when."""

import dataclasses

import arviz as az
import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from numpy.testing import assert_array_equal

import inference.sampling.modes as modes
import inference.sampling.posterior as posteriors
from data.errors import InputError
from data.simulation.simulate import Truth, simulate_cohort
from data.study.formulas import build_design
from data.study.sources import load_cohort
from data.study.study import load_study
from data.study.subcohorts import landmark_cohort
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.geometry import layout_of
from inference.sampling.posterior import Posterior, compiled_for, shear_of, walk_of
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.prior_files import read_prior_set
from models.priors import Prior, PriorSet
from models.specification import ModelSpec, known_parameters, outcome_spec

DEFAULT = PriorSet("default")
STRONG = PriorSet(
    "strong",
    "",
    {
        "treatment_effect": Prior("Normal", {"mu": 0.5, "sigma": 0.15}),
        "log_hazard_level": Prior("Normal", {"mu": -2.5, "sigma": 0.2}),
        "median_survival": Prior("LogNormal", {"mu": 3.0, "sigma": 0.1}),
        "weibull_shape": Prior("LogNormal", {"mu": 0.0, "sigma": 0.1}),
    },
)
SETTINGS = SamplerSettings(chains=4, draws=2000, tune=400, seed=7)
QUICK = SamplerSettings(chains=2, draws=50, tune=100, seed=7)
EXPONENTIAL, WEIBULL = PiecewiseExponential(), Weibull()


@pytest.fixture(scope="module")
def plain(cohort_of):
    """Return 60 patients without covariates from a Weibull hazard; half enter late, if any."""

    def build(delayed, size=60, seed=3):
        rng = np.random.default_rng(seed)
        treatment = np.arange(size) % 2
        entry = np.where(rng.random(size) < 0.5, rng.uniform(0, 15, size), 0.0) * delayed
        reached = np.log(2) * (entry / 20.0) ** 1.4 + rng.exponential(size=size) * np.exp(0.6 * treatment)
        time, censored = 20.0 * (reached / np.log(2)) ** (1 / 1.4), entry + rng.uniform(15, 50, size)
        return cohort_of(np.minimum(time, censored), time <= censored, treatment, entry)

    return build


def posterior_of(cohort, baseline, priors=DEFAULT, score="absent") -> Posterior:
    return Posterior(cohort, ModelSpec(baseline, EFFECTS["constant"](), score), priors)


def moments(log_density, values):
    """Mean and sd of each named quantity over a grid."""
    weights = np.exp(log_density - log_density.max())
    for axis in range(weights.ndim):  # nothing of the posterior lies outside
        assert weights.take([0, -1], axis=axis).max() < 1e-6
    weights /= weights.sum()
    means = {name: float((weights * value).sum()) for name, value in values.items()}
    return {
        name: (means[name], float(np.sqrt((weights * (value - means[name]) ** 2).sum())))
        for name, value in values.items()
    }


def frozen(priors, name):
    return priors.prior(known_parameters()[name]).frozen


def exponential_by_quadrature(cohort, priors):
    level, effect = np.meshgrid(np.linspace(-6, -1.5, 401), np.linspace(-2.5, 2.0, 401), indexing="ij")
    at_risk = cohort.time - cohort.entry
    exposure = [at_risk[~cohort.treatment].sum(), at_risk[cohort.treatment].sum()]
    deaths = [cohort.event[~cohort.treatment].sum(), cohort.event[cohort.treatment].sum()]
    density = sum(deaths) * level + deaths[1] * effect
    density = density - np.exp(level) * (exposure[0] + np.exp(effect) * exposure[1])
    density += frozen(priors, "log_hazard_level").logpdf(level) + frozen(priors, "treatment_effect").logpdf(
        effect
    )
    return moments(density, {"log_hazard_level": level, "treatment_effect": effect})


def weibull_by_quadrature(cohort, priors):
    log_median, log_shape, effect = np.meshgrid(
        np.linspace(1.5, 4.8, 121), np.linspace(-1.0, 1.5, 121), np.linspace(-2.5, 2.0, 121), indexing="ij"
    )
    shape = np.exp(log_shape)
    by_shape = np.exp(log_shape[0, :, 0])
    powers = cohort.time[:, None] ** by_shape - cohort.entry[:, None] ** by_shape
    sums = [powers[arm].sum(axis=0)[None, :, None] for arm in (~cohort.treatment, cohort.treatment)]
    deaths, treated_deaths = cohort.event.sum(), (cohort.event & cohort.treatment).sum()
    density = deaths * (np.log(np.log(2)) + log_shape - shape * log_median) + treated_deaths * effect
    density += (shape - 1) * np.log(cohort.time[cohort.event]).sum()
    density -= np.log(2) * np.exp(-shape * log_median) * (sums[0] + np.exp(effect) * sums[1])
    for name, value in (("median_survival", log_median), ("weibull_shape", log_shape)):
        density += frozen(priors, name).logpdf(np.exp(value)) + value
    density += frozen(priors, "treatment_effect").logpdf(effect)
    values = {"median_survival": np.exp(log_median), "weibull_shape": shape, "treatment_effect": effect}
    return moments(density, values)


def assert_within_four_errors(draws, mean, sd, name):
    assert draws.mean() == pytest.approx(mean, abs=4 * az.mcse(draws, method="mean")), f"mean of {name}"
    assert draws.std() == pytest.approx(sd, abs=4 * az.mcse(draws, method="sd")), f"sd of {name}"


@pytest.mark.slow
@pytest.mark.parametrize("priors", [DEFAULT, STRONG], ids=["default", "strong"])
@pytest.mark.parametrize("delayed", [False, True], ids=["from the start", "delayed entry"])
@pytest.mark.parametrize("baseline", [EXPONENTIAL, WEIBULL], ids=["exponential", "weibull"])
def test_the_posterior_agrees_with_quadrature(plain, baseline, delayed, priors):
    cohort = plain(delayed)
    drawn = sample(posterior_of(cohort, baseline, priors), SETTINGS)
    quadrature = exponential_by_quadrature if baseline is EXPONENTIAL else weibull_by_quadrature
    for name, (mean, sd) in quadrature(cohort, priors).items():
        assert_within_four_errors(drawn.parameters[name], mean, sd, name)
    assert drawn.statistics["diverging"].sum() == 0


@pytest.mark.slow
def test_the_same_seed_gives_the_same_draws_and_another_seed_others(plain):
    posterior = posterior_of(plain(False), EXPONENTIAL)
    first, again = sample(posterior, QUICK), sample(posterior, QUICK)
    other = sample(posterior, dataclasses.replace(QUICK, seed=8))
    for name, value in first.parameters.items():
        assert_array_equal(value, again.parameters[name])
        assert not np.array_equal(value, other.parameters[name])
    assert not np.array_equal(
        first.parameters["treatment_effect"][0], first.parameters["treatment_effect"][1]
    )


@pytest.mark.slow
def test_a_swapped_prior_gives_the_fit_of_a_fresh_compilation(plain, monkeypatch):
    cohort = plain(False)
    sample(posterior_of(cohort, EXPONENTIAL), QUICK)
    swapped = sample(posterior_of(cohort, EXPONENTIAL, STRONG), SETTINGS).parameters
    monkeypatch.setattr(posteriors, "_COMPILED", {})
    fresh = sample(
        posterior_of(cohort, EXPONENTIAL, STRONG), dataclasses.replace(SETTINGS, seed=99)
    ).parameters
    assert len(posteriors._COMPILED) == 1
    for name in ("treatment_effect", "log_hazard_level"):
        one, two = swapped[name], fresh[name]
        error = np.hypot(az.mcse(one, method="mean"), az.mcse(two, method="mean"))
        assert one.mean() == pytest.approx(two.mean(), abs=4 * error)
        error = np.hypot(az.mcse(one, method="sd"), az.mcse(two, method="sd"))
        assert one.std() == pytest.approx(two.std(), abs=4 * error)


@pytest.mark.slow
def test_nothing_is_compiled_again_for_another_cohort_prior_or_size(plain, compilations):
    sample(posterior_of(plain(False), EXPONENTIAL), QUICK)
    others = ((plain(False), STRONG), (plain(True), DEFAULT), (plain(False, 83, seed=4), DEFAULT))
    with compilations() as compiled:
        for cohort, priors in others:
            sample(posterior_of(cohort, EXPONENTIAL, priors), QUICK)
        assert not compiled
        effect = Prior("StudentT", {"nu": 4.0, "mu": 0.0, "sigma": 0.5})
        other = PriorSet("other", "", {"treatment_effect": effect})
        sample(posterior_of(plain(False), EXPONENTIAL, other), QUICK)
    assert compiled == [1]


def by_term(term):
    prior = Prior("StudentT", {"nu": 3.0, "mu": 0.7, "sigma": 0.05})
    return PriorSet(term, "", {}, {"propensity_coefficients": {term: prior}})


def assert_swapped_density_is_fresh(before: Posterior, after: Posterior):
    """A compiled density with the content of another task is the density of that task's own model."""
    compiled_for(before, before.blocks, before.content(before.blocks))
    content = after.content(after.blocks)
    compiled = compiled_for(after, after.blocks, content)
    model = after.build()
    layout = layout_of(model)
    shear, walk = shear_of(after, after.blocks, layout), walk_of(after, layout)
    swapped = {name: value for name, value in content.items() if name in compiled.density.types}
    if shear is not None:
        swapped["shear_matrix"] = shear.matrix
    if walk is not None:
        swapped |= walk.arrays
    density = modes.density_of(compiled, swapped)
    expected = model.compile_logp(mode="FAST_COMPILE")
    start = layout.join({"log_hazard_level": -3.5} if "log_hazard_level" in layout.slices else {})
    rng = np.random.default_rng(2)
    for _ in range(3):
        flat = start + 0.2 * rng.normal(size=layout.size)
        natural, volume = flat if shear is None else shear.apply(flat), 0.0
        if walk is not None:
            volume = walk.natural(natural, walk.arrays, np)[2]
            natural = walk.apply(natural)
        point = {
            model.rvs_to_values[variable].name: natural[layout.slices[variable.name]].reshape(
                (layout.lengths[variable.name],) if layout.lengths[variable.name] else ()
            )
            for variable in model.free_RVs
        }
        assert density(flat)[0] == pytest.approx(float(expected(point)) + volume, rel=1e-9)


@pytest.mark.slow
def test_a_joint_model_with_swapped_content_has_the_density_of_a_fresh_one(small_cohort):
    baseline = PiecewiseExponential((12.0, 36.0))
    before = posterior_of(small_cohort, baseline, DEFAULT, "latent")
    other = simulate_cohort(Truth(latest_entry=6.0), 77, seed=2)
    after = posterior_of(other, PiecewiseExponential((6.0, 20.0)), STRONG, "latent")
    assert_swapped_density_is_fresh(before, after)


@pytest.mark.slow
@pytest.mark.long
def test_another_family_for_another_term_is_not_mistaken_for_the_first(small_cohort):
    """Two prior sets that give one term each a family of its own, but not the same term."""
    before, after = (Posterior(small_cohort, None, by_term(term)) for term in ("age", "grade[T.II]"))
    assert_swapped_density_is_fresh(before, after)


@pytest.mark.slow
def test_under_vague_priors_the_effect_is_that_of_cox():
    study = load_study("gbsg2")
    cohort = load_cohort(study)
    spec = outcome_spec(study, cohort, "piecewise_exponential", "constant", "absent")
    priors = read_prior_set("vague", known_parameters())
    drawn = sample(Posterior(cohort, spec, priors), SamplerSettings(seed=1))
    columns = pd.DataFrame(cohort.outcome.values, columns=list(cohort.outcome.terms))
    columns = columns.assign(treatment=cohort.treatment.astype(float), time=cohort.time, event=cohort.event)
    cox = CoxPHFitter().fit(columns, "time", "event")
    effect = drawn.parameters["treatment_effect"]
    print(f"log HR {effect.mean():.4f} against Cox {cox.params_['treatment']:.4f}")
    assert effect.mean() == pytest.approx(cox.params_["treatment"], abs=0.05)
    assert effect.std() == pytest.approx(cox.standard_errors_["treatment"], rel=0.1)
    assert drawn.statistics["diverging"].sum() == 0
    assert az.rhat(effect) < 1.01


@pytest.mark.parametrize(
    "prior", [Prior("Normal", {"mu": 1e300, "sigma": 1.0}), Prior("Normal", {"mu": 0.0, "sigma": 1e-300})]
)
def test_a_posterior_that_is_nowhere_finite_is_refused_readably(prior):
    cohort = simulate_cohort(dataclasses.replace(Truth(), outcome={}, treatment={}), 60, seed=2)
    spec = ModelSpec(PiecewiseExponential(()), EFFECTS["constant"](), "absent")
    posterior = Posterior(cohort, spec, PriorSet("extreme", "", {"treatment_effect": prior}))
    with pytest.raises(InputError, match=r"the posterior must be finite .*; look at priors"):
        sample(posterior, SamplerSettings(chains=1, draws=20, tune=20))


def test_a_model_without_covariates_takes_a_cohort_of_another_size():
    spec = ModelSpec(PiecewiseExponential(()), EFFECTS["constant"](), "absent")
    for size in (120, 60):
        cohort = simulate_cohort(Truth(), size, seed=2)
        bare = dataclasses.replace(cohort, outcome=build_design("1", cohort.covariates))
        drawn = sample(
            Posterior(bare, spec, PriorSet("default")), SamplerSettings(chains=1, draws=50, tune=50)
        )
        assert np.isfinite(drawn.parameters["treatment_effect"]).all()


@pytest.mark.slow
def test_intervals_with_few_events_or_none_are_entered_without_divergences():
    """With steps sampled as they are, at the same acceptance, 1, 3 and 1 of the draws diverged."""
    everybody = load_cohort(load_study("stanford_heart"))
    cohort = landmark_cohort(everybody, 60.0)
    cutpoints = np.quantile(everybody.time[everybody.event], np.arange(1, 8) / 8)
    posterior = posterior_of(cohort, PiecewiseExponential(tuple(cutpoints.tolist())))
    for seed in (2, 3, 4):
        drawn = sample(posterior, SamplerSettings(chains=4, draws=5000, tune=300, seed=seed))
        assert drawn.statistics["diverging"].sum() == 0


@pytest.mark.slow
@pytest.mark.parametrize("score", ["absent", "latent"])
def test_small_cohorts_have_no_divergences_at_default_settings(score, full):
    """150 patients, five fixed intervals of 19 to 24 events: at most 1 of 100 with --full; else none of 10.

    With steps sampled as they are 6 of 40 such fits without a score had one, and 5 of 40 with it.
    """
    cohorts, diverged = 100 if full else 10, 0
    for number in range(cohorts):
        cohort = simulate_cohort(Truth(), 150, seed=500 + number)
        posterior = posterior_of(cohort, PiecewiseExponential((6.0, 14.0, 26.0, 42.0)), score=score)
        drawn = sample(posterior, SamplerSettings(seed=number))
        diverged += int(drawn.statistics["diverging"].sum() > 0)
    assert diverged <= (1 if full else 0)


@pytest.mark.slow
def test_the_posterior_of_a_walk_agrees_with_quadrature(cohort_of):
    """Two intervals, treatment alone: a grid over effect, first log hazard, step and its standard deviation."""
    rng = np.random.default_rng(8)
    time = np.minimum(rng.exponential(12.0, 40), rng.uniform(5, 30, 40))
    cohort = cohort_of(time, rng.random(40) < 0.6, np.arange(40) % 2)
    baseline = PiecewiseExponential((8.0,))
    drawn = sample(posterior_of(cohort, baseline), SETTINGS)
    exposure = baseline.basis(cohort.time)["exposure"]
    last = baseline.basis(cohort.time)["last_interval"]
    at_risk = [[exposure[cohort.treatment == arm, k].sum() for arm in (False, True)] for k in (0, 1)]
    deaths = [
        [(cohort.event & (cohort.treatment == arm) & (last == k)).sum() for arm in (False, True)]
        for k in (0, 1)
    ]
    level, step, effect, log_sd = np.meshgrid(
        np.linspace(-5.5, -1.2, 61),
        np.linspace(-3.0, 3.0, 81),
        np.linspace(-2.2, 2.2, 51),
        np.linspace(-4.7, 1.4, 55),
        indexing="ij",
    )
    density = np.zeros(level.shape)
    for k, hazard in enumerate((level, level + step)):
        density += sum(deaths[k]) * hazard + deaths[k][1] * effect
        density -= np.exp(hazard) * (at_risk[k][0] + np.exp(effect) * at_risk[k][1])
    density += frozen(DEFAULT, "log_hazard_level").logpdf(level) + frozen(DEFAULT, "treatment_effect").logpdf(
        effect
    )
    density += frozen(DEFAULT, "log_hazard_step_sd").logpdf(np.exp(log_sd)) + log_sd
    density += -0.5 * (step / np.exp(log_sd)) ** 2 - log_sd
    values = {
        "log_hazard_level": level,
        "treatment_effect": effect,
        "log_hazard_step_sd": np.exp(log_sd),
        "log_hazard": level + step,
    }
    for name, (mean, sd) in moments(density, values).items():
        draws = drawn.parameters[name]
        assert_within_four_errors(draws if draws.ndim == 2 else draws[..., 1], mean, sd, name)
