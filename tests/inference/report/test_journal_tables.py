"""The tables that journals print: equal to the frequentist ones, and to the counts of the patients."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from data.study.sources import load_cohort
from data.study.study import load_study
from inference.frequentist import comparators, cox
from inference.frequentist.balance import standardised_differences
from inference.report.journal_tables import (
    _by_arm,
    balance_sentence,
    coefficients,
    cox_table,
    described,
    patients_table,
)

EFFECT = pd.DataFrame(
    [("hazard_ratio", "conditional", "", np.nan, 0.7, 0.5, 0.9)],
    columns=["estimand", "population", "subgroup", "time", "median", "lower", "upper"],
)
"""Of all draws of a fit, of which some are kept."""


@pytest.fixture(scope="module")
def results(study):
    """What the tables read of the results of an analysis: gbsg2, one posterior draw a parameter and more."""
    cohort = load_cohort(study)
    names = ["treatment_effect", *(f"outcome_coefficients[{term}]" for term in cohort.outcome.terms)]
    draws = np.arange(len(names))[:, None] + np.linspace(-1, 1, 201)
    left = {"age": -0.01, "tgrade[T.II]": 0.02, "tgrade[T.III]": -0.05}
    balance = pd.DataFrame({"term": left.keys(), "difference_after": left.values()})
    request = SimpleNamespace(adjustment="none", baseline="weibull", exposure="naive")
    fits = [
        SimpleNamespace(
            request=request,
            balance=pd.DataFrame(),
            estimands=EFFECT,
            draws=xr.Dataset({"parameter": (("parameter_name", "draw"), draws)}, {"parameter_name": names}),
        ),
        SimpleNamespace(request=SimpleNamespace(adjustment="overlap", baseline="weibull"), balance=balance),
    ]
    return SimpleNamespace(
        study=study, cohorts=(cohort,), analysed=(cohort,), cohort=cohort, models=fits, main=fits[0]
    )


def test_the_cox_table_equals_lifelines_and_the_draws(results, make_report, tmp_path):
    cohort, table = results.cohort, coefficients(results, tmp_path).set_index("term")
    columns = np.column_stack([cohort.treatment, cohort.outcome.values])
    together = cox(cohort.time, cohort.event, columns, ["", *cohort.outcome.terms]).table.set_index("term")
    alone = cox(cohort.time, cohort.event, columns[:, :1], [""]).table.set_index("term")
    for end, name in (("", "coefficient"), ("_lower", "lower"), ("_upper", "upper")):
        assert_allclose(np.log(table[f"multivariable{end}"]), together[name], rtol=1e-4, atol=1e-6)
        assert_allclose(np.log(table.loc["", f"univariable{end}"]), alone.loc["", name], rtol=1e-4)
    ends = ["posterior", "posterior_lower", "posterior_upper"]
    kept = np.log(table[ends].to_numpy(float)[1:])
    assert_allclose(kept, np.arange(1, len(table))[:, None] + [0.0, -0.95, 0.95], atol=1e-12)
    assert table.loc["", ends].tolist() == [0.7, 0.5, 0.9]  # as it stands elsewhere
    shown = cox_table(make_report(), table.reset_index())
    first = {row.cells[0].text for row in shown.rows}
    assert {"Age, years", "Tumour grade: III", "log(pnodes)"} <= first
    assert [row.kind for row in shown.rows] == ["main", *[""] * len(cohort.outcome.terms)]


def test_cox_models_count_treatment_as_the_posterior_does(results, tmp_path):
    cohort = load_cohort(load_study("stanford_heart"))
    table = comparators(cohort, 730, [365]).query("statistic == 'hazard_ratio'").set_index("method")
    found = {}
    for exposure in ("naive", "time_split"):
        request = SimpleNamespace(adjustment="none", exposure=exposure)
        fit = SimpleNamespace(request=request, draws=results.main.draws, estimands=EFFECT)
        found[exposure] = coefficients(
            SimpleNamespace(cohort=cohort, cohorts=(cohort,), analysed=(cohort,), models=[fit], main=fit),
            tmp_path,
        ).set_index("term")
    for exposure, split in (("naive", ""), ("time_split", ", treatment split at its start")):
        for name, method in (("univariable", "univariable"), ("multivariable", "multivariable (Efron)")):
            own = table.loc[f"Cox{split}, {method}"]
            row = found[exposure].loc[""]
            assert_allclose(row[name], own["estimate"], rtol=1e-4)
            assert_allclose(row[f"{name}_lower"], own["lower"], rtol=1e-3)


def test_table_1_holds_counts_and_differences_before_and_after(results, make_report):
    cohort, table = results.cohort, described(results)
    grade = table[table["covariate"] == "Tumour grade"].set_index("level")
    second = cohort.covariates["tgrade"].astype(str) == "II"
    treated = int(second[cohort.treatment].sum())
    assert grade.loc["II", "treated"] == f"{treated} ({100 * treated / cohort.treatment.sum():.1f} %)"
    before = standardised_differences(cohort.covariates, cohort.treatment).set_index("term")
    assert_allclose(grade.loc["II", "before"], abs(before.loc["tgrade[II]", "difference_before"]))
    assert grade.loc["II", "overlap"] == 0.02
    spread = {
        level: np.sqrt(
            np.mean(
                [
                    (cohort.covariates["tgrade"][arm] == level).astype(float).var()
                    for arm in (cohort.treatment, ~cohort.treatment)
                ]
            )
        )
        for level in ("I", "II", "III")
    }
    of_reference = (-0.02 * spread["II"] + 0.05 * spread["III"]) / spread["I"]
    assert_allclose(grade.loc["I", "overlap"], abs(of_reference))  # shares of levels add up to 1
    age = table[table["covariate"] == "Age, years"].iloc[0]
    mean = cohort.covariates["age"][cohort.treatment]
    assert age["treated"] == f"{mean.mean():.1f} ({mean.std():.1f})"
    shown = patients_table(make_report(), table)
    assert len(shown.rows) == len(table)
    assert (
        f"is {table['before'].max():.2f}, {table['overlap'].max():.2f} after overlap weights"
        in balance_sentence(table)
    )


@pytest.mark.parametrize(("scale", "decimals"), [(1.0, 1), (0.01, 3), (1000.0, 1)])
def test_means_have_the_digits_that_their_unit_needs(results, scale, decimals):
    cohort = results.cohort
    scaled = cohort.covariates[["age"]] * scale
    treated = scaled["age"][cohort.treatment]
    mean, sd = treated.mean(), treated.std()
    one = SimpleNamespace(covariates=scaled, treatment=cohort.treatment, counts=None)
    assert _by_arm([one], "age")["treated"] == f"{mean:.{decimals}f} ({sd:.{decimals}f})"
    centred = SimpleNamespace(covariates=scaled - mean, treatment=cohort.treatment, counts=None)
    assert float(_by_arm([centred], "age")["treated"].split(" ")[0]) == 0
    assert _by_arm([centred], "age")["control"].startswith("−")
