"""Every number of the paper on simulated cohorts, against lifelines, statsmodels, scipy and plain counting."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import logrank_test, multivariate_logrank_test
from scipy.stats import chi2_contingency, fisher_exact
from statsmodels.duration.hazard_regression import PHReg

from data.published.printed import printed
from inference.frequentist.survival import kaplan_meier, median_follow_up
from inference.published.reanalysis.baseline_lines import baseline_lines
from inference.published.reanalysis.cox_lines import cox_lines
from inference.published.reanalysis.subgroup_lines import log_rank_p_of_groups, subgroup_lines
from inference.published.reanalysis.survival_lines import survival_lines


def computed(lines):
    listed = list(lines)
    assert len({line.name for line in listed}) == len(listed), "names are unique"
    return {line.name: line for line in listed}


@pytest.fixture(scope="module")
def survival(li2024):
    return computed(survival_lines(li2024.pseudo[0], li2024.evidence))


@pytest.fixture(scope="module")
def cox(li2024):
    return computed(cox_lines(li2024.pseudo[0], li2024.evidence))


@pytest.fixture(scope="module")
def subgroups(li2024):
    return computed(subgroup_lines(li2024.pseudo[0], li2024.evidence))


@pytest.fixture(scope="module")
def baseline(li2024):
    return computed(baseline_lines(li2024.pseudo[0], li2024.evidence))


def median(group):
    """The median of lifelines' curve, one half being one half whatever the rounding."""
    return kaplan_meier(group["time"], group["event"]).median


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize(("arm", "label"), [(1, "RT"), (0, "nonRT")])
def test_survival_and_medians_are_those_of_lifelines(survival, rows, phase, arm, label):
    group = rows[(rows["treatment"] == arm) & ((rows["matched"] == 1) | (phase == "before"))]
    with np.errstate(all="ignore"):
        fitted = KaplanMeierFitter().fit(group["time"], group["event"])
    where = f"{label} {phase} matching"
    assert survival[f"median survival, {where}"].computed == median(group)
    for time in (12.0, 36.0, 60.0):
        expected = 100 * float(fitted.predict(time))
        assert survival[f"survival at {time:g}, {where}"].computed == pytest.approx(expected)
    assert survival[f"size, {where}"].computed == len(group)


@pytest.mark.parametrize("phase", ["before", "after"])
def test_deaths_follow_up_and_log_rank(survival, rows, phase):
    group = rows[(rows["matched"] == 1) | (phase == "before")]
    assert survival[f"deaths, all {phase} matching"].computed == group["event"].sum()
    percent = survival[f"deaths, all {phase} matching, percent"].computed
    assert percent == pytest.approx(100 * group["event"].mean())
    reverse = median_follow_up(group["time"], group["event"])
    follow_up = survival[f"median follow-up, all {phase} matching"].computed
    assert follow_up == reverse.median
    one, other = group[group["treatment"] == 1], group[group["treatment"] == 0]
    expected = logrank_test(one["time"], other["time"], one["event"], other["event"]).p_value
    assert survival[f"log-rank P {phase} matching"].computed == pytest.approx(expected, rel=1e-6)


def test_every_number_of_the_text_has_its_line_with_what_is_printed(survival, li2024):
    numbers = [row.number.text.lstrip("<") for row in li2024.evidence.survival]
    shown = [line.printed.text.lstrip("<") for name, line in survival.items() if not name.endswith(" end")]
    assert shown == numbers
    lower = survival["median survival, RT after matching, lower end"].printed
    assert (lower.text, lower.value) == ("44.5", 44.5)


def in_words(rows):
    """The columns that the paper's Cox tables name, worked out from the raw levels."""
    return pd.DataFrame(
        {
            "Age ≥60 against <60": rows["age"] == "≥50",
            "HR positive against negative": rows["hr_expression"] == "Positive",
            "Ki-67 ≥14 against <14": rows["ki67"] == "≥14",
            "Lymph node metastasis yes against no": rows["n_stage"] != "N0",
            "Bone metastasis yes against no": rows["bone"] == "1",
            "Brain metastasis yes against no": rows["brain"] == "1",
            "Liver metastasis yes against no": rows["liver"] == "1",
            "Lung metastasis yes against no": rows["lung"] == "1",
            "RT yes against no": rows["treatment"] == 1,
        }
    ).astype(float)


def fitted(columns, group):
    frame = columns.assign(time=group["time"], event=group["event"])
    return CoxPHFitter().fit(frame, "time", "event", fit_options={"precision": 1e-10}).summary


def agree(cox, name, row):
    assert cox[f"{name}, hazard ratio"].computed == pytest.approx(row["exp(coef)"], rel=1e-5)
    assert cox[f"{name}, lower end"].computed == pytest.approx(row["exp(coef) lower 95%"], rel=1e-5)
    assert cox[f"{name}, upper end"].computed == pytest.approx(row["exp(coef) upper 95%"], rel=1e-5)
    assert cox[f"{name}, P"].computed == pytest.approx(row["p"], rel=1e-4)


def test_univariable_models_are_those_of_lifelines(cox, rows):
    group = rows[rows["matched"] == 1]
    columns = in_words(group)
    for name in columns:
        agree(cox, f"univariable, {name}", fitted(columns[[name]], group).iloc[0])


def test_the_multivariable_model_holds_the_printed_covariates_and_no_other(cox, rows):
    group = rows[rows["matched"] == 1]
    names = ["Brain metastasis yes against no", "RT yes against no"]
    summary = fitted(in_words(group)[names], group)
    for name in names:
        agree(cox, f"multivariable, {name}", summary.loc[name])
    multivariable = {key.split(", ")[1] for key in cox if key.startswith("multivariable")}
    assert multivariable == set(names)


def test_levels_of_a_stage_are_fitted_together_and_tested_together(cox, rows):
    group = rows[rows["matched"] == 1]
    columns = pd.DataFrame({level: (group["t_stage"] == level).astype(float) for level in ("T2", "T3", "T4")})
    result = PHReg(group["time"], columns, status=group["event"], ties="efron").fit()
    for place, level in enumerate(columns):
        name = f"univariable, T stage {level} against T1, hazard ratio"
        assert cox[name].computed == pytest.approx(float(np.exp(result.params[place])), rel=1e-5)
    overall = result.wald_test(np.eye(3), scalar=True).pvalue
    assert cox["univariable, T stage, all levels, P"].computed == pytest.approx(float(overall), rel=1e-4)


def test_the_text_repeats_the_table_and_keeps_its_own_misprint(cox):
    text, table = (
        cox[f"univariable{where}, RT yes against no, hazard ratio"] for where in (" (in the text)", "")
    )
    assert text.computed == table.computed
    assert (text.printed.text, table.printed.text) == ("0.361", "0.485")


def test_subgroups_are_those_of_the_phase_that_evidence_names(subgroups, rows, li2024):
    assert li2024.evidence.names.subgroups.phase == "before"
    for site in ("bone", "brain", "liver", "lung"):
        group = rows[rows[site] == "1"]
        for arm, label in ((1, "RT"), (0, "nonRT")):
            expected = median(group[group["treatment"] == arm])
            assert subgroups[f"{site}, {label}, median"].computed == expected
        one, other = group[group["treatment"] == 1], group[group["treatment"] == 0]
        expected = logrank_test(one["time"], other["time"], one["event"], other["event"]).p_value
        assert subgroups[f"{site}, log-rank P"].computed == pytest.approx(expected, rel=1e-6)


def test_modalities_are_compared_among_the_treated(subgroups, rows, li2024):
    modality = li2024.modalities[li2024.modalities["cohort"] == 1].set_index("patient")["rt_modality"]
    treated = rows[rows["treatment"] == 1].assign(modality=lambda group: group["patient"].map(modality))
    for name, group in treated.groupby("modality"):
        assert subgroups[f"{name}, RT, median"].computed == median(group)
    expected = multivariate_logrank_test(treated["time"], treated["modality"], treated["event"]).p_value
    assert subgroups["all groups, log-rank P"].computed == pytest.approx(expected, rel=1e-6)


def test_the_test_of_groups_with_ties_is_that_of_lifelines():
    rng = np.random.default_rng(4)
    time, event = rng.integers(1, 9, 80).astype(float), rng.random(80) < 0.7
    labels = rng.choice(["a", "b", "c", "d"], 80)
    expected = multivariate_logrank_test(time, labels, event).p_value
    assert log_rank_p_of_groups(time, event, labels) == pytest.approx(expected, rel=1e-8)
    assert np.isnan(log_rank_p_of_groups(time, event, np.full(80, "a")))


def test_counts_of_table_1(baseline, rows):
    line = baseline["Metastatic Sites, Brain, RT after matching"]
    chosen = rows[(rows["treatment"] == 1) & (rows["matched"] == 1)]
    assert line.computed == (chosen["brain"] == "1").sum()
    assert line.printed.text == "43"
    control = rows[rows["treatment"] == 0]
    assert baseline["T Stage, T3, nonRT before matching"].computed == (control["t_stage"] == "T3").sum()
    counts = [name for name in baseline if " P, " not in name]
    assert len(counts) == 124


@pytest.mark.parametrize(
    ("name", "column", "phase"),
    [
        ("Age (years)", "age", "before"),
        ("T Stage", "t_stage", "after"),
        ("Metastatic Sites, Liver", "liver", "after"),
    ],
)
def test_tests_of_table_1_are_those_of_scipy(baseline, rows, name, column, phase):
    group = rows[(rows["matched"] == 1) | (phase == "before")]
    table = pd.crosstab(group["treatment"], group[column]).to_numpy()
    line = baseline[f"{name} {phase} matching, P, chi-square"]
    assert line.computed == pytest.approx(chi2_contingency(table, correction=False)[1])
    assert line.printed is not None
    corrected = f"{name} {phase} matching, P, chi-square with correction"
    assert (corrected in baseline) == (table.shape[1] == 2)
    if table.shape[1] == 2:
        assert baseline[corrected].computed == pytest.approx(chi2_contingency(table, correction=True)[1])
        exact = baseline[f"{name} {phase} matching, P, Fisher"].computed
        assert exact == pytest.approx(fisher_exact(table).pvalue)


def test_a_bound_is_known_for_a_bound(baseline):
    line = baseline["Metastatic Sites, Bone before matching, P, chi-square"]
    assert line.printed == printed("<0.001", place=line.printed.place)
