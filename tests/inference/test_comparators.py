"""The frequentist table against R's published output, statsmodels, and small cases worked by hand."""

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_gbsg2, load_rossi
from lifelines.utils import restricted_mean_survival_time
from numpy.testing import assert_allclose
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from inference.frequentist.cox_model import cox, independent_columns
from inference.frequentist.log_rank import log_rank
from inference.frequentist.proportional_hazards import proportional_hazards_test
from inference.frequentist.restricted_mean import rmst, rmst_difference
from inference.frequentist.survival import first_time_at_or_below, kaplan_meier, median_follow_up
from inference.frequentist.table import COLUMNS, comparators


def cohort_of(time, event, treatment, columns=None, terms=(), entry=None):
    size = len(time)
    columns = np.empty((size, 0)) if columns is None else np.asarray(columns, dtype=float)
    return SimpleNamespace(
        time=np.asarray(time, dtype=float),
        event=np.asarray(event, dtype=bool),
        treatment=np.asarray(treatment, dtype=bool),
        entry=np.zeros(size) if entry is None else np.asarray(entry, dtype=float),
        treatment_start=None,
        outcome=SimpleNamespace(terms=tuple(terms), values=columns - columns.mean(axis=0)),
    )


def changed(cohort, columns=None, terms=None, rows=slice(None), scale=1.0, entry=None):
    """The cohort with other columns, some of its rows, another unit of time or another entry."""
    columns = cohort.outcome.values if columns is None else columns
    terms = cohort.outcome.terms if terms is None else terms
    time = cohort.time[rows] * scale
    return cohort_of(time, cohort.event[rows], cohort.treatment[rows], columns[rows], terms, entry)


@pytest.fixture(scope="module")
def gbsg2():
    """The 686 women of TH.data's GBSG2, grade as R's orthogonal polynomials."""
    frame = load_gbsg2()
    grade = frame["tgrade"].map({"I": 0, "II": 1, "III": 2}).to_numpy()
    linear = np.array([-1, 0, 1])[grade] / np.sqrt(2)
    quadratic = np.array([1, -2, 1])[grade] / np.sqrt(6)
    post = frame["menostat"] == "Post"
    columns = [frame["age"], post, frame["tsize"], linear, quadratic]
    columns += [frame["pnodes"], frame["progrec"], frame["estrec"]]
    terms = ("age", "menostat", "tsize", "tgrade.L", "tgrade.Q", "pnodes", "progrec", "estrec")
    treatment = frame["horTh"] == "yes"
    return cohort_of(frame["time"], frame["cens"], treatment, np.column_stack(columns), terms)


@pytest.fixture(scope="module")
def table(gbsg2):
    return comparators(gbsg2, horizon=1825.0, times=[365.0, 1826.0, 2650.0])


def late(cohort, seed=7):
    """Entry times for a cohort, a third of them 0."""
    share = np.random.default_rng(seed).uniform(-0.3, 0.6, cohort.time.size).clip(0)
    return np.floor(share * cohort.time)


def only(table, statistic, arm="", **equal):
    rows = table[(table["statistic"] == statistic) & (table["arm"] == arm)]
    for name, value in equal.items():
        rows = rows[rows[name] == value]
    assert len(rows) == 1
    return rows.iloc[0]


# Small cases by hand


def test_kaplan_meier_of_a_case_with_ties_is_the_product_by_hand():
    # 1 2+ 2 2 3+ 5: n = 6, 5 (two deaths, the censored one counts as at risk), 1.
    curve = kaplan_meier([1, 2, 2, 2, 3, 5], [1, 0, 1, 1, 0, 1], times=[0, 0.5, 1, 2, 4.9, 5, 9])
    assert_allclose(curve.survival, [1, 1, 5 / 6, 5 / 6 * 3 / 5, 5 / 6 * 3 / 5, 0, 0])
    assert curve.median == 2  # S is exactly one half there, whatever the rounding
    assert list(curve.at_risk) == [6, 6, 6, 5, 1, 1, 0]
    assert np.isnan(curve.lower[[0, 1, 5]]).all()


def test_log_log_interval_is_the_closed_form():
    curve = kaplan_meier([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 0, 1, 0, 0, 1, 0], times=[4])
    survival = 7 / 8 * 6 / 7 * 4 / 5
    greenwood = 1 / (8 * 7) + 1 / (7 * 6) + 1 / (5 * 4)
    spread = 1.959963984540054 * np.sqrt(greenwood) / np.log(survival)
    assert_allclose(curve.survival, survival)
    assert_allclose(curve.lower, survival ** np.exp(-spread))
    assert_allclose(curve.upper, survival ** np.exp(spread))


def test_late_entry_counts_from_after_the_entry():
    # The second patient enters at 1, at the first death, and so is not at risk of it.
    curve = kaplan_meier([1, 3, 4, 5], [1, 1, 0, 0], entry=[0, 1, 0, 0], times=[1, 3])
    assert_allclose(curve.survival, [2 / 3, 2 / 3 * 2 / 3])
    assert list(curve.at_risk) == [3, 3]


def test_a_risk_set_that_runs_empty_early_is_a_problem_not_a_curve():
    curve = kaplan_meier([1, 5, 6, 7, 8, 9], [1, 1, 0, 1, 1, 0], entry=[0, 4, 4, 4, 4, 4], times=[5])
    assert "late entry" in curve.problem
    assert np.isnan(curve.survival).all()
    mean = rmst([1, 5, 6, 7, 8, 9], [1, 1, 0, 1, 1, 0], 5, entry=[0, 4, 4, 4, 4, 4])
    assert "late entry" in mean.problem


def test_survival_beyond_the_follow_up_does_not_exist():
    curve = kaplan_meier([1, 2, 3], [1, 0, 0], times=[3, 3.1])
    assert_allclose(curve.survival, [2 / 3, np.nan])
    assert curve.follow_up == 3


def test_a_median_that_is_not_reached_is_infinite():
    curve = kaplan_meier([1, 2, 3], [1, 0, 0])
    assert curve.median == np.inf
    assert curve.median_upper == np.inf
    assert first_time_at_or_below(np.array([1.0, 2.0]), np.array([0.9, 0.6])) == np.inf


def test_a_group_without_patients_or_events_has_no_numbers_and_no_error():
    assert kaplan_meier([], [], times=[1]).problem == "no patients"
    nobody_died = kaplan_meier([1, 2], [0, 0], times=[1])
    assert_allclose(nobody_died.survival, 1)
    assert np.isnan(nobody_died.lower).all()


def test_restricted_mean_and_its_variance_by_hand():
    # S: 1 to 1, 3/4 to 2, 3/8 (n=2) to 4: area to 3 is 1 + 3/4 + 3/8.
    mean = rmst([1, 1.5, 2, 4], [1, 0, 1, 0], 3)
    assert_allclose(mean.estimate, 1 + 3 / 4 + 3 / 8)
    assert_allclose(mean.standard_error**2, (3 / 4 + 3 / 8) ** 2 / (4 * 3) + (3 / 8) ** 2 / (2 * 1))


def test_restricted_mean_without_censoring_is_a_sample_mean():
    time = np.random.default_rng(1).exponential(5, 200)
    truncated = np.minimum(time, 6)
    mean = rmst(time, np.ones(200), 6)
    assert_allclose(mean.estimate, truncated.mean())
    # Greenwood's variance is then the variance of min(T, horizon), divisor n, over n.
    assert_allclose(mean.standard_error, truncated.std() / np.sqrt(200))


def test_restricted_mean_stops_where_the_curve_stops():
    assert "beyond the last follow-up" in rmst([1, 2, 3], [1, 0, 0], 4).problem
    assert_allclose(rmst([1, 2, 3], [1, 1, 1], 4).estimate, 2)
    exact = rmst([1, 2, 3], [0, 0, 0], 2)
    assert exact.estimate == 2
    assert rmst_difference(exact, exact).problem == "no events before the horizon"


def test_log_rank_by_hand():
    # Deaths at 1 (treated; 2 of 4 at risk treated) and 2 (control; 1 of 3).
    statistic, p, problem = log_rank([1, 2, 3, 4], [1, 1, 0, 0], [1, 0, 1, 0])
    difference = 1 - 2 / 4 - 1 / 3
    variance = 1 / 4 + 1 / 3 * 2 / 3
    assert_allclose(statistic, difference**2 / variance)
    assert 0 < p < 1
    assert problem == ""


@pytest.mark.parametrize(
    ("event", "treatment", "reason"),
    [([0, 0, 0], [1, 0, 0], "no events"), ([1, 1, 0], [1, 1, 1], "only one arm")],
)
def test_log_rank_says_why_it_does_not_exist(event, treatment, reason):
    statistic, p, problem = log_rank([1, 2, 3], event, treatment)
    assert np.isnan([statistic, p]).all()
    assert problem == reason


def test_independent_columns_keeps_the_first_of_each_dependent_set():
    columns = np.random.default_rng(2).normal(size=(20, 3))
    columns = np.column_stack([columns, columns[:, 0] - 2 * columns[:, 1] + 5, np.full(20, 3.7)])
    assert list(independent_columns(columns)) == [True, True, True, False, False]


# Against R (survival 2.x; HSAUR, chapter 9) and other libraries


def test_the_table_has_the_contracts_columns_and_counts(table):
    assert list(table.columns) == list(COLUMNS)
    assert only(table, "patients")["estimate"] == 686
    assert only(table, "events", "treated")["estimate"] == 94
    assert only(table, "events", "control")["estimate"] == 205
    assert table["published"].isna().all()
    assert not table.drop(columns="published").duplicated().any()


def test_medians_equal_those_of_r(table):
    # HSAUR prints 2018 [1918, NA] and 1528 [1296, 1814] with R's default, the log interval; the log-log
    # interval has another lower limit for the controls, held against statsmodels below.
    treated, control = only(table, "median", "treated"), only(table, "median", "control")
    assert (treated["estimate"], treated["lower"], treated["upper"]) == (2018, 1918, np.inf)
    assert (control["estimate"], control["upper"]) == (1528, 1814)


def test_cox_and_log_rank_equal_those_of_r(table):
    univariable = only(table, "hazard_ratio", method="Cox, univariable")
    assert_allclose(np.log(univariable["estimate"]), -0.3640, atol=5e-5)
    assert_allclose(univariable["p"], 0.0036, atol=5e-5)
    assert_allclose(only(table, "log_rank")["estimate"], 8.56, atol=5e-3)
    assert_allclose(only(table, "log_rank")["p"], 0.0034, atol=5e-5)
    published = {
        "": -0.3462784,
        "[age]": -0.0094592,
        "[menostat]": 0.2584448,
        "[tsize]": 0.0077961,
        "[tgrade.L]": 0.5512988,
        "[tgrade.Q]": -0.2010905,
        "[pnodes]": 0.0487886,
        "[progrec]": -0.0022172,
        "[estrec]": 0.0001973,
    }
    for term, value in published.items():
        row = only(table, f"hazard_ratio{term}", method="Cox, multivariable (Efron)")
        assert_allclose(np.log(row["estimate"]), value, atol=6e-8)


def test_proportional_hazards_tests_equal_those_of_r(table):
    published = {
        "": 22.7,
        "[treatment]": 0.196,
        "[age]": 2.96,
        "[tsize]": 0.188,
        "[tgrade.L]": 4.85,
        "[tgrade.Q]": 3.14e-3,
        "[pnodes]": 0.598,
        "[progrec]": 1.20,
        "[estrec]": 1.03,
    }
    for term, value in published.items():
        assert_allclose(only(table, f"proportional_hazards_test{term}")["estimate"], value, rtol=3e-3)
    assert_allclose(only(table, "proportional_hazards_test")["p"], 0.00695, atol=5e-6)


def test_rossi_equals_r():
    # Fox, Cox Proportional-Hazards Regression for Survival Data in R.
    frame = load_rossi()
    terms = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    result = cox(frame["week"], frame["arrest"], frame[terms], terms)
    expected = [-0.37942, -0.05744, 0.31390, -0.14980, -0.43370, -0.08487, 0.09150]
    assert_allclose(result.table["coefficient"], expected, atol=6e-6)
    errors = [0.19138, 0.02200, 0.30799, 0.21222, 0.38187, 0.19576, 0.02865]
    assert_allclose(result.table["standard_error"], errors, atol=6e-6)


def test_curves_equal_statsmodels(gbsg2):
    arm = ~gbsg2.treatment
    other = SurvfuncRight(gbsg2.time[arm], gbsg2.event[arm].astype(int))
    curve = kaplan_meier(gbsg2.time[arm], gbsg2.event[arm], times=other.surv_times)
    assert_allclose(curve.survival, other.surv_prob, rtol=1e-12)
    assert curve.median == other.quantile(0.5)
    lower, upper = other.quantile_ci(0.5, method="cloglog")
    assert (curve.median_lower, curve.median_upper) == (lower, upper)


def test_late_entry_equals_statsmodels(gbsg2):
    entry = late(gbsg2)
    other = SurvfuncRight(gbsg2.time, gbsg2.event.astype(int), entry=entry)
    curve = kaplan_meier(gbsg2.time, gbsg2.event, entry, times=other.surv_times)
    assert_allclose(curve.survival, other.surv_prob, rtol=1e-12)
    statistic, p, _ = log_rank(gbsg2.time, gbsg2.event, gbsg2.treatment, entry)
    treated = gbsg2.treatment.astype(int)
    assert_allclose((statistic, p), survdiff(gbsg2.time, gbsg2.event.astype(int), treated, entry=entry))
    columns = np.column_stack([gbsg2.treatment, gbsg2.outcome.values])
    result = cox(gbsg2.time, gbsg2.event, columns, ["treatment", *gbsg2.outcome.terms], entry)
    # PHReg counts a patient at risk at the moment of entry; a step later is (entry, time] again.
    after = np.where(entry > 0, np.nextafter(entry, np.inf), 0.0)
    other = PHReg(gbsg2.time, columns, status=gbsg2.event.astype(int), entry=after, ties="efron").fit()
    assert_allclose(result.table["coefficient"], other.params, rtol=1e-6)
    assert_allclose(result.table["standard_error"], other.bse, rtol=1e-6)


def test_late_entry_of_nobody_changes_nothing(gbsg2):
    columns = np.column_stack([gbsg2.treatment, gbsg2.outcome.values])
    terms = ["treatment", *gbsg2.outcome.terms]
    barely = np.full(gbsg2.time.size, gbsg2.time.min() / 2)
    without = cox(gbsg2.time, gbsg2.event, columns, terms)
    entered = cox(gbsg2.time, gbsg2.event, columns, terms, barely)
    assert_allclose(entered.table["coefficient"], without.table["coefficient"], rtol=1e-6)
    first, second = proportional_hazards_test(without), proportional_hazards_test(entered)
    assert_allclose(first["chi_square"], second["chi_square"], rtol=1e-5)
    assert log_rank(gbsg2.time, gbsg2.event, gbsg2.treatment, barely)[0] == pytest.approx(8.5647811)


def test_restricted_mean_equals_lifelines_area(gbsg2):
    fitter = KaplanMeierFitter().fit(gbsg2.time, gbsg2.event)
    expected = restricted_mean_survival_time(fitter, t=1825)
    assert_allclose(rmst(gbsg2.time, gbsg2.event, 1825).estimate, expected, rtol=1e-10)


def test_reverse_kaplan_meier_of_uncensored_and_fully_censored_groups():
    assert median_follow_up([1, 2, 3], [0, 0, 0]).median == 2
    assert median_follow_up([1, 2, 3], [1, 1, 1]).median == np.inf


def test_permuting_patients_changes_nothing(gbsg2, table):
    order = np.random.default_rng(3).permutation(gbsg2.time.size)
    again = comparators(changed(gbsg2, rows=order), horizon=1825.0, times=[365.0, 1826.0, 2650.0])
    # The test of menopause is a square near 1e-8, all rounding: hence the absolute tolerance.
    for column in ("estimate", "lower", "upper", "p"):
        assert_allclose(again[column], table[column], rtol=1e-6, atol=1e-7)


def test_rescaling_time_changes_times_only(gbsg2, table):
    days = 30.4375
    months = changed(gbsg2, scale=1 / days)
    again = comparators(months, horizon=1825.0 / days, times=np.array([365.0, 1826.0, 2650.0]) / days)
    times = table["statistic"].str.contains("median|rmst")
    assert_allclose(again.loc[times, "estimate"] * days, table.loc[times, "estimate"], rtol=1e-9)
    assert_allclose(again.loc[~times, "estimate"], table.loc[~times, "estimate"], rtol=1e-6, atol=1e-7)


# What cannot be estimated


def test_a_treatment_without_deaths_is_a_row_that_says_so():
    time, event = np.arange(1.0, 41.0), np.arange(40) % 2 == 0
    table = comparators(cohort_of(time, event, ~event), horizon=20.0, times=[5.0])
    reason = "not estimable: no finite estimate (a level without events?)"
    row = only(table, "hazard_ratio", method=f"Cox, univariable; {reason}")
    assert np.isnan(row[["estimate", "lower", "upper", "p"]].astype(float)).all()
    assert only(table, "events", "treated")["estimate"] == 0


def test_a_covariate_level_without_deaths_spoils_only_its_own_row(gbsg2):
    rare = np.zeros(gbsg2.time.size)
    rare[np.flatnonzero(~gbsg2.event)[:12]] = 1
    columns = np.column_stack([gbsg2.outcome.values, rare])
    cohort = changed(gbsg2, columns, (*gbsg2.outcome.terms, "rare"))
    table = comparators(cohort, horizon=1825.0, times=[365.0])
    row = table[table["statistic"] == "hazard_ratio[rare]"].iloc[0]
    assert np.isnan(row["estimate"])
    assert "not estimable" in row["method"]
    treated = only(table, "hazard_ratio", method="Cox, multivariable (Efron)")
    # With the coefficient at minus infinity its patients are at risk of nothing: the fit without them.
    inside, terms = rare == 0, ["treatment", *gbsg2.outcome.terms]
    every = np.column_stack([gbsg2.treatment, gbsg2.outcome.values])
    without = cox(gbsg2.time[inside], gbsg2.event[inside], every[inside], terms)
    assert inside.sum() == gbsg2.time.size - 12
    assert_allclose(np.log(treated["estimate"]), without.table["coefficient"][0], atol=1e-5)
    assert only(table, "proportional_hazards_test")["estimate"] < 40


def test_collinear_columns_are_left_out_by_name(gbsg2):
    columns = np.column_stack([gbsg2.outcome.values[:, 0], gbsg2.outcome.values[:, 0] * 3])
    cohort = changed(gbsg2, columns, ("age", "age_again"))
    table = comparators(cohort, horizon=1825.0, times=[365.0])
    row = table[table["statistic"] == "hazard_ratio[age_again]"].iloc[0]
    assert "given by the other columns" in row["method"]
    assert np.isfinite(only(table, "hazard_ratio", method="Cox, multivariable (Efron)")["estimate"])
    assert only(table, "proportional_hazards_test")["method"].endswith("2 df")


@pytest.mark.parametrize("events", [0, 1, 2])
def test_too_few_events_are_a_reason_not_an_error(events):
    rng = np.random.default_rng(4)
    event = np.arange(20) < events
    cohort = cohort_of(rng.uniform(1, 2, 20), event, np.arange(20) % 2 == 0, rng.normal(size=(20, 2)), "ab")
    table = comparators(cohort, horizon=1.0, times=[1.0, 3.0])
    row = table[(table["statistic"] == "hazard_ratio") & table["method"].str.startswith("Cox, multi")].iloc[0]
    assert f"not estimable: {events} events for 3 coefficients" in row["method"]
    assert np.isnan(row["estimate"])


def test_covariates_may_have_any_name():
    rng = np.random.default_rng(5)
    time, terms = rng.exponential(1, 60), ("time", "event", "0", "x:z[T.1]")
    cohort = cohort_of(time, np.ones(60), np.arange(60) % 2, rng.normal(size=(60, 4)), terms)
    table = comparators(cohort, horizon=0.5, times=[0.5])
    for name in cohort.outcome.terms:
        assert np.isfinite(table.set_index("statistic").loc[f"hazard_ratio[{name}]", "estimate"])


def test_nothing_is_left_behind_in_the_process(gbsg2):
    before_filters, before_errors = list(warnings.filters), np.geterr()
    comparators(gbsg2, horizon=1825.0, times=[365.0])
    assert list(warnings.filters) == before_filters
    assert np.geterr() == before_errors


def test_late_entry_runs_through_the_whole_table(gbsg2):
    table = comparators(changed(gbsg2, entry=late(gbsg2)), horizon=1825.0, times=[365.0])
    assert isinstance(table, pd.DataFrame)
    assert table.loc[table["statistic"] != "patients", "estimate"].notna().all()
