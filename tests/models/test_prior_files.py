"""Prior sets read from TOML: what is read, and what is said of what cannot be."""

import math

import numpy as np
import pytest
from scipy import stats

from data.errors import CohortWarning, InputError
from models.prior_files import (
    BUNDLED,
    find_prior_set,
    parse_prior_set,
    prior_set_names,
    read_prior_set,
    with_conflict,
)
from models.specification import known_parameters

PARAMETERS = known_parameters()
NORMAL = {"distribution": "Normal", "mu": 0.0, "sigma": 0.5}


def parse(**tables):
    return parse_prior_set({"name": "mine", "reason": "a test", **tables}, "mine.toml", PARAMETERS)


def test_overrides_by_parameter_and_by_term_are_read():
    term = {"distribution": "StudentT", "nu": 3, "mu": 0.1, "sigma": 1, "reason": "known from a trial"}
    priors = parse(treatment_effect=NORMAL, outcome_coefficients={**NORMAL, "grade[T.II]": term})
    effect = priors.prior(PARAMETERS["treatment_effect"])
    assert (effect.distribution, effect.arguments) == ("Normal", {"mu": 0.0, "sigma": 0.5})
    coefficients = PARAMETERS["outcome_coefficients"]
    assert priors.prior(coefficients, "age").distribution == "Normal"
    by_term = priors.prior(coefficients, "grade[T.II]")
    assert by_term.arguments == {"nu": 3.0, "mu": 0.1, "sigma": 1.0}
    assert all(isinstance(value, float) for value in by_term.arguments.values())
    assert by_term.reason == "known from a trial"


def test_coefficients_may_be_stated_for_a_unit_or_a_standard_deviation():
    priors = parse(outcome_coefficients={**NORMAL, "per": "sd", "age": {**NORMAL, "per": "unit"}})
    coefficients = PARAMETERS["outcome_coefficients"]
    assert priors.prior(coefficients, "size").per == "sd"
    assert priors.prior(coefficients, "age").per == "unit"
    assert parse(outcome_coefficients=NORMAL).prior(coefficients, "age").per == "unit"


def test_a_unit_of_time_goes_to_the_priors_of_times_and_rates_alone():
    priors = parse(time_unit="years", log_hazard_level=NORMAL, treatment_effect=NORMAL)
    assert priors.prior(PARAMETERS["log_hazard_level"]).time_unit == "years"
    assert priors.prior(PARAMETERS["treatment_effect"]).time_unit == ""


def test_a_term_may_be_overridden_alone():
    priors = parse(outcome_coefficients={"age": NORMAL})
    coefficients = PARAMETERS["outcome_coefficients"]
    assert "outcome_coefficients" not in priors.overrides
    assert priors.prior(coefficients, "age").arguments["sigma"] == 0.5
    assert priors.prior(coefficients, "other") is coefficients.default


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"treatment_efect": NORMAL},
            r"mine.toml: treatment_efect must be a parameter.*did you mean treatment_effect",
        ),
        ({"beta": NORMAL}, r"beta must be a parameter.*known: .*log_hazard_level.*weibull_shape"),
        ({"treatment_effect": 3}, r"treatment_effect must be a table \[treatment_effect\], but found 3"),
        (
            {"treatment_effect": {}},
            r"\[treatment_effect\]: distribution must be .* but found nothing; .*HalfNormal",
        ),
        (
            {"treatment_effect": {"distribution": "HalfNormal", "sigma": 1.0}},
            r"treatment_effect takes any real value, so its prior must be one of Normal, StudentT, but found HalfN",
        ),
        (
            {"weibull_shape": NORMAL},
            r"weibull_shape takes positive values only.*HalfNormal.*LogNormal.*but found Normal",
        ),
        ({"treatment_effect": {"distribution": "Normal", "mu": 0.0}}, r"sigma of Normal .*but found nothing"),
        (
            {"weibull_shape": {"distribution": "Gamma", "alpha": 1.0, "beta": -1.0}},
            r"beta of Gamma must be above 0, but found -1.0",
        ),
        (
            {"treatment_effect": {"age": NORMAL}},
            r'treatment_effect has no terms, but found \[treatment_effect."age"\]',
        ),
        ({"log_hazard": {"(0, 12]": NORMAL}}, r"log_hazard has no terms"),
        (
            {"outcome_coefficients": {"age": {**NORMAL, "sigma": -1.0}}},
            r'\[outcome_coefficients."age"\]: sigma of Normal must be above 0',
        ),
        (
            {"outcome_coefficients": {**NORMAL, "per": "SD"}},
            r"\[outcome_coefficients\]: per must be \"unit\" or \"sd\" .*, but found 'SD'",
        ),
        ({"time_unit": 30.4}, r"mine.toml: time_unit must be a text such as \"months\", but found 30.4"),
        ({"reason": 3}, r"mine.toml: reason must be a text, but found 3"),
        ({"name": ""}, r"mine.toml: name must be a text, but found ''; begin the file with name"),
        ({"name": None}, r"mine.toml: name must be a text, but found None"),
    ],
)
def test_a_prior_that_cannot_be_used_is_refused(tables, message):
    with pytest.raises(InputError, match=message):
        parse(**tables)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"distribution": "Norml"},
            r"a known .*, but found 'Norml'; did you mean Normal\? known: Exponential",
        ),
        ({"distribution": 7}, r"distribution must be .*, but found 7"),
        ({"distribution": ["Normal"]}, r"distribution must be .*\['Normal'\]"),
        ({"sd": 1.0}, r"\[treatment_effect\]: sd must be a key of Normal.*known: "),
        ({"sigam": 1.0}, r"did you mean sigma\?"),
        ({"mu": math.nan}, "mu of Normal must be a finite number, but found nan"),
        ({"mu": -math.inf}, "mu of Normal must be a finite number, but found -inf"),
        ({"mu": "0"}, "mu of Normal must be a finite number, but found '0'"),
        ({"mu": True}, "mu of Normal must be a finite number, but found True"),
        ({"mu": [0.0]}, r"mu of Normal must be a finite number, but found \[0.0\]"),
        ({"mu": 10**400}, "mu of Normal must be a finite number"),  # beyond every float
        ({"sigma": 0}, "sigma of Normal must be above 0, but found 0"),
        ({"sigma": -0.5}, "sigma of Normal must be above 0, but found -0.5"),
        ({"reason": 5}, r"\[treatment_effect\]: reason must be a text, but found 5"),
        ({"per": "sd"}, r"\[treatment_effect\]: per must be left out, .* treatment_effect is no coefficient"),
    ],
)
def test_a_normal_prior_with_a_wrong_entry_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        parse(treatment_effect=NORMAL | changes)


@pytest.mark.parametrize("name", prior_set_names())
def test_bundled_sets_can_be_read_and_say_why(name):
    priors = read_prior_set(name, PARAMETERS)
    assert priors.name == name
    assert priors.reason
    assert all(prior.reason for prior in priors.overrides.values())


def test_the_bundled_sets_are_those_of_the_contract():
    assert prior_set_names() == ["default", "enthusiastic", "sceptical", "vague"]


def effect_prior(name):
    return read_prior_set(name, PARAMETERS).prior(PARAMETERS["treatment_effect"]).frozen


def test_sceptical_gives_five_percent_to_a_hazard_ratio_below_0_70():
    assert effect_prior("sceptical").cdf(np.log(0.70)) == pytest.approx(0.05, abs=5e-4)
    assert effect_prior("sceptical").mean() == 0.0


def test_enthusiastic_gives_five_percent_to_harm_and_is_centred_on_a_30_percent_reduction():
    assert effect_prior("enthusiastic").sf(0.0) == pytest.approx(0.05, abs=5e-4)
    assert effect_prior("enthusiastic").mean() == pytest.approx(np.log(0.70), abs=5e-4)


def test_vague_is_the_widest_and_keeps_the_interval_of_its_reason():
    assert effect_prior("vague").interval(0.95) == pytest.approx((np.log(0.14), np.log(7.1)), abs=0.01)
    widths = {name: effect_prior(name).std() for name in prior_set_names()}
    assert max(widths, key=widths.get) == "vague"
    assert effect_prior("default").interval(0.95) == pytest.approx(stats.norm(0, 0.5).interval(0.95))


def test_a_path_comes_before_the_study_and_the_study_before_the_bundled(tmp_path):
    folder = tmp_path / "priors"
    folder.mkdir()
    for name in ("vague", "own"):
        (folder / f"{name}.toml").write_text(f'name = "{name} of the study"\n', encoding="utf-8")
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text('name = "elsewhere"\n', encoding="utf-8")
    assert read_prior_set(elsewhere, PARAMETERS, tmp_path).name == "elsewhere"
    assert read_prior_set("vague", PARAMETERS, tmp_path).name == "vague of the study"
    assert find_prior_set("default", tmp_path) == BUNDLED / "default.toml"
    assert prior_set_names(tmp_path) == ["default", "enthusiastic", "own", "sceptical", "vague"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (
            "sceptic",
            r"but found sceptic; did you mean sceptical\? known: default, enthusiastic, sceptical, vague",
        ),
        ("missing.toml", "but found no file missing.toml"),
        ("folder/missing", "but found no file folder/missing"),
        ("", "prior set must be a file or a known name, but found"),
        (".", "prior set must be a file or a known name, but found"),
        ("~nobody_of_that_name/own.toml", "must start with a home folder that exists"),
        ("a" * 300, "prior set must be a file or a known name, but found"),
        ("null\0byte", "prior set must be a file or a known name, but found"),
    ],
)
def test_a_set_that_is_not_there_is_refused(reference, message):
    with pytest.raises(InputError, match=message):
        read_prior_set(reference, PARAMETERS)


BROKEN = {
    "unfinished": b"name = ",
    "twice": b'name = "a"\nname = "b"',
    "utf-16": b"\xff\xfe",
    "latin-1": b'name = "caf\xe9"',
    "too many digits": b'name = "a"\n[treatment_effect]\nmu = ' + b"1" * 5000,
    "too deep": b"name = " + b"[" * 100_000,
}


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    file = tmp_path / "marked.toml"
    file.write_bytes(
        b'\xef\xbb\xbfname = "marked"\n[treatment_effect]\ndistribution = "Normal"\nmu = 0.0\nsigma = 0.5\n'
    )
    read = read_prior_set(file, PARAMETERS).overrides["treatment_effect"]
    assert read.arguments == {"mu": 0.0, "sigma": 0.5}


def test_a_term_with_dots_and_no_quotes_is_named_with_them(tmp_path):
    file = tmp_path / "dotted.toml"
    file.write_text(
        'name = "d"\n[outcome_coefficients.age.dx]\ndistribution = "Normal"\nmu = 0.0\nsigma = 0.5\n'
    )
    with pytest.raises(InputError, match=r'must be in quotes.*write \[outcome_coefficients."age.dx"\]'):
        read_prior_set(file, PARAMETERS)


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
def test_a_file_that_is_not_toml_is_refused(tmp_path, content):
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(
        InputError, match=r"broken.toml: (the prior set must be valid TOML|must be UTF-8 text), but"
    ):
        read_prior_set(file, PARAMETERS)


@pytest.mark.parametrize(
    ("unit", "stated", "far"), [("days", "", True), ("days", "months", False), ("months", "", False)]
)
def test_a_level_of_another_unit_of_time_is_a_caution(tmp_path, unit, stated, far):
    """Normal(-3.5, 0.1) is a median survival of 23 months; the patients' is 20 months, or 609 days."""
    file = tmp_path / "own.toml"
    top = f'time_unit = "{stated}"\n' if stated else ""
    file.write_text(
        f'name = "own"\n{top}[log_hazard_level]\ndistribution = "Normal"\nmu = -3.5\nsigma = 0.1\n'
    )
    priors = read_prior_set(file, PARAMETERS, tmp_path, unit)
    survival = 20.0 * (30.4375 if unit == "days" else 1.0)
    if not far:
        assert with_conflict(priors, PARAMETERS, unit, survival) == priors
        return
    with pytest.warns(
        CohortWarning,
        match=r"median survival of 17.7 to 29.7 days \(99 %\), while that of the patients is near 609",
    ):
        found = with_conflict(priors, PARAMETERS, unit, survival)
    assert "another unit of time?" in found.caution
