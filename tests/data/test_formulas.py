"""Design matrices: centring, refusals, what is remembered for other patients, and any text as the name of a column."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import CohortWarning, InputError
from data.study.formula_names import in_formula
from data.study.formulas import build_design, formula_problem
from data.study.study import parse_study
from data.study.subcohorts import columns_of

STATEFUL = [
    "scale(age)",
    "bs(age, df=4)",
    "poly(age, degree=2)",
    "center(age)",
    "cr(age, df=4, constraints='center')",
]


@pytest.fixture
def covariates() -> pd.DataFrame:
    draws = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "age": draws.normal(60, 10, 60),
            "nodes": draws.integers(0, 5, 60).astype(float),
            "grade": pd.Categorical(draws.choice(["I", "II", "III"], 60), categories=["I", "II", "III"]),
            "size in mm": draws.uniform(1, 50, 60),
        }
    )


def test_columns_are_the_covariates_minus_their_means(covariates):
    design = build_design("age + grade", covariates)
    raw = np.column_stack([covariates["age"], covariates["grade"] == "II", covariates["grade"] == "III"])
    assert design.terms == ("age", "grade[T.II]", "grade[T.III]")
    np.testing.assert_allclose(design.values, raw - raw.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(design.means, raw.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(design.values.mean(axis=0), 0, atol=1e-12)


def test_the_first_level_is_the_reference_in_any_order(covariates):
    covariates["grade"] = covariates["grade"].cat.reorder_categories(["III", "I", "II"])
    assert build_design("grade", covariates).terms == ("grade[T.I]", "grade[T.II]")


def test_one_is_a_design_without_terms(covariates):
    design = build_design("1", covariates)
    assert design.terms == ()
    assert design.values.shape == (60, 0)
    assert design.apply(covariates.iloc[:7]).shape == (7, 0)


def test_interactions_functions_and_odd_names(covariates):
    design = build_design("age:grade + log(nodes + 1) + `size in mm`", covariates)
    assert {"log(nodes + 1)", "size in mm"} < set(design.terms)
    assert len(design.terms) == 5


@pytest.mark.parametrize("formula", [*STATEFUL, "age + grade", "log(nodes + 1):grade"])
def test_other_patients_get_the_columns_that_the_cohort_would_give_them(covariates, formula):
    design = build_design(formula, covariates)
    np.testing.assert_allclose(design.apply(covariates.iloc[5:9]), design.values[5:9], atol=1e-10)


@pytest.mark.parametrize("formula", STATEFUL)
def test_stateful_transforms_would_differ_if_they_forgot(covariates, formula):
    design = build_design(formula, covariates)
    few = covariates.iloc[:12]
    assert not np.allclose(build_design(formula, few).values, design.apply(few))


@pytest.mark.parametrize("formula", [*STATEFUL, "age + grade", "1"])
def test_a_design_can_be_pickled_and_copied(covariates, formula):
    design = build_design(formula, covariates)
    for twin in (pickle.loads(pickle.dumps(design)), copy.deepcopy(design)):
        assert twin.terms == design.terms
        np.testing.assert_array_equal(twin.values, design.values)
        np.testing.assert_array_equal(twin.apply(covariates), design.apply(covariates))


def test_a_design_is_read_only(covariates):
    design = build_design("age", covariates)
    with pytest.raises(ValueError, match="read-only"):
        design.values[0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        design.means[0] = 1.0


def test_the_order_of_patients_changes_nothing_but_their_order(covariates):
    order = np.random.default_rng(2).permutation(60)
    straight = build_design("bs(age, df=4) + grade", covariates)
    shuffled = build_design("bs(age, df=4) + grade", covariates.iloc[order])
    np.testing.assert_allclose(shuffled.values, straight.values[order], atol=1e-12)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("time ~ age", "right-hand side alone"),
        ("~ age", "right-hand side alone"),
        ("age | grade", "right-hand side alone"),
        ("0 + age", "must keep its intercept"),
        ("age - 1", "must keep its intercept"),
        ("-1", "must keep its intercept"),
        ("age + stage", "found stage in .*choose from: age, grade, nodes, size in mm"),
        ("foo(age)", "found foo in"),
        ("age +", "must be a formula that formulaic reads"),
        ("age + (", "must be a formula that formulaic reads"),
        ("age + 3", "must be a formula that formulaic reads"),
        (".", "must be a formula that formulaic reads"),
        ("log(", "must be a formula that formulaic reads"),
        ("log(grade)", "must be computable for every patient"),
        ("age.nothing", "must"),
        ("np.nothing(age)", "must be computable for every patient"),
        ("1 / 0", "must"),
        ("lag(age)", r"missing 'lag\(age\)' for 1 patients \(rows 1\)"),
    ],
)
def test_a_formula_that_cannot_be_used_is_refused(covariates, formula, message):
    with pytest.raises(InputError, match=message) as refusal:
        build_design(formula, covariates, "study.toml: [outcome] formula")
    assert str(refusal.value).startswith("study.toml: [outcome] formula")
    assert "\x1b" not in str(refusal.value)


def test_names_of_the_program_are_no_covariates(covariates):
    secret = np.arange(60.0)
    assert secret.size == len(covariates)
    with pytest.raises(InputError, match="found secret"):
        build_design("secret", covariates)


@pytest.mark.parametrize("formula", ["1", "age", "age + log(nodes)", "`size in mm`", "np.sqrt(age)"])
def test_a_good_formula_has_no_problem(covariates, formula):
    assert formula_problem(formula, covariates.columns) is None


def test_infinite_columns_are_named_and_counted(covariates):
    zeros = int((covariates["nodes"] == 0).sum())
    first = np.flatnonzero(covariates["nodes"] == 0)[0] + 1
    with pytest.raises(
        InputError, match=rf"'log\(nodes\)' for {zeros} patients \(rows {first}, .*log\(x \+ 1\)"
    ):
        build_design("age + log(nodes)", covariates)


def test_other_patients_with_infinite_columns_are_refused(covariates):
    design = build_design("log(nodes + 1)", covariates)
    with pytest.raises(InputError, match="for 1 patients"):
        design.apply(covariates.iloc[:3].assign(nodes=[1.0, -1.0, 2.0]))


def test_other_patients_with_missing_cells_are_refused(covariates):
    design = build_design("age + grade", covariates)
    covariates.loc[2, "grade"] = None
    with pytest.raises(InputError, match="missing cells in grade"):
        design.apply(covariates)


def test_other_patients_with_a_level_never_seen_are_refused(covariates):
    design = build_design("grade", covariates)
    with pytest.raises(InputError, match="computable for every patient, but: Data has categories outside"):
        design.apply(pd.DataFrame({"grade": pd.Categorical(["I", "IV"])}))


def test_a_constant_column_is_named(covariates):
    with pytest.raises(InputError, match="constant: 'nodes'"):
        build_design("age + nodes", covariates.assign(nodes=3.1))


def test_a_level_that_no_patient_has_is_named(covariates):
    some = covariates[covariates["grade"] != "III"]
    with pytest.raises(InputError, match=r"constant: 'grade\[T.III\]' \(no patient has grade = III\)"):
        build_design("grade", some)


def test_collinear_columns_are_a_warning_that_names_them_and_no_other(covariates):
    twice = covariates.assign(half=covariates["age"] / 2)
    with pytest.warns(CohortWarning, match="collinear columns: age, half. Only"):
        build_design("nodes + age + half", twice)


def test_a_reference_level_that_no_patient_has_makes_the_others_collinear(covariates):
    some = covariates[covariates["grade"] != "I"]
    with pytest.warns(CohortWarning, match=r"collinear columns: grade\[T.II\], grade\[T.III\]"):
        build_design("age + grade", some)


def test_more_columns_than_patients_are_collinear(covariates):
    with pytest.warns(CohortWarning, match="collinear"):
        build_design("age + nodes + `size in mm` + grade", covariates.iloc[:4])


@pytest.mark.parametrize("unit", [1e200, 1e-200, 1e15, 1e-15])
def test_units_beyond_reason_are_refused(unit):
    covariates = pd.DataFrame({"age": np.array([1.0, 2.0, 4.0]) * unit})
    with pytest.raises(
        InputError, match=r"must give columns that vary by between .*: age; give the covariate in"
    ):
        build_design("age", covariates)


AWKWARD = ("age.dx", "1", "2", "Intercept", "ER|PR", "Δ~weeks", "T/N", "size in mm", "class", "C", "np", "log", "a:b", "0", "-x", "x ", "µg/L", "$", "%", "[T.II]", '"', "covariate_0_", "df", ".", "a.b.c", "e1", "±")  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(st.characters(exclude_characters="`", exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=8),
).map(str.strip).filter(bool)  # fmt: skip
FORM = "{0} + log({0} + 1) + {1}:{2} + C({2}, Treatment('II')) + bs({0} ** 2, df=3)"


def frame_of(names, levels=("I", "II", "III")) -> pd.DataFrame:
    draws = np.random.default_rng(5)
    first, second = draws.uniform(1, 9, 40), draws.normal(60, 9, 40)
    kinds = pd.Categorical.from_codes(draws.permutation(np.arange(40) % 3), list(levels))
    return pd.DataFrame(dict(zip(names, (first, second, kinds), strict=True)))


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=3, max_size=3, unique=True))
def test_names_change_no_column_and_are_the_names_of_terms(names):
    plain = build_design(FORM.format("a", "b", "c"), frame_of(("a", "b", "c")))
    quoted = [f"`{name}`" for name in names]
    design = build_design(FORM.format(*quoted), frame_of(names))
    np.testing.assert_array_equal(design.values, plain.values)
    np.testing.assert_array_equal(design.apply(frame_of(names).head(9)), plain.apply(frame_of("abc").head(9)))
    shown = in_formula(names[0])
    assert design.terms[0] == names[0]
    assert {f"log({shown} + 1)", f"{names[1]}:{names[2]}[II]"} < set(design.terms)
    np.testing.assert_array_equal(columns_of(design, names[:1]), columns_of(plain, ["a"]))


@pytest.mark.parametrize("name", ["age.dx", "Intercept", "1", "T/N", "ER|PR", "Δ~weeks", "lambda"])
def test_a_column_stays_in_the_model_under_any_name(name):
    frame = frame_of((name, "b", "c"))
    design = build_design(f"{in_formula(name)} + b", frame)
    assert design.terms == (name, "b")
    np.testing.assert_allclose(design.values[:, 0], frame[name] - frame[name].mean())


@pytest.mark.parametrize(
    ("formula", "names", "written"),
    [
        ("age.dx + b", ["age.dx", "b"], "`age.dx`"),
        ("age.dx + age", ["age.dx", "age"], "`age.dx`"),
        ("b + 1", ["1", "b"], "`1`"),
        ("b + 2", ["2", "b"], "`2`"),
        ("T/N + b", ["T/N", "b"], "`T/N`"),
    ],
)
def test_a_name_without_its_backquotes_is_named_with_them(formula, names, written):
    problem = formula_problem(formula, names)
    assert problem is not None
    assert problem.endswith(f"write {written}")


def test_one_alone_is_no_covariate_even_where_a_column_is_named_1():
    assert formula_problem("1", ["1", "b"]) is None
    assert build_design("1", frame_of(("1", "b", "c"))).terms == ()


@pytest.mark.parametrize(
    "key", ["ph.ecog = {}", 'ph.ecog.mean = {unit = "years"}', 'wt.loss = {levels = ["a", "b"]}']
)
def test_a_key_with_dots_and_no_quotes_is_named_with_them(key, study_text):
    name = key.split(" ")[0]
    with pytest.raises(InputError, match=rf'\[covariates\] {name} must be in quotes.*write "{name}" = '):
        parse_study(study_text.replace("[covariates]", f"[covariates]\n{key}"), "study.toml")
