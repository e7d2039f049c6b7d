"""Covariates left out of the main model: the density of a model that never had them, and what moves when a confounder goes."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from data.simulation.simulate import Truth, simulate_cohort, simulate_frame, simulated_study
from data.simulation.truth import NormalCovariate
from data.study.cohort import validate_cohort
from data.study.subcohorts import without_covariates
from inference.diagnostics.checks.convergence import row_checks
from inference.fits.requests import FitRequest, problem_of
from inference.frequentist.cox_of_cohorts import COMPLETE, NOTHING, TOGETHER, effect_without, left_out_of
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.posterior import Posterior, structure_of
from inference.sensitivity.left_out import (
    effect_without_of_cohort,
    pooled_effect_without,
    untimed_table,
)
from inference.sensitivity.sampled_effect import shortened
from models.baselines import Weibull
from models.effects import EFFECTS
from models.priors import Prior, PriorSet
from models.specification import ModelSpec

MODE = "FAST_COMPILE"
SPEC = ModelSpec(Weibull(), EFFECTS["constant"](), "latent")
SETTINGS = SamplerSettings(chains=2, draws=400, tune=200, seed=3)
BY_TERM = PriorSet(
    "by term",
    term_overrides={"outcome_coefficients": {"grade[T.II]": Prior("Normal", {"mu": 0.4, "sigma": 0.3})}},
)
MAIN = FitRequest("weibull", "joint", "constant", PriorSet("default"), SETTINGS)
CONFOUNDED = Truth(
    log_hazard_ratio=-0.3,
    covariates={"frailty": NormalCovariate(), "age": NormalCovariate(60.0, 10.0)},
    outcome={"frailty": 0.8, "age": 0.01},
    treatment={"frailty": 0.9, "age": -0.02},
)


def with_formula(formula, size=200, seed=6):
    """The same simulated patients under a study whose formulas are another."""
    frame, text = simulate_frame(Truth(), size, seed)
    study = simulated_study(text.replace("age + grade", formula))
    assert study.propensity.formula == study.outcome.formula == formula
    return study, validate_cohort(frame, study, "simulated")


def test_only_the_columns_of_the_covariate_change_and_the_hash():
    _, cohort = with_formula("age + grade + age:grade")
    found = without_covariates(cohort, ["grade"])
    for design, of_all in ((found.outcome, cohort.outcome), (found.propensity, cohort.propensity)):
        assert design.terms == of_all.terms
        kept = [term == "age" for term in design.terms]
        assert sum(kept) == 1
        assert not design.values[:, np.invert(kept)].any()
        assert_array_equal(design.values[:, kept], of_all.values[:, kept])
    assert_array_equal(found.time, cohort.time)
    assert found.sha256 != cohort.sha256
    assert without_covariates(cohort, []).sha256 == cohort.sha256


@pytest.mark.parametrize("priors", [PriorSet("default"), BY_TERM], ids=["default", "by term"])
def test_the_density_is_that_of_formulas_that_never_had_it_times_the_priors_of_what_is_left_out(priors):
    whole, never = (Posterior(with_formula(one)[1], SPEC, priors) for one in ("age + grade", "age"))
    never = dataclasses.replace(never, priors=PriorSet("default"))  # which has no term of grade to override
    zeroed = dataclasses.replace(whole, cohort=without_covariates(whole.cohort, ["grade"]))
    reduced, full = never.build(), zeroed.build()
    rng = np.random.default_rng(4)
    of_grade = stats.norm([0.4 if priors is BY_TERM else 0.0, 0.0], [0.3 if priors is BY_TERM else 1.0, 1.0])
    densities = [model.compile_logp(mode=MODE) for model in (full, reduced)]
    of_effect = [
        model.compile_dlogp(vars=[model["treatment_effect"]], mode=MODE) for model in (full, reduced)
    ]
    slopes = ("outcome_coefficients", "propensity_coefficients")
    for _ in range(3):
        start = full.initial_point()
        point = {name: value + rng.normal(0, 0.3, np.shape(value)) for name, value in start.items()}
        small = point | {name: point[name][:1] for name in slopes}
        of_outcome, of_treatment = (point[name][1:] for name in slopes)
        of_left_out = of_grade.logpdf(of_outcome).sum() + stats.norm(0, 1).logpdf(of_treatment).sum()
        assert_allclose(densities[0](point), densities[1](small) + of_left_out, rtol=1e-12)
        assert_allclose(of_effect[0](point), of_effect[1](small), rtol=1e-10)


def test_nothing_is_compiled_again():
    _, cohort = with_formula("age + grade")
    keys = set()
    for left_out in ([], ["grade"], ["age", "grade"]):
        posterior = Posterior(without_covariates(cohort, left_out), SPEC, PriorSet("default"))
        keys.add(structure_of(posterior, posterior.blocks, posterior.content(posterior.blocks)))
    assert len(keys) == 1


@pytest.mark.slow
def test_draws_are_those_of_a_study_whose_formulas_never_had_it():
    study, cohort = with_formula("age + grade")
    of_never = problem_of(*with_formula("age"), MAIN)
    of_left_out = problem_of(study, without_covariates(cohort, ["grade"]), MAIN)
    found, never = (sample(one.posterior("latent"), SETTINGS).parameters for one in (of_left_out, of_never))
    for name in ("treatment_effect", "median_survival", "weibull_shape"):
        # of the difference of two means, at an ESS of half the draws
        error = never[name].std() * np.sqrt(2 / 400)
        assert found[name].mean() == pytest.approx(never[name].mean(), abs=4 * error)
        assert found[name].std() == pytest.approx(never[name].std(), rel=0.15)
    of_age, other = (one["outcome_coefficients"][..., 0] for one in (found, never))
    assert of_age.std() == pytest.approx(other.std(), rel=0.15)
    # What is left out has its prior.
    assert found["outcome_coefficients"][..., 1].std() == pytest.approx(1.0, rel=0.15)


@pytest.mark.slow
def test_the_main_model_moves_as_cox_does_when_the_confounder_is_left_out(tmp_path, monkeypatch):
    frame, text = simulate_frame(CONFOUNDED, 500, seed=1)
    study = simulated_study(text)
    cohorts = [validate_cohort(frame, study, "simulated"), simulate_cohort(CONFOUNDED, 500, seed=2)]
    groups = {"frailty": ["frailty"], "age": ["age"]}
    rest = (MAIN, groups)
    found = [effect_without_of_cohort(tmp_path, study, one, at, *rest) for at, one in enumerate(cohorts)]
    complete = [sample(problem_of(study, cohort, MAIN).posterior("latent"), SETTINGS) for cohort in cohorts]
    whole = np.mean([one.parameters["treatment_effect"].mean() for one in complete])
    pooled = pooled_effect_without(found).set_index("left_out")
    cox = effect_without(tmp_path, cohorts, groups)
    rows = untimed_table(cox, estimands(whole), len(cohorts), None).set_index("left_out")
    moved = pooled["log_hazard_ratio"] - whole
    of_cox = np.log(rows["cox_hazard_ratio"] / rows.loc[COMPLETE, "cox_hazard_ratio"])
    assert of_cox["frailty"] > 0.3  # it hides that treatment helps
    assert pooled.index.tolist() == ["frailty", "age", TOGETHER]
    for name in pooled.index:
        assert moved[name] == pytest.approx(of_cox[name], abs=0.06)
    assert all(check.status == "pass" for check in row_checks("covariates left out", pooled, "row"))
    monkeypatch.setattr("inference.sensitivity.sampled_effect.sample", None)
    kept = effect_without_of_cohort(tmp_path, study, cohorts[0], 0, MAIN, groups)
    xr.testing.assert_equal(kept, found[0])


def estimands(mean):
    value = np.array([mean, np.exp(mean)])
    table = pd.DataFrame({"estimand": ["log_hazard_ratio", "hazard_ratio"], "mean": value, "median": value})
    table = table.assign(population="conditional", sd=0.1, lower=value - 0.2, upper=value + 0.2)
    return table.assign(probability_of_benefit=0.99, rhat=1.001, ess_bulk=4000.0)


def made(shift, chains_apart=0.0):
    draws = np.random.default_rng(1).normal(-0.5, 0.1, (2, 2, 4000)) + np.array([0.0, shift])[:, None, None]
    draws[1, 0] += chains_apart
    return xr.Dataset(
        {
            "log_hazard_ratio": (("left_out", "chain", "draw"), draws),
            "divergences": ("left_out", [0, 2]),
        },
        coords={"left_out": ["drugs", TOGETHER]},
    )


def test_cohorts_are_pooled_with_equal_weights():
    table = pooled_effect_without([made(0.0), made(0.3)]).set_index("left_out")
    draws = np.concatenate([made(shift)["log_hazard_ratio"].to_numpy()[1].ravel() for shift in (0.0, 0.3)])
    assert table.loc[TOGETHER, "log_hazard_ratio"] == pytest.approx(draws.mean())
    assert table.loc[TOGETHER, "sd"] == pytest.approx(draws.std(ddof=1))
    assert table.loc[TOGETHER, "hazard_ratio"] == pytest.approx(np.exp(np.median(draws)))
    assert table.loc[TOGETHER, "upper"] == pytest.approx(np.exp(np.quantile(draws, 0.975)))
    assert table.loc[TOGETHER, "probability_of_benefit"] == pytest.approx((draws < 0).mean())
    assert table["divergences"].tolist() == [0, 4]
    assert table["cohorts"].tolist() == [2, 2]


def test_chains_that_disagree_fail_and_divergences_too():
    statuses = [
        [check.status for check in row_checks("covariates left out", pooled_effect_without([one]), "row")]
        for one in (made(0.0), made(0.0, 0.3))
    ]
    assert statuses[0] == ["pass", "pass", "fail"]
    assert statuses[1] == ["fail", "fail", "fail"]


def test_the_table_has_cox_beside_the_posterior_and_the_main_fit_where_nothing_is_left_out():
    groups = {"frailty": ["frailty"], "age": ["age"]}
    cox = effect_without.function([simulate_cohort(CONFOUNDED, 150, seed=1)], groups)
    sampled = pooled_effect_without([made(0.2).assign_coords(left_out=["frailty", TOGETHER])])
    table = untimed_table(cox, estimands(-0.7), 1, sampled)
    assert table["left_out"].tolist() == [COMPLETE, "frailty", "age", TOGETHER, NOTHING]
    assert table["terms"].tolist() == [2, 1, 1, 0, 0]
    first, last = sampled["hazard_ratio"]
    assert_allclose(table["hazard_ratio"], [np.exp(-0.7), first, np.nan, last, np.nan])
    assert table["log_hazard_ratio"].iloc[0] == -0.7
    alone = untimed_table(cox, estimands(-0.7), 1, None)
    assert_allclose(alone["cox_hazard_ratio"], table["cox_hazard_ratio"])
    assert alone["hazard_ratio"].notna().tolist() == [True, False, False, False, False]


def test_several_cohorts_share_the_draws_and_single_ones_keep_theirs():
    whole = dataclasses.replace(MAIN, settings=SamplerSettings(chains=2, draws=500, tune=150))
    assert shortened(whole, 20).settings == dataclasses.replace(whole.settings, draws=200)
    assert shortened(whole, 10).settings.draws == 400
    assert shortened(whole, 1) == whole
    assert list(left_out_of({"a": ["x"], "b": ["y", "z"]}, "wxyz")) == [COMPLETE, "a", "b", TOGETHER, NOTHING]
