"""The study file: what is accepted, what each refusal says, and never another exception."""

import pickle
import re
import tomllib
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from data.errors import CohortWarning, InputError
from data.simulation.simulate import Truth, simulate_frame
from data.study.formulas import formula_problem
from data.study.sources import load_cohort
from data.study.study import STUDIES, Study, bundled_studies, load_study, parse_study


def test_a_folder_a_file_and_a_text_path_give_the_same_study(folder):
    study = load_study(folder)
    assert study == load_study(folder / "study.toml") == load_study(str(folder))
    assert study.folder == folder
    assert study.file == folder / "study.toml"


def test_values_and_defaults(folder):
    study = load_study(folder)
    assert study.cohort.columns.entry == "entry"
    assert study.treatment.treated_label == "Treated"
    assert study.covariates["age"].levels is None
    assert study.covariates["grade"].levels == ("I", "II", "III")
    assert (study.baseline.cutpoints, study.baseline.intervals) == ((6.0, 12.0), None)
    assert study.baseline.smoothing == "random_walk"
    assert (study.report.horizon, study.report.times, study.report.landmarks) == (None, None, ())


@pytest.mark.parametrize(
    ("old", "cutpoints", "intervals"),
    [("cutpoints = [6, 12]", None, 10), ("[baseline]\ncutpoints = [6, 12]", None, 10)],
)
def test_without_cutpoints_there_are_ten_intervals(edited, old, cutpoints, intervals):
    baseline = load_study(edited(old, "")).baseline
    assert (baseline.cutpoints, baseline.intervals) == (cutpoints, intervals)


def test_no_cutpoints_at_all_is_one_interval(edited):
    assert load_study(edited("[6, 12]", "[]")).baseline.cutpoints == ()


def test_numbers_and_truth_values_stand_for_their_text(edited):
    folder = edited('treated = "yes"', "treated = 1")
    assert load_study(folder).treatment.treated == "1"
    folder = edited("treated = 1", "treated = true")
    assert load_study(folder).treatment.treated == "true"


def test_a_study_cannot_be_changed_and_survives_pickling(folder):
    study = load_study(folder)
    with pytest.raises(ValidationError, match="frozen"):
        study.name = "other"  # ty: ignore[invalid-assignment]
    copy = pickle.loads(pickle.dumps(study))
    assert copy == study
    assert copy.file == study.file


def test_every_bundled_study_loads_under_its_own_name():
    assert "gbsg2" in bundled_studies()
    for name in bundled_studies():
        assert load_study(name).name == name
        assert load_study(name).folder == STUDIES / name


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "small"', 'name = "Small study"', "name must be a plain folder name of .*'Small study'"),
        ('name = "small"', "", "name must be given"),
        ('title = "A small study"', "title = 3", "title must be text, but found 3"),
        ('time_unit = "months"', 'time_unit = ""', "time_unit must not be empty"),
        (
            'time_unit = "months"',
            'time_units = "months"',
            "time_units is not a known key. Did you mean 'time_unit'?",
        ),
        (
            'source = "file"',
            'source = "files"',
            r"\[cohort\] source must be 'file', 'package', 'reconstruction' or 'aggregate'",
        ),
        ('path = "cohort.csv"', "", r"\[cohort\] must have a path with source 'file'"),
        ('source = "file"', 'source = "package"', "must read 'package:folder/file.csv'"),
        ('source = "file"', 'source = "reconstruction"', "must have no path with source 'reconstruction'"),
        (
            'source = "file"',
            'source = "file"\nsha256 = "12"',
            r"\[cohort\] sha256 must be 64 hexadecimal digits",
        ),
        (
            'time = "time"',
            'tiem = "time"',
            r"\[cohort.columns\] tiem is not a known key. Did you mean 'time'\?",
        ),
        ('time = "time"', "", r"\[cohort.columns\] time must be given"),
        ('time = "time"', 'time = "event"', "must use each column once, but found event"),
        ('treated = "yes"', "treated = []", r"\[treatment\] treated must be text, but found \[\]"),
        ('[treatment]\ntreated = "yes"', "", r"\[treatment\] must be given"),
        ('age = {unit = "years"}', 'age = {units = "years"}', r"\[covariates.age\] units is not a known key"),
        ('age = {unit = "years"}', 'age = "years"', r"\[covariates\] age must be a table of keys and values"),
        ('["I", "II", "III"]', '["I"]', r"\[covariates.grade\] levels must have at least 2 values"),
        ('["I", "II", "III"]', '["I", "II", "I"]', r"\[covariates\] grade levels must differ"),
        ('["I", "II", "III"]', '"I"', r"\[covariates.grade\] levels must be a list"),
        ("[covariates]", "[covariates]\narm = {}", r"\[covariates\] arm must not be the treatment column"),
        (
            'formula = "age + grade"',
            'formula = "age + arm"',
            r"\[propensity\] formula must use declared.* found arm",
        ),
        ('[outcome]\nformula = "age"', "", r"\[outcome\] must be given"),
        ("[6, 12]", "[12, 6]", r"\[baseline\] cutpoints must increase strictly, but found \[12"),
        ("[6, 12]", "[0, 12]", r"\[baseline\] cutpoints \(value 1\) must be above 0, but found 0"),
        ("[6, 12]", "[6, inf]", r"\[baseline\] cutpoints \(value 2\) must be a finite number, but found inf"),
        ("[6, 12]", '["6"]', r"\[baseline\] cutpoints \(value 1\) must be a number, but found '6'"),
        ("[6, 12]", "[6]\nintervals = 3", r"\[baseline\] must give cutpoints or intervals, but found both"),
        ("cutpoints = [6, 12]", "intervals = 0", r"\[baseline\] intervals must be at least 1, but found 0"),
        ("cutpoints = [6, 12]", "intervals = 2.5", r"\[baseline\] intervals must be a whole number"),
        ("cutpoints = [6, 12]", 'smoothing = "spline"', "smoothing must be 'random_walk' or 'independent'"),
        (
            "[baseline]",
            "[report]\nhorizon = 0\n[baseline]",
            r"\[report\] horizon must be above 0, but found 0",
        ),
        ("[baseline]", "[report]\ntimes = [3, 3]\n[baseline]", r"\[report\] times must increase strictly"),
        ("[baseline]", "[reports]\n[baseline]", "reports is not a known key. Did you mean 'report'"),
        ("[baseline]", "[baseline", r"must be valid TOML.*line \d\d"),
        ("[treatment]", "[cohort]", "must be valid TOML"),
    ],
)
def test_a_refusal_names_the_file_the_key_and_the_mend(edited, old, new, message):
    folder = edited(old, new)
    with pytest.raises(InputError, match=message) as refusal:
        load_study(folder)
    assert str(refusal.value).startswith(str(folder / "study.toml"))
    assert "pydantic" not in str(refusal.value)


def test_all_problems_are_listed_together(edited):
    edited('name = "small"', "")
    edited("[6, 12]", "[-1]")
    folder = edited('treated = "yes"', 'treatd = "yes"')
    with pytest.raises(InputError, match="4 problems") as refusal:
        load_study(folder)
    for part in ("name must be given", "(value 1) must be above 0", "treated must be given", "'treated'"):
        assert part in str(refusal.value)


def test_problems_between_sections_are_listed_together(edited):
    edited('formula = "age"\n', 'formula = "size"\n')
    folder = edited("[covariates]", "[covariates]\ntime = {}")
    with pytest.raises(InputError, match="2 problems"):
        load_study(folder)


def test_an_unknown_name_lists_the_bundled_studies():
    with pytest.raises(InputError, match=r"Did you mean 'gbsg2'\? Bundled studies: .*gbsg2"):
        load_study("gbsg")


@pytest.mark.parametrize(
    "reference", ["", "\0", "no/such/folder", "a" * 5000, "~nobody-of-this-name/study.toml"]
)
def test_a_reference_to_nothing_is_refused(reference, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="must"):
        load_study(reference)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=re.escape(f"{tmp_path}: a study folder must hold a file study.toml")
    ):
        load_study(tmp_path)


def test_another_encoding_is_refused_with_the_byte(tmp_path):
    (tmp_path / "study.toml").write_bytes('name = "ü"'.encode("latin-1"))
    with pytest.raises(InputError, match="must be UTF-8 text, but found byte 0xfc at position 8"):
        load_study(tmp_path)


def test_a_byte_order_mark_is_no_matter(folder):
    file = folder / "study.toml"
    plain = load_study(folder)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_study(folder) == plain


def test_an_unreadable_file_is_refused(folder, monkeypatch):
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match="must be a readable file, but: Permission denied"):
        load_study(folder)


def test_reconstruction_needs_no_path_and_no_columns(edited):
    edited('path = "cohort.csv"', "")
    text_columns = '[cohort.columns]\ntime = "time"\nevent = "event"\ntreatment = "arm"\nentry = "entry"\n'
    edited(text_columns + 'treatment_start = "start"\nid = "patient"\n', "")
    study = load_study(edited('source = "file"', 'source = "reconstruction"'))
    assert study.cohort.path is None
    assert study.cohort.columns.time == "time"


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
def written_folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("studies")
    FRAME.to_csv(path / "cohort.csv", index=False)
    return path


def is_a_study_or_an_input_error(written_folder: Path, text: str) -> None:
    (written_folder / "study.toml").write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortWarning)
        try:
            cohort = load_cohort(load_study(written_folder))
        except InputError as error:
            assert str(written_folder) in str(error)
        else:
            assert cohort.size == len(FRAME)


@settings(max_examples=150, deadline=None, suppress_health_check=HEALTH)
@given(
    line=st.sampled_from([line for line, text in enumerate(LINES) if "=" in text]),
    value=st.sampled_from(VALUES),
)
def test_any_value_at_any_key(written_folder, line, value):
    key = LINES[line].partition("=")[0]
    is_a_study_or_an_input_error(
        written_folder, "\n".join([*LINES[:line], f"{key} = {value}", *LINES[line + 1 :]])
    )


@settings(max_examples=60, deadline=None, suppress_health_check=HEALTH)
@given(lines=st.sets(st.integers(0, len(LINES) - 1), min_size=1, max_size=4))
def test_any_lines_left_out(written_folder, lines):
    is_a_study_or_an_input_error(
        written_folder, "\n".join(text for line, text in enumerate(LINES) if line not in lines)
    )


@settings(max_examples=100, deadline=None, suppress_health_check=HEALTH)
@given(position=st.integers(0, len(TEXT)), text=st.text(alphabet='"[]{}=.,\n#\\1eé', min_size=1, max_size=4))
def test_any_slip_of_the_keys(written_folder, position, text):
    is_a_study_or_an_input_error(written_folder, TEXT[:position] + text + TEXT[position + 1 :])


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
