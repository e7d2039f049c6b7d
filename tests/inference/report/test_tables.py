"""Tables of the page and those that journals print: no row is lost, and numbers are those of their sources."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from data.study.sources import load_cohort
from data.study.study import load_study
from inference.diagnostics.checks.result import CheckResult, checks_table
from inference.frequentist.balance import standardised_differences
from inference.frequentist.cox_model import cox
from inference.frequentist.own_matching import AFTER, BEFORE, OWN_PAIRS, PAIRS
from inference.frequentist.table import comparators
from inference.report.check_tables import counts_sentence, families_table, ordered_checks, passed_tables
from inference.report.comparator_tables import comparators_table, other_comparators_table
from inference.report.effect_tables import estimands_tables
from inference.report.journal_tables import (
    _by_arm,
    balance_sentence,
    coefficients,
    cox_table,
    described,
    patients_table,
)
from inference.report.own_matching_table import own_matching_table
from inference.report.provenance_tables import command_line, manifest_tables, tree_warning
from inference.report.sensitivity_table import sensitivity_table
from inference.report.table import NUMBER, PERCENT, RATIO, SPAN, TEXT, Column, Table, frame_table


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_checks_come_failures_first_and_the_main_fit_first_among_them(make_report):
    report = make_report()
    checks = ordered_checks(report)
    assert [check.status for check in checks] == ["fail", "fail", "warn", "info", "pass", "pass"]
    assert [check.of_main for check in checks] == [True, False, True, True, True, False]
    first = checks[0]
    assert first.name == "Convergence, Piecewise exponential, joint propensity, default: R-hat"
    assert first.finding == "1.023, threshold 1.01; largest for treatment_effect"


def test_no_check_is_lost(make_report):
    report = make_report()
    checks = ordered_checks(report)
    assert counts_sentence(checks) == "6 checks: 2 failed, 1 warns, 2 passed, 1 for information."
    counted = sum(int(text) for row in texts(families_table(checks)) for text in row[1:])
    assert counted == len(report.checks)
    assert sum(len(table.rows) for table in passed_tables(checks)) == 2
    with pytest.raises(ValueError, match="must be one of fail"):
        ordered_checks(replace(report, checks=report.checks.assign(status="maybe")))


def test_fits_are_a_column_only_where_a_check_is_of_one(make_report):
    report = make_report()
    (of_fits, *_) = passed_tables(ordered_checks(report))
    assert of_fits.columns[0].title == "Fit"
    alone = report.checks.assign(family="reconstruction", fit="", status="pass")
    (of_none,) = passed_tables(ordered_checks(replace(report, checks=alone)))
    assert [column.title for column in of_none.columns] == ["Check", "Value", "Threshold", "Meaning"]
    mixed = alone.assign(fit=["", *report.checks["fit"][1:]])
    (both,) = passed_tables(ordered_checks(replace(report, checks=mixed)))
    assert all(row[0] for row in texts(both))


def test_a_check_of_all_fits_has_no_fit_in_its_name(make_report):
    report = make_report()
    named = report.checks.assign(family="overlap", fit="", subject="share outside the common range")
    check = ordered_checks(replace(report, checks=named))[0]
    assert (check.family, check.fit, check.subject) == ("overlap", "", "share outside the common range")
    assert check.of_main


def test_frequentist_numbers_stand_beside_what_answers_the_same_question(make_report):
    rows = texts(comparators_table(make_report()))
    univariable, multivariable, difference, survival, median = rows
    assert univariable[3:5] == ["–", "–"]
    assert multivariable[2:5] == ["0.68 (0.53 to 0.88)", "0.70 (0.54 to 0.86)", "0.72 (0.56 to 0.88)"]
    assert multivariable[5].endswith("p = 0.003")
    assert difference[3] == "131 (62 to 200)"
    assert survival[:4] == [
        "Recurrence-free survival at 365 days, %",
        "Hormonal therapy",
        "95.0 (91.3 to 97.1)",
        "93.0 (91.0 to 95.0)",
    ]
    assert median[2] == "2018 (1918 to not reached)"


def test_published_numbers_get_a_column_only_where_there_are_some(make_report):
    report = make_report()
    labels = [column.title for column in comparators_table(report).columns]
    assert "Published" not in labels
    known = (report.comparators["arm"] == "") | (report.comparators["statistic"] == "survival")
    published = report.comparators.assign(published=np.where(known, 0.5, np.nan))
    table = comparators_table(make_report(comparators=published))
    assert [column.title for column in table.columns][2] == "Published"
    assert table.rows[0].cells[2].text == "0.500"
    (survival,) = (row.cells[2].text for row in table.rows if "survival at 365 days, %" in row.cells[0].text)
    assert survival == "50"  # percent, as the numbers beside it


def test_the_rest_of_the_frequentist_analysis_is_complete(make_report):
    rows = texts(other_comparators_table(make_report()))
    assert [row[:3] for row in rows] == [
        ["Log-rank test, chi-square", "", "8.56"],
        ["Hazard ratio", "Tumour size, mm", "1.004 (0.996 to 1.012)"],
        ["Proportional hazards, chi-square", "", "23.8"],
    ]


def test_every_estimand_of_every_fit_is_there(make_report):
    report = make_report()
    tables = estimands_tables(report)
    assert sum(len(table.rows) for table in tables) == len(report.estimands)
    assert tables[0].caption == "Every estimand of the fit Piecewise exponential, joint propensity"
    shown = texts(tables[0])
    assert "1.001" in shown[0]
    assert "Subgroup" not in [column.title for column in tables[0].columns]
    assert "0.930 (0.910 to 0.950)" in next(row for row in shown if row[0] == "Survival treated")


def test_subgroups_are_named_where_there_are_some(make_report):
    report = make_report()
    varied = report.estimands.assign(subgroup="menostat=Pre")
    table = estimands_tables(make_report(estimands=varied))[0]
    assert [column.title for column in table.columns][2] == "Subgroup"
    assert table.rows[0].cells[2].text == "menostat=Pre"


def test_the_effect_under_each_prior_set(make_report):
    table = sensitivity_table(make_report())
    assert table is not None
    name, *numbers, _, _, _, prior = texts(table)[1]
    assert (name, prior) == ("sceptical", "Normal(0, 0.217). for sceptics")
    assert numbers == [
        "0.75 (0.62 to 0.92)",
        "–",
        "0.997",
        "104 (33 to 170)",
    ]
    assert [row.kind for row in table.rows] == ["main", ""]
    assert sensitivity_table(make_report(sensitivity=None)) is None


def test_missing_numbers_are_sorted_last():
    table = frame_table("t", "T", pd.DataFrame({"name": ["a", "b"], "size": [1.5, np.nan]}))
    assert [row.cells[1].sort for row in table.rows] == [1.5, math.inf]
    assert table.columns == (Column("Name", TEXT, "name"), Column("Size", NUMBER, "size"))


def test_a_column_that_the_frame_lacks_is_refused():
    with pytest.raises(ValueError, match="must have b, but found no such column"):
        Table("t", "T", (Column("A", TEXT, "a"), Column("B", NUMBER, "b")), pd.DataFrame({"a": ["x"]}))


def test_two_columns_do_not_share_limits():
    """Beside the estimate of one model the interval of another would be a wrong number."""
    frame = pd.DataFrame({"cox": [0.4], "main": [0.5], "lower": [0.3], "upper": [0.7]})
    columns = (Column("Cox", RATIO, "cox"), Column("Main", RATIO, "main"))
    with pytest.raises(ValueError, match="cox, main of table x must have limits of their own"):
        Table("x", "X", columns, frame)
    table = Table("x", "X", columns, frame.assign(cox_lower=0.2, cox_upper=0.8))
    assert texts(table) == [["0.40 (0.20 to 0.80)", "0.50 (0.30 to 0.70)"]]


def test_limits_are_those_of_the_estimate_and_else_those_of_the_row():
    frame = pd.DataFrame(
        {"own": [0.5, 0.25], "own_lower": [0.4, 0.1], "own_upper": [0.6, 0.9], "plain": [2.0, np.nan]}
        | {"lower": [1.0, np.nan], "upper": [3.5, np.nan], "note": ["", "not estimable"]}
    )
    table = Table("t", "T", (Column("Own", RATIO, "own"), Column("Plain", RATIO, "plain")), frame)
    assert texts(table) == [
        ["0.50 (0.40 to 0.60)", "2.00 (1.00 to 3.50)"],
        ["0.25 (0.10 to 0.90), not estimable", "not estimable"],
    ]
    assert [row.cells[1].sort for row in table.rows] == [2.0, math.inf]


def test_rows_may_be_written_in_different_ways_and_sorted_by_another_column():
    frame = pd.DataFrame({"value": [0.5, 7.0], "lower": [0.4, 6.0], "upper": [0.6, 8.0], "rank": [2, 1]})
    frame["kind"] = [PERCENT, SPAN]
    table = Table("t", "T", (Column("V", SPAN, "value", by="rank", kinds="kind"),), frame)
    assert [(row.cells[0].text, row.cells[0].sort) for row in table.rows] == [
        ("50.0 (40.0 to 60.0)", 2.0),
        ("7.0 (6.0 to 8.0)", 1.0),
    ]


def test_the_manifest_is_shown_whole():
    manifest = {
        "command": ["rtsurv", "analyse", "my study"],
        "seed": 1,
        "clean": False,
        "versions": {"pymc": "6.4"},
        "wall_time": {"fits": {"joint": 1.234}},
    }
    assert command_line(manifest) == "rtsurv analyse 'my study'"
    assert "in no commit" in tree_warning(manifest)
    assert tree_warning({**manifest, "clean": True}) == ""
    assert "unknown" in tree_warning({**manifest, "clean": None})
    shown = [text for table in manifest_tables(manifest) for row in texts(table) for text in row]
    assert shown == ["seed", "1", "clean", "no", "pymc", "6.4", "fits · joint", "1.23 s"]


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
    drawn = xr.Dataset({"parameter": (("parameter_name", "draw"), draws)}, {"parameter_name": names})
    fits = [
        SimpleNamespace(request=request, balance=pd.DataFrame(), estimands=EFFECT, draws=drawn),
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
    levels = pd.get_dummies(cohort.covariates["tgrade"], dtype=float)
    spread = np.sqrt(levels.groupby(cohort.treatment).var().mean())
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


def own(time=np.nan, estimate=0.71, method=OWN_PAIRS):
    rows = [
        (PAIRS, 231.0, np.nan, np.nan, np.nan),
        (BEFORE, 0.31, np.nan, np.nan, np.nan),
        (AFTER, 0.06, np.nan, np.nan, np.nan),
        ("hazard_ratio", estimate, 0.55, 0.92, 0.009),
    ]
    table = pd.DataFrame(rows, columns=pd.Index(["statistic", "estimate", "lower", "upper", "p"]))
    return table.assign(arm="", time=time, method=method, published=np.nan)


def matched(estimands, exposure="naive"):
    one = estimands[(estimands["estimand"] == "hazard_ratio") & (estimands["adjustment"] == "joint")]
    one = one[one["baseline"] == "piecewise_exponential"]
    return one.assign(adjustment="matched", population="matched", median=0.66, exposure=exposure)


@pytest.mark.parametrize(("time", "exposure"), [(np.nan, "naive"), (30.0, "landmark_30")])
def test_numbers_stand_beside_the_posterior_that_counts_exposure_alike(make_report, time, exposure):
    report = make_report()
    counted = "" if exposure == "naive" else f", {exposure}"
    fit = f"piecewise_exponential, matched, default{counted}"
    left = checks_table([CheckResult("overlap", "balance after the design", "pass", 0.03, 0.1, "", fit)])
    report = make_report(
        comparators=pd.concat([report.comparators, own(time)], ignore_index=True),
        estimands=pd.concat(
            [report.estimands, matched(report.estimands, exposure), matched(report.estimands, "landmark_60")]
        ),
        checks=pd.concat([report.checks, left]),
    )
    (table,) = own_matching_table(report)
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    assert len(cells) == 2
    assert cells[0][2:6] == ["231", "0.310", "0.0600", "0.71 (0.55 to 0.92)"]
    assert cells[1][4] == "0.0300"
    assert cells[1][5].startswith("0.66")
    for other in (comparators_table(report), other_comparators_table(report)):
        assert not any(OWN_PAIRS in cell.text for row in other.rows for cell in row.cells)


def test_without_pairs_there_is_no_table_and_what_was_refused_says_why(make_report):
    assert own_matching_table(make_report()) == []
    refused = own(estimate=np.nan, method=f"Cox, {OWN_PAIRS}; not estimable: too few").tail(1)
    (table,) = own_matching_table(make_report(comparators=refused))
    (row,) = table.rows
    assert row.cells[0].text.endswith("not estimable: too few")
    assert all(cell.text == "–" for cell in row.cells[2:5])
