"""Draws of the prior have the priors' distributions; the prior sets of li2024 are what preliz gives."""

import re
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from data.study.cohort import validate_cohort
from data.study.study import load_study
from inference.predictive.prior_draws import draw_prior, draw_prior_times, prior_survival
from inference.sampling.posterior import Posterior
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.prior_files import prior_set_names, read_prior_set
from models.priors import Prior, PriorSet
from models.specification import ModelSpec, check_prior_terms, known_parameters

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


SETS = ("default", "enthusiastic", "evidence", "sceptical", "vague")
# methods.md, section 6: what the prior is meant to say of S(t), 95 %.
MEANT = {12.0: (0.54, 0.92), 36.0: (0.12, 0.66), 60.0: (0.02, 0.48)}
# The walk has no drift, so five-year survival reaches further up than was meant; the Weibull's shape further down.
TOLERANCE = {"piecewise_exponential": 0.12, "weibull": 0.13}
SITES = {"brain": (0.45, 0.35), "liver": (0.20, 0.30), "lung": (0.10, 0.30), "bone": (-0.05, 0.30)}


@pytest.fixture(scope="module")
def li2024():
    """The study, made-up patients with its covariates, and its prior sets."""
    study, rng = load_study("li2024"), np.random.default_rng(3)
    columns = {name: rng.choice(list(covariate.levels), 300) for name, covariate in study.covariates.items()}
    columns |= {"time": rng.exponential(40, 300) + 0.1, "event": np.tile([0, 1], 150)}
    columns["treatment"] = rng.permutation(np.repeat(["0", "1"], 150))
    sets = {name: read_prior_set(name, known_parameters(), study.folder) for name in SETS}
    return SimpleNamespace(
        study=study, cohort=validate_cohort(pd.DataFrame(columns), study, "made up"), sets=sets
    )


def normal(li2024, name, parameter, term=""):
    arguments = li2024.sets[name].prior(known_parameters()[parameter], term).arguments
    return arguments["mu"], arguments["sigma"]


def elicited(distribution, lower, upper, mass):
    """Maximum entropy under fixed parameters and a mass in an interval: what preliz makes of a statement."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the plotting that preliz brings
        import preliz

        kind, fixed = distribution
        found = getattr(preliz, kind)(**fixed)
        preliz.maxent(found, lower, upper, mass, plot=False)
    return found.mu, found.sigma


def test_the_study_has_five_sets_which_hide_the_bundled_ones(li2024):
    assert {path.stem for path in (li2024.study.folder / "priors").glob("*.toml")} == set(SETS)
    assert prior_set_names(li2024.study.folder) == ["default", *sorted(set(SETS) - {"default"})]


@pytest.mark.parametrize("name", SETS)
def test_terms_are_those_of_the_design_and_every_prior_has_a_reason(li2024, name):
    priors = li2024.sets[name]
    check_prior_terms(priors, {"outcome_coefficients": li2024.cohort.outcome.terms})
    by_term = [prior for terms in priors.term_overrides.values() for prior in terms.values()]
    assert all(len(prior.reason.split()) >= 5 for prior in (*priors.overrides.values(), *by_term))
    assert {"log_hazard_level", "log_hazard_step_sd", "median_survival", "weibull_shape"} <= set(
        priors.overrides
    )


@pytest.mark.parametrize("name", [name for name in SETS if name != "vague"])
def test_the_sets_differ_in_the_effect_alone(li2024, name):
    default, other = li2024.sets["default"], li2024.sets[name]
    for parameter in set(default.overrides) - {"treatment_effect"}:
        assert other.overrides[parameter] == default.overrides[parameter]
    assert other.term_overrides == default.term_overrides


def test_sites_have_the_priors_of_the_methods(li2024):
    for site, expected in SITES.items():
        assert normal(li2024, "default", "outcome_coefficients", f"{site}[T.1]") == expected
    assert normal(li2024, "default", "outcome_coefficients", "other_site[T.1]") == (0.0, 0.3)


def test_effects_are_what_preliz_makes_of_their_statements(li2024):
    log_ratio = np.log(0.70)
    # P(HR < 0.70) = 5 % around no effect; P(HR > 1) = 5 % around 0.70: 90 % between the limit and its mirror.
    sceptical = elicited(("Normal", {"mu": 0.0}), log_ratio, -log_ratio, 0.90)
    enthusiastic = elicited(("Normal", {"mu": log_ratio}), 2 * log_ratio, 0.0, 0.90)
    evidence = elicited(("Normal", {}), np.log(0.45), np.log(1.47), 0.95)
    for name, found in (("sceptical", sceptical), ("enthusiastic", enthusiastic)):
        np.testing.assert_allclose(normal(li2024, name, "treatment_effect"), found, atol=6e-4)
    np.testing.assert_allclose(normal(li2024, "evidence", "treatment_effect"), evidence, atol=8e-3)
    assert normal(li2024, "default", "treatment_effect") == (0.0, 0.5)
    assert normal(li2024, "vague", "treatment_effect") == (0.0, 1.0)


def test_the_weibull_is_what_preliz_makes_of_medians_and_shapes(li2024):
    median = elicited(("LogNormal", {"mu": np.log(24.0)}), 10.0, 58.0, 0.95)
    np.testing.assert_allclose(normal(li2024, "default", "median_survival"), median, atol=4e-3)
    shape = elicited(("LogNormal", {"mu": 0.15}), 0.65, 2.1, 0.95)
    np.testing.assert_allclose(normal(li2024, "default", "weibull_shape"), shape, atol=8e-3)


def test_the_step_of_the_walk_has_its_mass_where_it_was_meant(li2024):
    prior = li2024.sets["default"].overrides["log_hazard_step_sd"]
    assert np.diff(prior.frozen.cdf([0.1, 0.5])) > 0.93


@pytest.mark.parametrize("name", [name for name in SETS if name != "vague"])
@pytest.mark.parametrize("kind", ["piecewise_exponential", "weibull"])
def test_survival_under_the_prior_is_what_was_meant(li2024, name, kind):
    cutpoints = li2024.study.baseline.cutpoints
    baseline = Weibull() if kind == "weibull" else PiecewiseExponential(cutpoints)
    survival = prior_survival(
        baseline, li2024.cohort, li2024.sets[name], np.array(list(MEANT)), 20_000, seed=7
    )
    reached = np.quantile(survival, [0.025, 0.975], axis=0).T
    np.testing.assert_allclose(reached, list(MEANT.values()), atol=TOLERANCE[kind])


def test_the_readme_prints_the_survival_that_the_default_set_implies(li2024):
    text = (li2024.study.folder / "README.md").read_text(encoding="utf-8")
    bands = [
        np.quantile(
            prior_survival(baseline, li2024.cohort, li2024.sets["default"], np.array(list(MEANT)), 40_000, 5),
            [0.025, 0.975],
            axis=0,
        ).T
        for baseline in (PiecewiseExponential(li2024.study.baseline.cutpoints), Weibull())
    ]
    for place, time in enumerate(MEANT):
        line = next(row for row in text.splitlines() if row.startswith(f"| {time:g} months |"))
        printed = [[float(end) for end in pair] for pair in re.findall(r"(0\.\d\d) to (0\.\d\d)", line)]
        np.testing.assert_allclose(printed, [*(band[place] for band in bands), MEANT[time]], atol=0.011)


def test_the_vague_set_is_wider_than_the_default_everywhere(li2024):
    default, vague = li2024.sets["default"], li2024.sets["vague"]
    for parameter in default.overrides:
        assert vague.overrides[parameter].arguments["sigma"] > default.overrides[parameter].arguments["sigma"]
