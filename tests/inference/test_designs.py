"""Designs that make the arms alike: identities where they have nothing to do, and what their checks say."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from data.simulation.simulate import LevelCovariate, Truth, simulate_cohort
from data.study.subcohorts import some_patients
from inference.adjustments import ADJUSTMENTS
from inference.adjustments.adjusted import Problem
from inference.adjustments.weighting import design_weights
from inference.diagnostics.checks.designs import balance_behind, design_checks
from inference.estimands.curves import time_grid
from inference.fits.datatree import to_tree
from inference.fits.tables import estimate
from inference.frequentist.balance import iptw_weights, overlap_weights
from inference.frequentist.matching import logit_propensity
from inference.sampling.engine import SamplerSettings
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.prior_files import read_prior_set
from models.specification import ModelSpec, known_parameters

BASELINES = {"piecewise_exponential": PiecewiseExponential((12.0, 36.0)), "weibull": Weibull()}
DESIGNED = [name for name, kind in ADJUSTMENTS.items() if kind.population]
SETTINGS = SamplerSettings(chains=2, draws=1000, tune=300, seed=8)
GRID = time_grid((12.0, 36.0), 60.0, (12.0, 36.0), 72.0)


def silent(*_):
    """Take no notice of progress."""


@pytest.fixture(scope="module")
def vague():
    return read_prior_set("vague", known_parameters())


def fitted(adjustment, cohort, baseline, priors, settings=SETTINGS, designs=None):
    spec = ModelSpec(BASELINES[baseline], EFFECTS["constant"]())
    count = settings.chains * settings.draws if designs is None else designs
    problem = Problem(cohort, spec, priors, settings, count)
    return problem, ADJUSTMENTS[adjustment].sample(problem, silent)


@pytest.mark.slow
@pytest.mark.parametrize("baseline", list(BASELINES))
def test_weights_without_covariates_are_the_model_without_adjustment(vague, baseline):
    """Constant weights leave a Bayesian bootstrap of the maximum likelihood estimate, close to the posterior.

    With 3000 patients, about 2100 events, posterior and estimate differ by terms of order 1/n: of the mean, under 0.1
    standard deviations (the prior's sd of 1 pulls by 0.2 %); the bootstrap's sd is that of the sandwich, which scatters by
    1.5 % around the model's. Monte Carlo errors of 2000 draws are 2.2 % of an sd for a mean and 1.6 % for an sd.
    """
    truth = Truth(covariates={}, outcome={}, treatment={}, log_hazard_ratio=-0.5, treatment_intercept=-0.3)
    cohort = simulate_cohort(truth, 3000, seed=21)
    draws = {
        name: fitted(name, cohort, baseline, vague, designs=1000)[1].designs[0].parameters["treatment_effect"]
        for name in ("none", "iptw", "overlap")
    }
    plain = draws.pop("none")
    for values in draws.values():
        assert abs(values.mean() - plain.mean()) < 0.2 * plain.std()
        assert values.std() == pytest.approx(plain.std(), rel=0.1)
    assert abs(plain.mean() + 0.5) < 4 * plain.std()


def exponential_posterior(cohort, priors):
    """Mean and sd of the log hazard ratio of the exponential model, by sums over a grid of both parameters."""
    level_prior, effect_prior = (
        priors.prior(known_parameters()[name]).frozen for name in ("log_hazard_level", "treatment_effect")
    )
    deaths = [float(cohort.event[cohort.treatment == arm].sum()) for arm in (False, True)]
    exposure = [float(cohort.time[cohort.treatment == arm].sum()) for arm in (False, True)]
    estimate_of = [np.log(count / total) for count, total in zip(deaths, exposure, strict=True)]
    level = estimate_of[0] + np.linspace(-6, 6, 401)[:, None] / np.sqrt(deaths[0])
    spread = np.sqrt(1 / deaths[0] + 1 / deaths[1])
    effect = estimate_of[1] - estimate_of[0] + np.linspace(-6, 6, 401) * spread
    log_posterior = (
        deaths[0] * level
        - exposure[0] * np.exp(level)
        + deaths[1] * (level + effect)
        - exposure[1] * np.exp(level + effect)
        + level_prior.logpdf(level)
        + effect_prior.logpdf(effect)
    )
    mass = np.exp(log_posterior - log_posterior.max()).sum(axis=0)
    mass /= mass.sum()
    mean = float(mass @ effect)
    return mean, float(np.sqrt(mass @ (effect - mean) ** 2))


@pytest.mark.slow
@pytest.mark.long
def test_pairs_of_twins_are_everybody(vague, cohort_of):
    """Each treated patient has a twin: all are matched, always, and the pairs are the cohort without covariates."""
    rng = np.random.default_rng(5)
    age = rng.normal(0, 1, 150)
    arm = np.tile([1, 0], 150)
    times = rng.exponential(20 * np.exp(-0.4 * np.repeat(age, 2) + 0.6 * arm))
    cohort = cohort_of(np.minimum(times, 40) + 0.01, times < 40, arm, age=np.repeat(age, 2))
    spec = ModelSpec(PiecewiseExponential(), EFFECTS["constant"]())
    problem = Problem(cohort, spec, vague, SamplerSettings(2, 500, 300, 4), designs=4)
    adjusted = ADJUSTMENTS["matched"].sample(problem, silent)
    alone = some_patients(cohort, np.ones(cohort.size, dtype=bool), outcome_terms=False)
    assert {design.posterior.cohort.sha256 for design in adjusted.designs} == {alone.sha256}
    mean, sd = exponential_posterior(cohort, vague)
    pooled = np.stack([design.parameters["treatment_effect"] for design in adjusted.designs])
    assert abs(pooled.mean() - mean) < 5 * sd / np.sqrt(pooled.size / 4)
    assert pooled.std() == pytest.approx(sd, rel=0.08)
    balance = balance_behind(adjusted, problem)
    assert_allclose(balance["difference_after"], 0, atol=1e-12)
    shares = {one.name: one.value for one in design_checks(adjusted, problem, balance)}
    assert shares["overlap: share matched, treated"] == shares["overlap: share matched, control"] == 1.0


def test_weights_at_the_maximum_likelihood_balance_a_saturated_model():
    """Strata have the share that they have in the cohort (iptw), or that of n e (1 - e) (overlap), in both arms."""
    truth = Truth(
        covariates={"grade": LevelCovariate({"I": 0.3, "II": 0.5, "III": 0.2})},
        outcome={"grade[T.III]": 0.6},
        treatment={"grade[T.II]": 0.5, "grade[T.III]": 1.2},
    )
    cohort = simulate_cohort(truth, 500, seed=3)
    logit = logit_propensity(cohort.propensity.values, cohort.treatment)[None]
    grade = cohort.covariates["grade"].to_numpy()
    share = {level: cohort.treatment[grade == level].mean() for level in ("I", "II", "III")}
    size = {level: float((grade == level).sum()) for level in share}
    for kind, weighting in (("iptw", iptw_weights), ("overlap", overlap_weights)):
        weights = design_weights(weighting, 1 / (1 + np.exp(-logit)), cohort.treatment)[0]
        stands_for = {
            level: size[level] * (1.0 if kind == "iptw" else share[level] * (1 - share[level]))
            for level in share
        }
        for arm in (cohort.treatment, ~cohort.treatment):
            for level in share:
                found = weights[arm & (grade == level)].sum() / weights[arm].sum()
                assert found == pytest.approx(stands_for[level] / sum(stands_for.values()), rel=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNED)
def test_estimands_are_of_the_one_population_that_the_design_stands_for(tiny_fits, small_cohort, name):
    _, adjusted, _ = tiny_fits[name]
    table = estimate(adjusted, small_cohort, GRID, 5).table
    assert set(table["population"]) == {ADJUSTMENTS[name].population}
    assert {"log_hazard_ratio", "hazard_ratio", "marginal_hazard_ratio", "rmst_difference"} <= set(
        table["estimand"]
    )
    one = table.set_index("estimand")
    effect = np.stack([design.parameters["treatment_effect"] for design in adjusted.designs], axis=-1)
    assert one.loc["log_hazard_ratio", "mean"] == pytest.approx(effect.mean())
    # without covariates the hazard ratio of the model is the average one
    assert one.loc["marginal_hazard_ratio", "median"] == pytest.approx(
        one.loc["hazard_ratio", "median"], rel=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNED)
def test_maximisers_have_a_monte_carlo_error_and_no_convergence(tiny_fits, name):
    few = tiny_fits[name][0]
    problem = replace(few, designs=1 if name == "matched" else few.settings.chains * few.settings.draws)
    adjusted = ADJUSTMENTS[name].sample(problem, silent)
    table = estimate(adjusted, problem.cohort, GRID, 5).table
    assert table[["rhat", "ess_bulk", "ess_tail"]].isna().all(axis=None)
    finite = table["sd"].notna()
    assert_allclose(table["mcse"][finite], table["sd"][finite] / np.sqrt(500))
    effect = adjusted.designs[0].parameters["treatment_effect"]
    row = table.set_index("estimand").loc["log_hazard_ratio"]
    assert row["mcse"] == pytest.approx(effect.std(ddof=1) / np.sqrt(effect.size))
    assert row["lower"] == pytest.approx(np.quantile(effect, 0.025))
    # an independent draw each: neighbours are not correlated
    assert abs(np.corrcoef(effect.ravel()[1:], effect.ravel()[:-1])[0, 1]) < 4 / np.sqrt(500)


def values_by_hand(problem, adjusted, weights):
    """What the checks of a design hold, by sums."""
    cohort = problem.cohort
    found = {}
    columns, difference = cohort.propensity.values, []
    arms = (cohort.treatment, ~cohort.treatment)
    scale = np.sqrt(sum(columns[arm].var(axis=0, ddof=1) for arm in arms) / 2)
    for one in weights:
        means = [(one[arm, None] * columns[arm]).sum(axis=0) / one[arm].sum() for arm in arms]
        difference.append((means[0] - means[1]) / scale)
    found["overlap: balance after the design"] = np.abs(np.mean(difference, axis=0)).max()
    what = "share matched" if adjusted.adjustment == "matched" else "effective sample size"
    for arm, name in zip(arms, ("treated", "control"), strict=True):
        sizes = [one[arm].sum() ** 2 / (one[arm] ** 2).sum() for one in weights]
        found[f"overlap: {what}, {name}"] = np.mean(sizes) / arm.sum()
    if adjusted.adjustment == "iptw":
        found["overlap: extreme weights"] = np.mean([(one > 10).mean() for one in weights])
    return found


def weights_by_hand(adjusted, cohort):
    """Weights at the score that fits best, or who is in a pair of each design."""
    if adjusted.adjustment == "matched":
        return np.array(
            [np.isin(cohort.patient, one.posterior.cohort.patient) for one in adjusted.designs], dtype=float
        )
    propensity = adjusted.designs[0].propensity
    if adjusted.adjustment == "overlap":
        return np.where(cohort.treatment, 1 - propensity, propensity)
    share = cohort.treatment.mean()
    return np.where(cohort.treatment, share / propensity, (1 - share) / (1 - propensity))


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNED)
def test_checks_hold_what_the_design_did(tiny_fits, name):
    problem, adjusted, _ = tiny_fits[name]
    weights = weights_by_hand(adjusted, problem.cohort)
    expected = values_by_hand(problem, adjusted, weights)
    checks = {one.name: one for one in design_checks(adjusted, problem, balance_behind(adjusted, problem))}
    assert set(checks) == set(expected)
    for check, value in expected.items():
        assert checks[check].value == pytest.approx(value, rel=1e-9, abs=1e-12), check
        assert checks[check].status in ("pass", "warn")
        better = value <= checks[check].threshold
        if "size" in check or "share matched" in check:
            better = value >= checks[check].threshold
        assert (checks[check].status == "pass") == better, check


@pytest.mark.slow
def test_strong_confounding_is_warned_of(vague):
    """Arms that hardly overlap: one in 25 of a stratum gets the other treatment, and stands for all of it."""
    truth = Truth(
        covariates={"site": LevelCovariate({"no": 0.5, "yes": 0.5})},
        outcome={"site[T.yes]": 0.5},
        treatment={"site[T.yes]": 6.4},
    )
    cohort = simulate_cohort(truth, 600, seed=2)
    settings = SamplerSettings(chains=2, draws=250, tune=250, seed=3)
    checks = {}
    for name in DESIGNED:
        problem, adjusted = fitted(name, cohort, "piecewise_exponential", vague, settings, 3)
        made = design_checks(adjusted, problem, balance_behind(adjusted, problem))
        checks[name] = {one.name.removeprefix("overlap: "): one for one in made}
    assert checks["iptw"]["extreme weights"].status == "warn"
    largest = float(checks["iptw"]["extreme weights"].text.split("largest is ")[1].split(",")[0])
    assert largest > 10
    assert checks["iptw"]["effective sample size, treated"].status == "warn"
    for name in ("overlap", "matched"):
        assert "extreme weights" not in checks[name]
    # nobody has the score of the other stratum: as many pairs as the rarer arm of each has patients
    rare = cohort.treatment != (cohort.covariates["site"] == "yes").to_numpy()
    for arm, inside in (("treated", cohort.treatment), ("control", ~cohort.treatment)):
        share = checks["matched"][f"share matched, {arm}"]
        assert share.value == pytest.approx(rare.sum() / inside.sum())
        assert share.status == "warn"
    assert checks["matched"]["balance after the design"].value == pytest.approx(0.0, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ADJUSTMENTS if name not in DESIGNED])
def test_adjustments_without_a_design_have_no_checks_of_one(tiny_fits, name):
    problem, adjusted, _ = tiny_fits[name]
    assert ADJUSTMENTS[name].population == ""
    balance = balance_behind(adjusted, problem)
    assert balance.empty
    assert design_checks(adjusted, problem, balance) == []


@pytest.mark.slow
def test_without_covariates_there_is_no_balance_to_check(vague):
    truth = Truth(covariates={}, outcome={}, treatment={})
    cohort = simulate_cohort(truth, 150, seed=1)
    settings = SamplerSettings(chains=2, draws=250, tune=250, seed=3)
    for name in DESIGNED:
        problem, adjusted = fitted(name, cohort, "piecewise_exponential", vague, settings, 3)
        balance = balance_behind(adjusted, problem)
        pd.testing.assert_frame_equal(balance, pd.DataFrame())
        checks = {one.name: one for one in design_checks(adjusted, problem, balance)}
        assert "overlap: balance after the design" not in checks
        if name == "matched":
            smaller = min(cohort.treatment.sum(), (~cohort.treatment).sum())
            assert checks["overlap: share matched, treated"].value == smaller / cohort.treatment.sum()
            assert {design.posterior.cohort.size for design in adjusted.designs} == {2 * smaller}
        else:
            assert checks["overlap: effective sample size, treated"].value == pytest.approx(1.0)
        assert_allclose(np.ptp(adjusted.designs[0].propensity, axis=1), 0, atol=1e-12)


@pytest.fixture(scope="module")
def one_certain():
    """Patients with a marker that decides on treatment, and one treated patient with a slip of the decimal point in it."""
    draws = np.random.default_rng(5)
    marker = np.exp(draws.normal(3.5, 0.9, 300))
    treated = draws.random(300) < 1 / (1 + np.exp(1 - 0.02 * (marker - 40)))
    marker[np.flatnonzero(treated)[0]] = 12_000.0
    time = draws.exponential(20.0, 300)
    return marker, treated, time


@pytest.mark.parametrize("adjustment", DESIGNED)
def test_a_certain_treatment_is_named_and_the_others_are_weighted(cohort_of, one_certain, vague, adjustment):
    marker, treated, time = one_certain
    cohort = cohort_of(np.minimum(time, 40), time < 40, treated, ca125=marker, age=marker[::-1] ** 0.1)
    spec = ModelSpec(BASELINES["weibull"], EFFECTS["constant"]())
    problem = Problem(cohort, spec, vague, replace(SETTINGS, draws=100), 2)
    adjusted = ADJUSTMENTS[adjustment].sample(problem, silent)
    assert np.isfinite(adjusted.designs[0].parameters["treatment_effect"]).all()
    checks = {one.subject: one for one in design_checks(adjusted, problem, balance_behind(adjusted, problem))}
    certain = checks["certain treatment"]
    assert (certain.status, certain.value) == ("warn", 1.0)
    assert f" {np.flatnonzero(treated)[0] + 1};" in certain.text
    assert "ca125" in certain.text


def test_a_level_that_the_pairs_lack_is_said(cohort_of, vague):
    """One of two patients with the rare level has nobody near, so that no set of pairs has both levels."""
    draws = np.random.default_rng(7)
    treated = draws.random(200) < 0.4
    rare = np.zeros(200)
    rare[np.flatnonzero(treated)[0]] = 1.0
    time = draws.exponential(20.0, 200)
    age = draws.normal(60, 5, 200)
    age[rare > 0] = 150.0
    cohort = cohort_of(np.minimum(time, 40), time < 40, treated, rare=rare, age=age)
    problem = Problem(
        cohort, ModelSpec(BASELINES["weibull"], EFFECTS["constant"]()), vague, replace(SETTINGS, draws=50), 2
    )
    adjusted = ADJUSTMENTS["matched"].sample(problem, silent)
    checks = {one.subject: one for one in design_checks(adjusted, problem, balance_behind(adjusted, problem))}
    assert checks["terms that pairs lack"].text.startswith("rare: ")
    tree = to_tree(adjusted, problem, {})
    assert tree["treatment_model"].to_dataset()["term"].to_numpy().tolist() == ["rare", "age"]
