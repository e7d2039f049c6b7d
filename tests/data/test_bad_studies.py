"""Whatever is written into a study file: a study, or one readable message, never another exception."""

import tomllib
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import CohortWarning, InputError
from data.simulation.simulate import Truth, simulate_frame
from data.study.formulas import formula_problem
from data.study.sources import load_cohort
from data.study.study import Study, load_study, parse_study

FRAME, TEXT = simulate_frame(Truth(latest_entry=6.0), 40, seed=3)
LINES = TEXT.splitlines()
VALUES = [
    '""', '"x"', '"~"', '"\\u0000"', "-1", "0", "1", "2.5", "inf", "nan", "true", "1979-05-27", "[]", "[1]", "[2, 1]",
    '["a", "a"]', "[[]]", "{}", "{a = 1}", '{levels = ["a", "b"]}', '"time ~ age"', '"1"', '"age"', '"grade"',
    '"0"', '"log("', '"age.x"', '"age[0]"', '"bs(age, df=1000)"', '"poly(age, 0)"', '"C(age)"', '"().x"', '"age:"',
    '"lambda: 0"', '"[age"', '"{age}"', '"`age"', '"I(age > 0)"', '"grade * 2"', '"patient"',
]  # fmt: skip
HEALTH = list(HealthCheck)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("studies")
    FRAME.to_csv(path / "cohort.csv", index=False)
    return path


def is_a_study_or_an_input_error(folder: Path, text: str) -> None:
    (folder / "study.toml").write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortWarning)
        try:
            cohort = load_cohort(load_study(folder))
        except InputError as error:
            assert str(folder) in str(error)
        else:
            assert cohort.size == len(FRAME)


@settings(max_examples=150, deadline=None, suppress_health_check=HEALTH)
@given(
    line=st.sampled_from([line for line, text in enumerate(LINES) if "=" in text]),
    value=st.sampled_from(VALUES),
)
def test_any_value_at_any_key(folder, line, value):
    key = LINES[line].partition("=")[0]
    is_a_study_or_an_input_error(folder, "\n".join([*LINES[:line], f"{key} = {value}", *LINES[line + 1 :]]))


@settings(max_examples=60, deadline=None, suppress_health_check=HEALTH)
@given(lines=st.sets(st.integers(0, len(LINES) - 1), min_size=1, max_size=4))
def test_any_lines_left_out(folder, lines):
    is_a_study_or_an_input_error(
        folder, "\n".join(text for line, text in enumerate(LINES) if line not in lines)
    )


@settings(max_examples=100, deadline=None, suppress_health_check=HEALTH)
@given(position=st.integers(0, len(TEXT)), text=st.text(alphabet='"[]{}=.,\n#\\1eé', min_size=1, max_size=4))
def test_any_slip_of_the_keys(folder, position, text):
    is_a_study_or_an_input_error(folder, TEXT[:position] + text + TEXT[position + 1 :])


@settings(max_examples=200, deadline=None, suppress_health_check=HEALTH)
@given(formula=st.text(alphabet="age+-*:/|~()[]{}`01.^% \"'#,\\", max_size=12))
def test_any_formula_is_accepted_or_refused_in_words(formula):
    problem = formula_problem(formula, ["age"])
    assert problem is None or problem.startswith("must ")


def test_deep_nesting_is_refused():
    with pytest.raises(InputError, match="must be valid TOML"):
        parse_study("a = " + "[" * 10000, "study.toml")


def test_every_key_of_a_study_is_in_the_contract():
    """The example of the contract, word for word in its keys; a key added to the code alone fails here.

    The contract does not have `rows` (docs/decisions/0017-exposure-in-time.md) and `patients` (0036-ties-ends-subgroups.md).
    """
    keys = {
        "": "name title citation question time_unit cohort treatment covariates missing propensity outcome baseline report",
        "cohort": "source path sha256 columns rows",
        "treatment": "treated treated_label control_label",
        "baseline": "cutpoints intervals smoothing",
        "missing": "method imputations delta",
        "report": "horizon times subgroups landmarks outcome patients",
    }
    study = Study.model_validate(tomllib.loads(TEXT))
    for section, known in keys.items():
        model = getattr(study, section) if section else study
        assert set(type(model).model_fields) == set(known.split())
