"""Members of this file: a baseline, an effect, weights, an estimand, a sensitivity analysis and a section work from their line alone."""

from contextlib import ExitStack
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar
from unittest.mock import patch

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from data.simulation.simulate import Truth, simulate_frame, simulated_study
from data.study.cohort import validate_cohort
from inference.adjustments import ADJUSTMENTS
from inference.adjustments.weighted import bootstrap_scores, weighted_adjustment
from inference.diagnostics.checks.result import at_most
from inference.estimands import ESTIMANDS
from inference.estimands.estimand import Estimand, whole_horizon
from inference.fits.datatree import from_tree, to_tree
from inference.fits.fits import read_fit
from inference.fits.requests import FitRequest, problem_of
from inference.report.content import ReportSection
from inference.report.section import Section
from inference.report.sections import SECTIONS, sections_of, sentences_beside_the_answer, tables_of
from inference.sampling.engine import SamplerSettings
from inference.sensitivity import SENSITIVITIES
from inference.sensitivity.computed import sensitivity_chunks, sensitivity_of
from inference.sensitivity.sensitivity import MainAnalysis, Sensitivity
from inference.storage import cache
from inference.storage.cache import DATASET, cached
from models.baselines import BASELINES
from models.baselines.baseline import Baseline, log_times
from models.components import Component
from models.effects import EFFECTS
from models.effects.effect import TREATMENT_EFFECT, Effect
from models.priors import Parameter, Prior, PriorSet
from models.specification import known_parameters

LOG_LOGISTIC = Parameter(
    "log_logistic", "real", Prior("Normal", {"mu": 1.5, "sigma": 1.5}), "logs of median and shape", "quantity"
)
SLOPE = Parameter(
    "effect_slope", "real", Prior("Normal", {"mu": 0.0, "sigma": 0.5}), "change over one sd of age"
)


@dataclass(frozen=True)
class LogLogistic(Baseline):
    """S(t) = 1 / (1 + (t / median)^shape), in proportional hazards form: parameters along a dimension of their own."""

    name: ClassVar[str] = "log_logistic"
    known: ClassVar[tuple[Parameter, ...]] = (LOG_LOGISTIC,)

    @property
    def components(self):
        return (Component(LOG_LOGISTIC, ("median", "shape")),)

    def basis(self, time, entry=None):
        return log_times(time, entry)

    def log_hazard(self, parameters, basis, xp):
        log_median, log_shape = self._columns(parameters)
        log_odds = xp.exp(log_shape) * (basis["log_time"] - log_median)
        return log_shape - basis["log_time"] + log_odds - xp.log1p(xp.exp(log_odds))

    def cumulative_hazard(self, parameters, basis, xp):
        def until(name):
            log_median, log_shape = self._columns(parameters)
            odds = basis[f"after_{name}_0"] * xp.exp(xp.exp(log_shape) * (basis[f"log_{name}"] - log_median))
            return xp.log1p(odds)

        return until("time") - until("entry") if "log_entry" in basis else until("time")

    def time_at(self, parameters, cumulative_hazard):
        log_median, log_shape = self._columns(parameters)
        with np.errstate(over="ignore"):  # a time too long for a number is infinite
            return np.exp(log_median) * np.expm1(cumulative_hazard) ** np.exp(-log_shape)

    def _columns(self, parameters):
        return parameters["log_logistic"][..., 0, None], parameters["log_logistic"][..., 1, None]

    # What follows is the truth's interface: data are drawn from this hazard.
    def cumulative(self, time):
        return self.cumulative_hazard(TRUE, self.basis(np.asarray(time, dtype=float)), np)

    def inverse(self, cumulative):
        return self.time_at(TRUE, np.asarray(cumulative))


TRUE = {"log_logistic": np.log([30.0, 1.4])}


@dataclass(frozen=True)
class ByAge(Effect):
    """log HR_i = treatment_effect + z_i effect_slope, with z_i the age in standard deviations from the mean."""

    name: ClassVar[str] = "by_age"
    known: ClassVar[tuple[Parameter, ...]] = (TREATMENT_EFFECT, SLOPE)

    def arrays(self, cohort):
        age = cohort.covariates["age"].to_numpy(dtype=float)
        return {"standard_age": (age - age.mean()) / age.std()}

    def modification(self, parameters, content, xp):
        return parameters["effect_slope"][..., None] * content["standard_age"]


def lost_time_ratio(curves):
    """Ratio of the mean times lost up to the horizon."""
    lived = curves.survival @ curves.grid.quadrature
    return ((curves.grid.horizon - lived[:, 1]) / (curves.grid.horizon - lived[:, 0]))[:, None]


def of_treated(propensity, treatment, share=None):
    """Weights under which the controls stand for the treated."""
    return np.where(treatment, 1.0, propensity / (1.0 - propensity))


LOST = Estimand("lost_time_ratio", "ratio", lost_time_ratio, "ratio", whole_horizon, null=1.0, benefit=-1)
MEMBERS = (
    (BASELINES, "log_logistic", LogLogistic),
    (EFFECTS, "by_age", ByAge),
    (ADJUSTMENTS, "of_treated", weighted_adjustment("of_treated", "treated", of_treated)),
    (ESTIMANDS, "lost_time_ratio", LOST),
)


@pytest.fixture(scope="module", autouse=True)
def listed():
    """One line for each member."""
    with ExitStack() as patches:
        for family, name, member in MEMBERS:
            patches.enter_context(patch.dict(family, {name: member}))
        yield


@pytest.fixture(scope="module")
def patients():
    frame, text = simulate_frame(Truth(baseline=LogLogistic()), 300, seed=5)
    study = simulated_study(text)
    return study, validate_cohort(frame, study, "simulated")


MEDIAN, SHAPE = (Prior("Normal", {"mu": mu, "sigma": sigma}) for mu, sigma in ((3.4, 1.0), (0.2, 0.5)))
PRIORS = PriorSet("default", term_overrides={"log_logistic": {"median": MEDIAN, "shape": SHAPE}})


def fitted(patients, adjustment, effect):
    settings = SamplerSettings(chains=2, draws=800, tune=300, seed=2)
    request = FitRequest("log_logistic", adjustment, effect, PRIORS, settings, left_out=False)
    problem = problem_of(*patients, request)
    tree = to_tree(ADJUSTMENTS[adjustment].sample(problem, lambda *_: None), problem, {})
    return problem, from_tree(tree, problem, adjustment), tree, read_fit(*patients, request, tree)


def minus_log_likelihood(place, time, event, log_ratio, weights=1.0):
    """Of a log-logistic hazard, by its survival function."""
    odds = (time / np.exp(place[0])) ** np.exp(place[1])
    hazard = np.exp(place[1]) / time * odds / (1 + odds)
    return np.sum(weights * (np.exp(log_ratio) * np.log1p(odds) - event * (np.log(hazard) + log_ratio)))


@pytest.fixture(scope="module")
def joint(patients):
    return fitted(patients, "joint", "by_age")


def test_a_joint_fit_agrees_with_the_maximum_of_likelihood_times_prior(patients, joint):
    """Covariates and score are one linear predictor, whose priors are wide and left out."""
    _, cohort = patients
    problem, adjusted, _, _ = joint
    modifier = problem.spec.effect.arrays(cohort)["standard_age"]

    def loss(place):
        ratio = cohort.treatment * (place[2] + place[3] * modifier) + cohort.outcome.values @ place[4:]
        prior = ((place[:4] - [3.4, 0.2, 0.0, 0.0]) / [1.0, 0.5, 0.5, 0.5]) ** 2
        return minus_log_likelihood(place, cohort.time, cohort.event, ratio) + prior.sum() / 2

    best = minimize(loss, np.array([3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]), method="BFGS").x
    draws = adjusted.designs[0].parameters
    found = np.stack(
        [*np.moveaxis(draws["log_logistic"], -1, 0), draws["treatment_effect"], draws["effect_slope"]]
    )
    mean, sd = found.mean(axis=(1, 2)), found.std(axis=(1, 2))
    assert np.all(np.abs(mean - best[:4]) < 0.25 * sd), (mean, best[:4], sd)
    truth = np.array([*TRUE["log_logistic"], Truth().log_hazard_ratio, 0.0])
    assert np.all(np.abs(mean[1:] - truth[1:]) < 3 * sd[1:]), (
        "a baseline is of average covariates, the truth of none"
    )


def test_draws_are_kept_along_the_dimension_of_the_baseline(joint):
    _, _, tree, summary = joint
    for group in ("posterior", "prior"):
        kept = tree[group]["log_logistic"]
        assert kept.dims[2:] == ("quantity",)
        assert kept["quantity"].to_numpy().tolist() == ["median", "shape"]
    names = summary.draws["parameter_name"].to_numpy().tolist()
    assert {"log_logistic[median]", "log_logistic[shape]", "effect_slope"} <= set(names)
    assert {"log_logistic", "effect_slope"} <= set(known_parameters())
    assert not [check for check in summary.checks if check.family == "convergence" and check.status == "fail"]


def test_standardised_survival_is_the_mean_over_patients(patients, joint):
    """Had all been treated and had none: against the curve of every patient, without the series that stands for them."""
    _, cohort = patients
    problem, adjusted, _, summary = joint
    draws = {
        name: value.reshape(-1, *value.shape[2:]) for name, value in adjusted.designs[0].parameters.items()
    }
    risk = cohort.outcome.values @ draws["outcome_coefficients"].T
    risk = risk + draws["propensity_effect"] * (cohort.propensity.values @ draws["propensity_coefficients"].T)
    modifier = problem.spec.effect.arrays(cohort)["standard_age"]
    own = draws["treatment_effect"] + modifier[:, None] * draws["effect_slope"]
    table = summary.estimands.set_index(["estimand", "population", "time"]).sort_index()
    for arm, effect in (("treated", own), ("control", 0.0)):
        rows = table.loc[(f"survival_{arm}", "all")]
        for time in rows.index:
            at = (time / np.exp(draws["log_logistic"][:, 0])) ** np.exp(draws["log_logistic"][:, 1])
            expected = np.exp(-np.log1p(at) * np.exp(risk + effect)).mean()
            assert rows.loc[time, "mean"] == pytest.approx(expected, abs=0.001)


def test_the_estimand_is_a_row_of_every_table(joint):
    """Near the ratio of the mean times lost, from the rows of restricted means."""
    *_, summary = joint
    table = summary.estimands.query("population == 'all'").set_index("estimand")
    horizon = table.loc["rmst_treated", "time"]
    lost = [horizon - table.loc[f"rmst_{arm}", "mean"] for arm in ("treated", "control")]
    row = table.loc["lost_time_ratio"]
    assert row["time"] == horizon
    assert row["mean"] == pytest.approx(lost[0] / lost[1], rel=0.02)
    benefit = table.loc["rmst_difference", "probability_of_benefit"]
    assert row["probability_of_benefit"] == pytest.approx(benefit, abs=1e-9)


def test_weights_of_an_own_kind_maximise_the_weighted_likelihood(patients):
    study, cohort = patients
    problem, adjusted, _, summary = fitted((study, cohort), "of_treated", "constant")
    (scores,) = bootstrap_scores(problem)
    weights = of_treated(scores.propensity, cohort.treatment) * scores.bootstrap
    draws = adjusted.designs[0].parameters
    for draw in (0, 7):
        own = weights[draw] / weights[draw].mean()

        def loss(place, own=own):
            return minus_log_likelihood(place, cohort.time, cohort.event, place[2] * cohort.treatment, own)

        best = minimize(loss, np.array([3.0, 0.0, 0.0]), method="BFGS", options={"gtol": 1e-4}).x
        found = [*draws["log_logistic"].reshape(-1, 2)[draw], draws["treatment_effect"].ravel()[draw]]
        assert_allclose(found, best, atol=1e-5)
    lost = summary.estimands["estimand"] == "lost_time_ratio"
    assert set(summary.estimands.loc[lost, "population"]) == {"treated"}
    assert summary.balance["difference_after"].abs().max() < summary.balance["difference_before"].abs().max()


CALLS = []


@cached(DATASET)
def deaths_of_cohort(cohort, number):
    """Return the number of deaths of a cohort."""
    CALLS.append(number)
    return xr.Dataset({"deaths": float(cohort.event.sum())})


DEATHS = Sensitivity(
    "deaths",
    "deaths",
    lambda analysis: analysis.naive,
    deaths_of_cohort,
    lambda analysis: [(cohort, number) for number, cohort in enumerate(analysis.cohorts)],
    lambda computed: sum(float(one["deaths"]) for one in computed),
    lambda total: [at_most("convergence", "deaths", total, 10.0, "deaths of all cohorts")],
)


@pytest.fixture
def analysis(small_cohort):
    study = simulated_study(simulate_frame(Truth(), 50, seed=1)[1])
    main = FitRequest("weibull", "none", "constant", PriorSet("default"), SamplerSettings())
    return MainAnalysis(study, (small_cohort, small_cohort), main)


@patch.dict(SENSITIVITIES, {"deaths": DEATHS}, clear=True)
def test_a_sensitivity_analysis_is_computed_pooled_and_checked_from_its_line(analysis, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "source_of", lambda module: module)  # this one stands outside the layers
    CALLS.clear()
    (chunk,) = sensitivity_chunks(analysis, tmp_path)
    assert chunk.size == 2
    chunk.run()
    assert not sensitivity_chunks(analysis, tmp_path)
    computed = sensitivity_of(analysis, tmp_path)
    assert CALLS == [0, 1]
    total = 2.0 * analysis.cohorts[0].event.sum()
    assert computed.of(DEATHS) == total
    (check,) = computed.checks
    assert (check.family, check.fit, check.subject) == ("convergence", "sensitivity", "deaths")
    assert check.status == ("pass" if total <= 10 else "fail")


@patch.dict(SENSITIVITIES, {"deaths": DEATHS}, clear=True)
def test_what_does_not_apply_is_neither_computed_nor_shown(analysis, tmp_path):
    late = SimpleNamespace(naive=False, study=analysis.study, cohorts=analysis.cohorts, main=analysis.main)
    assert not sensitivity_chunks(late, tmp_path)
    assert sensitivity_of(late, tmp_path).of(DEATHS) is None


SECTION = Section(
    lambda material: [ReportSection("deaths", "Deaths", ("All patients die.",))],
    lambda material: {"deaths": material.results.table},
    lambda material: "All patients die.",
    of_patients=True,
)


@patch.dict(SECTIONS, {"deaths": SECTION}, clear=True)
def test_a_section_brings_its_table_and_its_sentence_from_its_line():
    for source, words in (("file", "patients"), ("reconstruction", "pseudo-patients")):
        study = SimpleNamespace(cohort=SimpleNamespace(source=source))
        material = SimpleNamespace(results=SimpleNamespace(study=study, table="a table"))
        (shown,) = sections_of(material)
        assert shown.paragraphs == (f"All {words} die.",)
        assert tables_of(material) == {"deaths": "a table"}
        assert sentences_beside_the_answer(material) == ["All patients die."]
