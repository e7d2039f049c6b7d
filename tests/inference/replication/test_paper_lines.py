"""Every number of the paper on simulated cohorts, against libraries and plain counting; medians; tables of lines."""

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
from inference.published.reanalysis.lines import LONG, SUMMARY, Line, end_of, long_table, summary_table
from inference.published.reanalysis.normal_median import GroupCurve
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


def made():
    def line(value, cohort):
        return [
            (cohort, Line("Survival", "median", printed("34.1"), value, "months")),
            (cohort, Line("Survival", "P", printed("0.001", operator="<"), value / 1e5, "P")),
            (cohort, Line("Own", "difference", None, value / 100, "")),
        ]

    return long_table([*line(34.0, 1), *line(34.14, 2), *line(34.3, 3)])


def test_one_row_a_line_and_cohort():
    table = made()
    assert list(table.columns) == list(LONG)
    assert len(table) == 9
    assert table["printed"].tolist()[:3] == ["34.1", "<0.001", ""]
    assert table["bound"].tolist()[:3] == [False, True, False]


def test_mean_range_difference_and_agreement():
    summary = summary_table(made())
    assert list(summary.columns) == list(SUMMARY)
    assert summary["line"].tolist() == ["median", "P", "difference"]
    median, p, own = (row for _, row in summary.iterrows())
    assert median["computed_mean"] == pytest.approx((34.0 + 34.14 + 34.3) / 3)
    assert (median["computed_low"], median["computed_high"]) == (34.0, 34.3)
    assert median["difference"] == pytest.approx(median["computed_mean"] - 34.1)
    assert median["agreeing"] == pytest.approx(1 / 3)  # only 34.14 is printed as 34.1
    assert (p["difference"], p["agreeing"]) == (0.0, 1.0)  # all lie under the bound
    assert np.isnan(own["difference"])
    assert np.isnan(own["agreeing"])


def test_a_bound_that_is_passed_differs_by_what_it_is_passed():
    table = long_table([(1, Line("Cox", "P", printed("<0.001"), 0.004, "P"))])
    (row,) = summary_table(table).to_dict("records")
    assert row["difference"] == pytest.approx(0.003)
    assert row["agreeing"] == 0.0


def test_cohorts_without_a_value_are_left_out_and_none_gives_nan():
    table = long_table(
        [(k, Line("Cox", "ratio", printed("0.5"), value)) for k, value in enumerate([np.nan, 0.4, 0.6])]
    )
    assert summary_table(table)["computed_mean"].item() == pytest.approx(0.5)
    nothing = summary_table(long_table([(1, Line("Cox", "ratio", printed("0.5"), np.nan))]))
    assert nothing[["computed_mean", "computed_low", "difference", "agreeing"]].isna().all(axis=None)


def test_a_median_that_is_not_reached_stays_infinite():
    table = long_table([(1, Line("Survival", "median", printed("50"), np.inf))])
    assert np.isinf(summary_table(table)["computed_mean"].item())


def test_ends_of_printed_intervals():
    number = printed("57.2", "44.5", "69.80")
    lower = end_of(number, "lower")
    assert lower is not None
    assert (lower.text, lower.value, lower.decimals) == ("44.5", 44.5, 1)
    assert end_of(printed("57.2"), "upper") is None
    assert end_of(None, "lower") is None


def test_the_interval_by_hand():
    """Twenty patients, nobody censored: S falls by 0.05 at each of the times 1 to 20."""
    times = np.arange(1.0, 21.0)
    median, lower, upper = GroupCurve(times, np.ones(20, bool)).median_interval()
    # S(9) = 0.55 and S(11) = 0.45: the slope is 0.10 over 2; the binomial error of S(10) = 0.5 is sqrt(0.25 / 20).
    half = 1.959964 * np.sqrt(0.25 / 20) / 0.05
    assert median == 10.0
    assert (lower, upper) == (pytest.approx(10 - half, abs=1e-4), pytest.approx(10 + half, abs=1e-4))


def test_the_curve_and_its_error_are_those_of_lifelines(rows):
    time, event = rows["time"].to_numpy(), rows["event"].to_numpy() == 1
    group = GroupCurve(time, event)
    with np.errstate(all="ignore"):
        fitted = KaplanMeierFitter().fit(time, event)
    at = np.array([6.0, 24.0, 60.0])
    np.testing.assert_allclose(group.at(at), fitted.predict(at).to_numpy())
    median, lower, upper = group.median_interval()
    assert median == fitted.median_survival_time_
    # The same standard error from lifelines' Greenwood variance of log S, and the slope read off its curve.
    curve = fitted.survival_function_.iloc[:, 0]
    u, low = curve.index[curve >= 0.55 - 1e-9][-1], curve.index[curve <= 0.45 + 1e-9][0]
    # A censoring time is a row of lifelines' curve; the last death at or above 0.55 is where the curve last stepped.
    deaths = np.unique(time[event])
    u = deaths[deaths <= u][-1]
    slope = (curve[u] - curve[low]) / (low - u)
    at_risk = np.array([(time >= one).sum() for one in deaths[deaths <= median]])
    died = np.array([(time[event] == one).sum() for one in deaths[deaths <= median]])
    error = curve[median] * np.sqrt((died / (at_risk * (at_risk - died))).sum()) / slope
    assert (upper - lower) / 2 == pytest.approx(1.959964 * error, rel=1e-6)


def test_a_median_that_is_not_reached_has_no_interval():
    median, lower, upper = GroupCurve(
        np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 0, 0, 0], bool)
    ).median_interval()
    assert np.isinf(median)
    assert np.isnan([lower, upper]).all()


def test_a_curve_that_ends_above_the_lower_limit_has_a_median_without_interval():
    """S falls to 0.5 and stays there: the slope around one half is not determined."""
    median, lower, upper = GroupCurve(
        np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 1, 0, 0], bool)
    ).median_interval()
    assert median == 2.0
    assert np.isnan([lower, upper]).all()
