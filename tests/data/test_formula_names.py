"""Any text may name a column: the same columns of a design under any names."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import InputError
from data.study.formula_names import in_formula
from data.study.formulas import build_design, formula_problem
from data.study.study import parse_study
from data.study.subcohorts import columns_of

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
