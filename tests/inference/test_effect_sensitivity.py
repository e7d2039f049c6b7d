"""What effects by interval and by subgroup say: counted from draws, and against Cox models parametrised by cell."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import xarray as xr
from numpy.testing import assert_allclose

from data.errors import CohortWarning
from data.simulation.simulate import LevelCovariate, Truth, simulate_cohort, simulate_frame, simulated_study
from data.study.cohort import validate_cohort
from data.study.study import parse_study
from inference.adjustments import ADJUSTMENTS
from inference.adjustments.adjusted import flat_draws
from inference.fits.fits import FitSummary
from inference.fits.requests import FitRequest, problem_of
from inference.report.figures.effect_over_time import effect_over_time_figure
from inference.report.figures.subgroups import subgroups_figure
from inference.report.sections.effects import effect_section
from inference.sampling.engine import SamplerSettings
from inference.sensitivity.by_subgroup import (
    by_subgroup_in_words,
    cox_by_subgroup,
    effect_by_subgroup,
    error_of_missing,
    subgroup_contrasts,
    unshrunk,
)
from inference.sensitivity.effects import changing_effects
from inference.sensitivity.over_time import effect_over_time, over_time_in_words
from models.effects import BySubgroup
from models.priors import PriorSet

SITES = Truth(
    covariates={"site": LevelCovariate({"0": 0.6, "1": 0.4})}, outcome={"site[T.1]": 0.4}, treatment={}
)


@pytest.fixture(scope="module")
def sites():
    return simulate_cohort(SITES, 300, seed=3)


def summary_of(effect, draws, subgroups, times, parameters):
    """A reading whose draws of the log hazard ratio (row, draw) are given."""
    rows = []
    for name, values, unit in (
        ("log_hazard_ratio", draws, "log ratio"),
        ("hazard_ratio", np.exp(draws), "ratio"),
    ):
        for subgroup, time, row in zip(subgroups, times, values, strict=True):
            low, middle, high = np.quantile(row, [0.025, 0.5, 0.975])
            cell = {"estimand": name, "population": "conditional", "subgroup": subgroup, "time": time}
            null = 0.0 if unit == "log ratio" else 1.0
            benefit = {"probability_of_benefit": (row < null).mean()}
            rows.append({**cell, "unit": unit, "median": middle, "lower": low, "upper": high, **benefit})
    kept = np.concatenate([draws, np.exp(draws)])[:, None, :, None]
    dims = ("chain", "draw", "unit")
    dataset = xr.Dataset(
        {
            "estimand": (("row", *dims), kept),
            "parameter": (("parameter_name", *dims), np.stack(list(parameters.values()))[:, None, :, None]),
        },
        coords={"parameter_name": list(parameters)},
    )
    nothing = xr.Dataset()
    request = FitRequest("weibull", "none", effect, PriorSet("default"), SamplerSettings())
    none = np.zeros(0)
    table = pd.DataFrame(rows)
    return FitSummary(request, table, nothing, nothing, nothing, none, (), none, (0.0, 0.0), dataset, nothing)


@pytest.fixture
def walks():
    """Four draws of three intervals: two fade, one of them across 1; one grows across 1; one is flat."""
    draws = np.log([[0.5, 0.5, 1.2, 0.7], [0.7, 0.9, 0.9, 0.7], [0.8, 1.3, 0.8, 0.7]])
    sd = np.array([0.1, 0.2, 0.3, 0.4])
    return summary_of("by_interval", draws, [""] * 3, [12.0, 36.0, 70.0], {"treatment_effect_step_sd": sd})


def test_fading_and_crossing_are_counted_from_the_draws(walks):
    found = effect_over_time(walks, "months")
    assert found.fading == 0.5
    assert found.crossing == 0.5
    assert found.table["start"].tolist() == [0.0, 12.0, 36.0]
    assert found.table["end"].tolist() == [12.0, 36.0, 70.0]
    assert found.table["hazard_ratio"][0] == pytest.approx(np.median([0.5, 0.5, 1.2, 0.7]))
    assert found.step_sd[0] == pytest.approx(0.25)
    assert found.change[0] == pytest.approx(np.exp(np.median(np.log([1.6, 2.6, 0.8 / 1.2, 1.0]))))
    assert found.step_sd_prior == pytest.approx(np.exp(0.6 * np.array([0.0, -1.96, 1.96])), rel=1e-4)
    assert "not settled" in over_time_in_words(found)
    assert "fades" in over_time_in_words(replace(found, fading=0.97))
    assert "grows" in over_time_in_words(replace(found, fading=0.02))
    late = effect_over_time(replace(walks, request=replace(walks.request, exposure="landmark_20")), "months")
    assert late.table["start"].tolist() == [20.0, 36.0]
    assert late.table["hazard_ratio"].tolist() == found.table["hazard_ratio"].tolist()[1:]
    assert late.change[0] == pytest.approx(np.exp(np.median(np.log([0.8 / 0.7, 1.3 / 0.9, 0.8 / 0.9, 1.0]))))
    assert (late.fading, late.crossing) == (0.5, 0.25)
    with pytest.raises(ValueError, match="must be by_subgroup"):
        effect_by_subgroup(None, walks, pd.DataFrame())


def test_without_shrinkage_each_level_has_the_ratio_of_a_model_by_cell(sites):
    """Treatment with and without the site as two columns of their own, in another library."""
    found = unshrunk(sites, BySubgroup((("site", "1"),))).set_index("subgroup")
    inside = (sites.covariates["site"].astype(str) == "1").to_numpy(float)
    treated = sites.treatment.astype(float)
    columns = np.column_stack([treated * (1 - inside), treated * inside, inside])
    other = sm.PHReg(sites.time, columns, status=sites.event.astype(int), ties="efron").fit()
    assert_allclose(found.loc[["site=0", "site=1"], "estimate"], other.params[:2], atol=1e-5)
    assert_allclose(found.loc[["site=0", "site=1"], "standard_error"], other.bse[:2], rtol=1e-4)
    share = inside.mean()
    assert found.loc["", "estimate"] == pytest.approx((1 - share) * other.params[0] + share * other.params[1])
    assert found["patients"].tolist() == [300, int((1 - inside).sum()), int(inside.sum())]


def test_an_interaction_without_events_has_no_estimate_and_is_not_hidden(sites):
    inside = (sites.covariates["site"].astype(str) == "1").to_numpy()
    none_died = replace(sites, event=sites.event & ~(inside & sites.treatment))
    assert unshrunk(none_died, BySubgroup((("site", "1"),)))["estimate"].isna().all()


def test_over_cohorts_the_variance_between_them_is_added(sites):
    """Two cohorts: their mean, and the within variance with 1.5 times that between."""
    study = simulated_study(simulate_frame(SITES, 10, 1)[1] + '[report]\nsubgroups = ["site"]\n')
    cohorts = [sites, simulate_cohort(SITES, 250, seed=4)]
    draws = np.random.default_rng(1).normal([[-0.4], [-0.6], [-0.1]], 0.1, (3, 200))
    labels = ["", "site=0", "site=1"]
    summary = summary_of("by_subgroup", draws, labels, [np.nan] * 3, {"subgroup_effect_sd": np.exp(draws[0])})
    printed = {("site=1", "treated"): 44.0, ("site=1", "control"): 22.0}
    alone = cox_by_subgroup.function(study, cohorts, summary.request)
    found = effect_by_subgroup(study, summary, alone, printed)
    single = [unshrunk(one, BySubgroup((("site", "1"),))) for one in cohorts]
    estimate = np.array([one["estimate"] for one in single])
    variance = np.array([one["standard_error"] ** 2 for one in single])
    assert_allclose(np.log(found.table["alone"]), estimate.mean(axis=0))
    error = np.sqrt(variance.mean(axis=0) + 1.5 * estimate.var(axis=0, ddof=1))
    assert_allclose(np.log(found.table["alone_upper"] / found.table["alone"]), 1.959964 * error)
    assert found.apart == (draws[2] > draws[1]).mean()
    assert "unlikely to be the same" in by_subgroup_in_words(found)
    assert "do not tell" in by_subgroup_in_words(replace(found, apart=0.9))
    section = effect_section(None, found, ())
    (table,) = section.tables
    assert [row.cells[0].text for row in table.rows] == ["Average patient", "site: no", "site: yes"]
    assert [row.cells[-1].text for row in table.rows] == ["", "", "44 / 22 (0.50)"]
    unprinted = effect_section(None, effect_by_subgroup(study, summary, alone), ()).tables[0]
    assert len(unprinted.columns) == len(table.columns) - 1
    figure = subgroups_figure(found.table)
    assert [label.get_text().strip() for label in figure.axes[0].get_yticklabels()] == [
        "Average",
        "",
        "site",
        "no",
        "",
        "yes",
        "",
    ]


@pytest.mark.parametrize("cohorts", [20, 50])
@pytest.mark.parametrize("between", [0.2, 1.0, 3.0])
def test_the_error_of_a_fraction_of_missing_information_is_that_of_repeated_ensembles(between, cohorts):
    """Means of cohorts drawn again and again: the fraction scatters as the formula says."""
    means = np.random.default_rng(3).normal(0.0, np.sqrt(between), (4000, cohorts))
    inflated = (1 + 1 / cohorts) * means.var(axis=1, ddof=1)
    missing = inflated / (1.0 + inflated)
    assert_allclose(error_of_missing(missing.mean(), cohorts), missing.std(), rtol=0.1)


def test_contrasts_of_subgroups_say_what_is_missing(sites):
    study = simulated_study(simulate_frame(SITES, 10, 1)[1] + '[report]\nsubgroups = ["site"]\n')
    draws = np.random.default_rng(1).normal([[-0.4], [-0.6], [-0.1]], 0.1, (3, 200))
    summary = summary_of(
        "by_subgroup", draws, ["", "site=0", "site=1"], [np.nan] * 3, {"subgroup_effect_sd": np.exp(draws[0])}
    )
    assert subgroup_contrasts(study, summary).empty
    pooling = pd.DataFrame(
        {
            "estimand": ["subgroup_effects[site[T.1]]", "treatment_effect", "log_hazard_ratio"],
            "population": ["parameter", "parameter", "conditional"],
            "mean": [np.log(1.5), -0.4, -0.4],
            "fraction_of_missing_information": [0.5, 0.2, 0.2],
            "cohorts": 50,
        }
    )
    pooled = replace(summary, pooling=pooling)
    (row,) = subgroup_contrasts(study, pooled).to_dict("records")
    assert (row["covariate"], row["level"], row["cohorts"]) == ("site", "yes", 50)
    assert_allclose([row["ratio"], row["missing_information"]], [1.5, 0.5])
    assert_allclose(row["missing_error"], 0.25 * np.sqrt(2 / 49))
    alone = cox_by_subgroup.function(study, [sites], pooled.request)
    section = effect_section(None, effect_by_subgroup(study, pooled, alone), ())
    assert [cell.text for cell in section.tables[1].rows[0].cells][1:] == ["1.50", "0.50", "0.051"]


def staged(formula, size=800, seed=3):
    """A study with stage among its subgroups, and patients in whom the hazard ratio is 0.7 in either stage.

    Stage IV has 2.7 times the hazard, in both arms; formulas are the same but for the outcome's.
    """
    rng = np.random.default_rng(seed)
    stage, site, treated = rng.random(size) < 0.4, rng.random(size) < 0.3, rng.random(size) < 0.5
    time = rng.exponential(40 / np.exp(1.0 * stage + 0.5 * site + np.log(0.7) * treated))
    censored = rng.uniform(30, 70, size)
    frame = pd.DataFrame(
        {
            "t": np.minimum(time, censored) + 0.01,
            "d": (time <= censored).astype(int),
            "a": treated.astype(int),
            "age": rng.normal(60, 8, size),
            "stage": np.where(stage, "IV", np.where(rng.random(size) < 0.5, "I", "II")),
            "site": site.astype(int).astype(str),
        }
    )
    study = parse_study(STAGED.format(formula=formula), Path("staged") / "study.toml")
    return study, validate_cohort(frame, study, "staged")


STAGED = """\
name = "staged"
title = "Staged"
time_unit = "months"
[cohort]
source = "file"
path = "cohort.csv"
[cohort.columns]
time = "t"
event = "d"
treatment = "a"
[treatment]
treated = "1"
[covariates]
age = {{}}
stage = {{levels = ["I", "II", "IV"]}}
site = {{levels = ["0", "1"]}}
[propensity]
formula = "age + stage + site"
[outcome]
formula = "{formula}"
[baseline]
cutpoints = [12, 36]
[report]
subgroups = ["stage", "site"]
"""
SHORT = SamplerSettings(chains=2, draws=500, tune=300, seed=1)


@pytest.mark.parametrize(
    ("formula", "added"),
    [
        ("age + stage + site", ()),
        ("C(stage, contr.sum) + site", ()),
        ("age + site", ("stage[T.II]", "stage[T.IV]")),
        ("age + I(1 * (stage == 'IV'))", ("stage[T.II]", "site[T.1]")),
        ("1", ("stage[T.II]", "stage[T.IV]", "site[T.1]")),
    ],
)
def test_main_effects_of_subgroups_are_in_the_outcome_model(formula, added):
    """Those levels are added that the formula does not span, as columns of 0 and 1, centred; nothing else moves."""
    study, cohort = staged(formula, 200)
    request = FitRequest("weibull", "none", "by_subgroup", PriorSet("default"), SHORT)
    problem = problem_of(study, cohort, request)
    before, after = cohort.outcome, problem.cohort.outcome
    assert after.terms == (*before.terms, *added)
    assert_allclose(after.values[:, : len(before.terms)], before.values)
    for place, term in enumerate(added, start=len(before.terms)):
        name, level = term[:-1].split("[T.")
        raw = after.values[:, place] + after.means[place]
        assert_allclose(raw, cohort.covariates[name].astype(str) == level, atol=1e-12)
    assert (problem.cohort is cohort) == (not added)
    assert (problem.cohort.sha256 == cohort.sha256) == (not added)
    same = problem_of(study, cohort, FitRequest("weibull", "none", "constant", PriorSet("default"), SHORT))
    assert same.cohort is cohort


@pytest.mark.slow
@pytest.mark.parametrize(
    "adjustment", [*(pytest.param(one, marks=pytest.mark.long) for one in ("none", "cut")), "joint"]
)
def test_a_subgroup_outside_the_outcome_formula_modifies_no_effect(adjustment):
    """Without its main effect the hazard ratios of stage I and IV were 0.48 and 1.20, where 0.70 is true in both."""
    study, cohort = staged("age", 800)
    request = FitRequest(
        "piecewise_exponential", adjustment, "by_subgroup", PriorSet("default"), SHORT, designs=2
    )
    problem = problem_of(study, cohort, request)
    adjusted = ADJUSTMENTS[adjustment].sample(problem, lambda *_: None)
    flat = flat_draws(adjusted.designs[0].parameters)
    reported = problem.spec.effect.reported(flat, problem.cohort, 70.0)
    found = {one.subgroup: float(np.median(one.draws)) for one in reported}
    assert abs(found["stage=IV"] - found["stage=I"]) < 0.2
    assert abs(found["stage=IV"] - np.log(0.7)) < 0.25
    place = problem.cohort.outcome.terms.index("stage[T.IV]")
    assert np.median(flat["outcome_coefficients"][:, place]) == pytest.approx(1.0, abs=0.3)
    alone = unshrunk(cohort, problem.spec.effect).set_index("subgroup")["estimate"]
    inside = unshrunk(staged("age + stage + site", 800)[1], problem.spec.effect).set_index("subgroup")[
        "estimate"
    ]
    assert_allclose(alone, inside, atol=1e-6)


def test_a_study_allows_the_shapes_that_its_intervals_and_subgroups_give(sites):
    text = simulate_frame(SITES, 10, 1)[1]
    assert changing_effects(simulated_study(text), sites) == ["by_interval"]
    marked = simulated_study(text + '[report]\nsubgroups = ["site"]\n')
    assert changing_effects(marked, sites) == ["by_interval", "by_subgroup"]
    single = simulated_study(text + "[baseline]\ncutpoints = []\n")
    assert changing_effects(single, sites) == []


def test_subgroups_without_levels_are_left_out_and_it_is_said():
    cohort = simulate_cohort(Truth(), 80, seed=3)
    study = simulated_study(simulate_frame(Truth(), 10, 1)[1] + '[report]\nsubgroups = ["age"]\n')
    with pytest.warns(
        CohortWarning, match="no effects by subgroup: .* must name covariates with levels .* found age"
    ):
        assert changing_effects(study, cohort) == ["by_interval"]


def test_the_figure_over_time_shows_each_interval_and_the_constant_model(walks):
    found = effect_over_time(walks, "months")
    (axes,) = effect_over_time_figure(found.table, "months", (0.7, 0.5, 0.9)).axes
    steps = [patch.get_data() for patch in axes.patches if hasattr(patch, "get_data")]
    assert_allclose(steps[1].values, found.table["hazard_ratio"])
    assert_allclose(steps[0].baseline, found.table["lower"])
    assert_allclose(steps[0].edges, [0, 12, 36, 70])
    assert axes.get_xlabel() == "Time (months)"
    section = effect_section(found, None, ())
    assert "0.50" in section.paragraphs[0]
    assert len(section.tables[0].rows) == 3
