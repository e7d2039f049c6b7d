"""Priors as values: every family and its SciPy twin, overrides by name and by term, and the same prior in other units."""

from pathlib import Path

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from data.errors import CohortWarning, InputError
from data.study.formulas import build_design
from models.families import FAMILIES
from models.prior_files import read_prior_set
from models.priors import Parameter, Prior, PriorSet
from models.propensity import OUTCOME_COEFFICIENTS
from models.specification import check_prior_terms, known_parameters
from models.units import column_scales, in_time_unit, median_survival, per_unit, time_ratio

ARGUMENTS = {
    "Normal": {"mu": -0.4, "sigma": 0.7},
    "StudentT": {"nu": 4.0, "mu": 1.2, "sigma": 0.6},
    "HalfNormal": {"sigma": 0.8},
    "HalfStudentT": {"nu": 3.0, "sigma": 0.5},
    "LogNormal": {"mu": 0.3, "sigma": 0.6},
    "Gamma": {"alpha": 2.5, "beta": 1.7},
    "Exponential": {"lam": 2.2},
}


@pytest.fixture(params=list(FAMILIES))
def prior(request) -> Prior:
    return Prior(request.param, ARGUMENTS[request.param])


def test_the_scipy_twin_has_the_density_of_pymc(prior):
    values = np.array([0.05, 0.4, 1.0, 3.3])
    if prior.family.support == "real":
        values = np.concatenate([-values, values])
    ours = pm.logp(prior.family.pymc.dist(**prior.arguments), values).eval(mode="FAST_COMPILE")
    assert_allclose(prior.frozen.logpdf(values), ours, rtol=0, atol=1e-7)  # PyMC's own rounding


def test_there_is_no_density_outside_the_support(prior):
    outside = prior.frozen.logpdf(-0.5)
    assert np.isneginf(outside) == (prior.family.support == "positive")


def test_quantiles_and_random_values_are_of_the_same_distribution(prior):
    draws = np.asarray(prior.frozen.rvs(size=20_000, random_state=np.random.default_rng(6)))
    for probability in (0.05, 0.5, 0.9):
        share = (draws <= prior.frozen.ppf(probability)).mean()
        assert share == pytest.approx(probability, abs=4 * np.sqrt(probability * (1 - probability) / 20_000))


def test_twins_take_one_argument_for_each_term(prior):
    many = {name: np.array([value, 2 * value]) for name, value in prior.arguments.items()}
    frozen = prior.family.scipy(**many)
    singles = [
        prior.family.scipy(**{name: value[place] for name, value in many.items()}).logpdf(0.7)
        for place in (0, 1)
    ]
    assert_allclose(frozen.logpdf(np.array([0.7, 0.7])), singles)
    assert frozen.rvs(size=(50, 2), random_state=np.random.default_rng(1)).shape == (50, 2)


def test_every_argument_has_a_name_and_the_positive_ones_are_among_them(prior):
    assert set(prior.family.arguments) == set(prior.arguments)
    assert set(prior.family.positive) <= set(prior.family.arguments)


def test_a_prior_reads_as_it_is_written():
    assert str(Prior("Normal", {"mu": 0.0, "sigma": 0.217})) == "Normal(0, 0.217)"


def test_overrides_by_term_come_before_overrides_by_name_before_defaults():
    default, by_name, by_term = (Prior("Normal", {"mu": float(mu), "sigma": 1.0}) for mu in range(3))
    parameter = Parameter("slope", "real", default, "a slope", dim="term")
    assert PriorSet("a").prior(parameter, "age") is default
    assert PriorSet("a", "", {"slope": by_name}).prior(parameter, "age") is by_name
    both = PriorSet("a", "", {"slope": by_name}, {"slope": {"age": by_term}})
    assert both.prior(parameter, "age") is by_term
    assert both.prior(parameter, "grade") is by_name


def test_a_term_that_no_design_has_is_refused():
    priors = PriorSet(
        "mine", "", {}, {"outcome_coefficients": {"agee": Prior("Normal", {"mu": 0, "sigma": 1})}}
    )
    message = (
        r'prior set mine: \[outcome_coefficients."agee"\] must name a term .* known terms: age, grade\[T.II\]'
    )
    with pytest.raises(InputError, match=message):
        check_prior_terms(priors, {"outcome_coefficients": ("age", "grade[T.II]")})
    with pytest.raises(InputError, match="known terms: none"):
        check_prior_terms(priors, {"outcome_coefficients": ()})
    check_prior_terms(priors, {"outcome_coefficients": ("agee",), "propensity_coefficients": ()})


def test_every_parameter_of_the_contract_is_known():
    of_treatment = {"propensity_intercept", "propensity_coefficients", "propensity_effect"}
    of_hazard = {"log_hazard_level", "log_hazard_step_sd", "log_hazard", "median_survival", "weibull_shape"}
    assert set(known_parameters()) >= {"treatment_effect", "outcome_coefficients"} | of_treatment | of_hazard


@pytest.mark.parametrize("parameter", known_parameters().values(), ids=list(known_parameters()))
def test_defaults_fit_their_parameter_and_keep_the_promise_of_their_reason(parameter):
    assert FAMILIES[parameter.default.distribution].support == parameter.support
    assert set(parameter.default.arguments) == set(FAMILIES[parameter.default.distribution].arguments)
    assert parameter.meaning
    assert parameter.default.reason


def within(name: str, low: float, high: float) -> float:
    frozen = known_parameters()[name].default.frozen
    return float(frozen.cdf(high) - frozen.cdf(low))


def test_two_thirds_of_typical_steps_lie_where_their_reason_says():
    step_sd = known_parameters()["log_hazard_step_sd"].default.frozen
    assert np.exp(step_sd.ppf([0.15, 0.85])) == pytest.approx([1.16, 1.52], abs=0.03)


def test_the_reasons_of_the_defaults_are_true():
    """Each number is one that a reason states."""
    assert within("treatment_effect", np.log(0.37), np.log(2.7)) == pytest.approx(0.95, abs=0.01)
    assert within("outcome_coefficients", -np.log(7), np.log(7)) == pytest.approx(0.95, abs=0.01)
    assert within("propensity_coefficients", -np.log(7), np.log(7)) == pytest.approx(0.95, abs=0.01)
    odds = stats.logistic.ppf([0.05, 0.95])
    assert within("propensity_intercept", *odds) == pytest.approx(0.95, abs=0.01)
    assert within("weibull_shape", 0.64, 2.1) == pytest.approx(0.95, abs=0.015)
    assert within("median_survival", 0.1, 13_000) == pytest.approx(0.95, abs=0.01)
    # medians of an exponential: log 2 / hazard
    assert within("log_hazard_level", np.log(np.log(2) / 13_000), np.log(np.log(2) / 0.1)) == pytest.approx(
        0.95, abs=0.01
    )
    # typical step: two thirds of the prior's step sd lie here
    step_sd = known_parameters()["log_hazard_step_sd"].default.frozen
    assert np.exp(step_sd.ppf([0.15, 0.85])) == pytest.approx([1.16, 1.52], abs=0.03)


PARAMETERS = known_parameters()
SHARES = np.linspace(0.02, 0.98, 25)


def covariates(size=400):
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "age": rng.normal(60, 10, size),
            "bone": rng.integers(0, 2, size).astype(float),
            "grade": pd.Categorical(rng.choice(["I", "II", "III"], size)),
        }
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_a_scaled_family_is_that_of_a_multiple(name):
    """Quantiles of 30.4 times the variable."""
    family = FAMILIES[name]
    scaled = family.scipy(**family.scaled(ARGUMENTS[name], 30.4))
    assert_allclose(scaled.ppf(SHARES), 30.4 * family.scipy(**ARGUMENTS[name]).ppf(SHARES), rtol=1e-9)


@pytest.mark.parametrize("name", ["Normal", "StudentT"])
def test_a_shifted_family_is_that_of_a_sum(name):
    family = FAMILIES[name]
    shifted = family.scipy(**family.shifted(ARGUMENTS[name], -2.5))
    assert_allclose(shifted.ppf(SHARES), family.scipy(**ARGUMENTS[name]).ppf(SHARES) - 2.5, rtol=1e-9)


@pytest.mark.parametrize("name", ["Gamma", "LogNormal"])
def test_a_family_of_positive_values_is_not_shifted(name):
    with pytest.raises(ValueError, match="location"):
        FAMILIES[name].shifted(ARGUMENTS[name], 1.0)


def test_units_of_time():
    assert time_ratio("years", "months") == pytest.approx(12.0)
    assert time_ratio("months", "days") == pytest.approx(365.25 / 12)
    assert time_ratio("Day", "weeks") == pytest.approx(1 / 7)
    assert time_ratio("cycles", "cycles") == 1.0
    assert time_ratio("months", "cycles") is None


@pytest.mark.parametrize("unit", ["days", "weeks", "years"])
@pytest.mark.parametrize("name", ["log_hazard_level", "log_hazard", "median_survival"])
def test_defaults_say_the_same_of_survival_in_every_unit(name, unit):
    """The median survival at each share of the prior, in the unit, is that in months times the units in a month."""
    parameter = PARAMETERS[name]
    converted = in_time_unit(parameter, parameter.default, unit)
    medians = []
    for prior in (parameter.default, converted):
        values = prior.frozen.ppf(SHARES)
        medians.append(values if parameter.of_time == "time" else np.log(2) / np.exp(values))
    assert_allclose(medians[1], medians[0] * time_ratio("months", unit), rtol=1e-9)
    assert converted.time_unit == unit
    assert median_survival(parameter, converted) == pytest.approx(
        median_survival(parameter, parameter.default) * time_ratio("months", unit)
    )


def test_what_has_no_unit_of_time_or_an_unknown_one_stays():
    level = PARAMETERS["log_hazard_level"]
    assert in_time_unit(level, level.default, "cycles") is level.default
    shape = PARAMETERS["weibull_shape"]
    assert in_time_unit(shape, shape.default, "days") is shape.default
    unstated = Prior("Normal", {"mu": -3.0, "sigma": 1.0})
    assert in_time_unit(level, unstated, "days") is unstated


def test_the_scale_of_a_column_is_its_standard_deviation_or_the_difference_of_two_values():
    frame = covariates()
    scales = {}
    for formula in ("age + bone + grade + age:bone", "I(2 * bone) + I(age / 10)"):
        design = build_design(formula, frame)
        scales |= dict(zip(design.terms, column_scales(design), strict=True))
    assert scales["age"] == pytest.approx(frame["age"].std(ddof=0))
    assert scales["I(age / 10)"] == pytest.approx(frame["age"].std(ddof=0) / 10)
    assert scales["bone"] == pytest.approx(1.0)
    assert scales["I(2 * bone)"] == pytest.approx(2.0)
    assert scales["grade[T.II]"] == scales["grade[T.III]"] == pytest.approx(1.0)
    assert scales["age:bone"] == pytest.approx((frame["age"] * frame["bone"]).std(ddof=0))


@pytest.mark.parametrize(
    "term", ["age", "I(age * 100)", "I(age / 7 + 3)", "bone", "I(bone * 5)", "bs(age, df=4)"]
)
def test_the_prior_of_a_predictor_does_not_hang_on_how_its_column_is_scaled(term):
    """The contribution of a column is its coefficient times its values: its prior spread is that of a column scaled to one."""
    frame = covariates()
    design = build_design(term, frame)
    for scale, column in zip(column_scales(design), design.values.T, strict=True):
        own = per_unit(OUTCOME_COEFFICIENTS.default, scale).arguments["sigma"]
        p = frame["bone"].mean()
        assert own * column.std() == pytest.approx(np.sqrt(p * (1 - p)) if "bone" in term else 1.0)
        assert own * scale == pytest.approx(1.0)
        assert (scale > 1.5 * column.std()) == ("bone" in term)


def test_a_prior_per_unit_stays_and_one_per_sd_is_divided_in_mean_and_spread():
    stated = Prior("StudentT", {"nu": 3.0, "mu": 0.4, "sigma": 0.2})
    assert per_unit(stated, 10.0) is stated
    of_sd = Prior("StudentT", {"nu": 3.0, "mu": 0.4, "sigma": 0.2}, per="sd")
    assert str(of_sd) == "StudentT(3, 0.4, 0.2) per sd"
    assert per_unit(of_sd, 10.0).arguments == pytest.approx({"nu": 3.0, "mu": 0.04, "sigma": 0.02})
    assert PriorSet("a", "", {"b": stated}).content != PriorSet("a", "", {"b": of_sd}).content


def written(folder: Path, *lines: str) -> Path:
    file = folder / "mine.toml"
    tables = ['[log_hazard_level]\ndistribution = "Normal"\nmu = -3.5\nsigma = 0.1']
    file.write_text("\n".join(['name = "mine"', *lines, *tables]), encoding="utf-8")
    return file


def test_a_set_from_elsewhere_without_a_unit_of_time_is_a_warning_with_its_median(tmp_path):
    """Normal(-3.5, 0.1) meant for months, in a study of days: half have died after log 2 / exp(-3.5) = 23 days."""
    file, study = written(tmp_path), tmp_path / "study"
    with pytest.warns(CohortWarning, match=r"read in days, .* 23 days by \[log_hazard_level\]"):
        elsewhere = read_prior_set(file, PARAMETERS, study, "days")
    assert "23 days" in elsewhere.caution
    assert read_prior_set(file, PARAMETERS, tmp_path, "days").caution == ""  # the study's own


def test_a_set_that_states_its_unit_is_converted(tmp_path):
    file, study = written(tmp_path, 'time_unit = "months"'), tmp_path / "study"
    prior = read_prior_set(file, PARAMETERS, study, "days").prior(PARAMETERS["log_hazard_level"])
    converted = in_time_unit(PARAMETERS["log_hazard_level"], prior, "days")
    assert converted.arguments["mu"] == pytest.approx(-3.5 - np.log(365.25 / 12))
    with pytest.raises(InputError, match=r"time_unit must be cycles, .* but found months"):
        read_prior_set(file, PARAMETERS, study, "cycles")


def test_sets_without_times_need_no_unit(tmp_path):
    for name in ("default", "vague", "sceptical", "enthusiastic"):
        read_prior_set(name, PARAMETERS, tmp_path, "days")
