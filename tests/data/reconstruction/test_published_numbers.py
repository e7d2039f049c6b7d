"""Every published number of li2024, computed anew with lifelines from two cohorts of pseudo-patients."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import logrank_test, multivariate_logrank_test

from data.study.cohort import validate_cohort

ARM = {"treated": 1, "control": 0}


@pytest.fixture(params=[1, 2])
def patients(request, made):
    return made.patients[made.patients["cohort"] == request.param]


def of(patients, phase, arm=""):
    inside = patients if phase == "before" else patients[patients["matched"] == 1]
    return inside[inside["treatment"] == ARM[arm]] if arm else inside


def median(rows, reverse=False):
    return KaplanMeierFitter().fit(rows["time"], (rows["event"] == 1) != reverse).median_survival_time_


def test_deaths_are_exact(patients, evidence):
    assert of(patients, "before")["event"].sum() == evidence.find("", "before", "deaths").value == 344
    assert of(patients, "after")["event"].sum() == evidence.find("", "after", "deaths").value == 188


def test_survival_is_within_two_thousandths(patients, evidence):
    rows = [row for row in evidence.survival if row.time is not None]
    assert len(rows) == 12
    for row in rows:
        group = of(patients, row.phase, row.arm)
        reached = KaplanMeierFitter().fit(group["time"], group["event"]).predict(row.time)
        assert reached == pytest.approx(row.number.value / 100, abs=0.002), row


def test_medians_are_within_three_tenths(patients, evidence):
    rows = [row for row in evidence.survival if row.quantity == "median_os"]
    assert len(rows) == 4
    for row in rows:
        assert median(of(patients, row.phase, row.arm)) == pytest.approx(row.number.value, abs=0.3), row


def test_follow_up_is_within_a_half(patients):
    assert median(patients, reverse=True) == pytest.approx(64.9, abs=0.5)
    assert median(of(patients, "after"), reverse=True) == pytest.approx(72.1, abs=0.5)


def test_log_rank_tests_are_as_printed(patients):
    for phase in ("before", "after"):
        one, other = of(patients, phase, "treated"), of(patients, phase, "control")
        assert logrank_test(one["time"], other["time"], one["event"], other["event"]).p_value < 0.0001


def design_of(rows, evidence, printed):
    columns = {}
    for row in printed:
        term = next(
            one for one in evidence.names.cox if (one.variable, one.level) == (row.variable, row.level)
        )
        column = rows[term.column].astype(str)
        columns[f"{row.variable} {row.level}"] = column.isin(term.levels) * 1.0
    return pd.DataFrame(columns)


def test_cox_rows_are_within_two_hundredths(patients, evidence):
    matched = of(patients, "after")
    printed = [row for row in evidence.cox if row.hazard_ratio and row.hazard_ratio.interval]
    fits = [[row for row in printed if row.model == "multivariable"]]
    variables = {row.variable for row in printed if row.model == "univariable"}
    fits += [
        [row for row in printed if (row.model, row.variable) == ("univariable", name)]
        for name in sorted(variables)
    ]
    assert sum(map(len, fits)) == 14
    for rows in fits:
        design = design_of(matched, evidence, rows).assign(time=matched["time"], event=matched["event"])
        fitted = CoxPHFitter().fit(design, "time", "event")
        for place, row in enumerate(rows):
            name = f"{row.model} {row.variable} {row.level}"
            assert np.exp(fitted.params_.iloc[place]) == pytest.approx(row.hazard_ratio.value, abs=0.02), name
            lower, upper = row.hazard_ratio.interval
            error = np.log(upper / lower) / 3.92
            assert fitted.standard_errors_.iloc[place] == pytest.approx(error, rel=0.06), name
            p = fitted.summary["p"].iloc[place]
            if row.p.operator == "<":
                assert p < row.p.value, name
            else:
                assert p == pytest.approx(row.p.value, abs=0.1), name


def test_subgroup_medians_are_within_a_half_and_tests_as_printed(patients, evidence):
    sites = [row for row in evidence.subgroups if row.analysis == "metastatic_site"]
    assert len(sites) == 8
    for row in sites:
        rows = patients[patients[row.subgroup] == "1"]
        assert median(of(rows, "before", row.arm)) == pytest.approx(row.median.value, abs=0.5), row
        one, other = of(rows, "before", "treated"), of(rows, "before", "control")
        p = logrank_test(one["time"], other["time"], one["event"], other["event"]).p_value
        assert p < row.p.value if row.p.operator == "<" else p == pytest.approx(row.p.value, rel=0.5)


def test_modalities_have_the_printed_medians_and_test(patients, made, evidence):
    groups = made.modalities[made.modalities["cohort"] == patients["cohort"].iloc[0]]
    treated = patients[patients["treatment"] == 1].merge(groups, on=["cohort", "patient"])
    assert len(treated) == len(groups) == 207
    for row in [one for one in evidence.subgroups if one.analysis == "rt_modality"]:
        rows = treated[treated["rt_modality"] == row.subgroup]
        assert median(rows) == pytest.approx(row.median.value, abs=0.5), row
    p = multivariate_logrank_test(treated["time"], treated["rt_modality"], treated["event"]).p_value
    assert p == pytest.approx(0.076, abs=0.02)


def test_the_table_of_targets_says_the_same(made, evidence):
    targets = made.targets
    assert list(targets.columns) == ["target", "family", "printed", "tolerance", "cohort", "value", "z"]
    assert not targets.duplicated(["target", "family", "cohort"]).any()
    steered = targets[~targets["family"].isin(["table 1", "deaths"])]
    assert steered["z"].abs().median() < 0.5
    assert steered["z"].abs().max() <= 1
    row = targets[(targets["family"] == "survival") & (targets["cohort"] == 1)].iloc[0]
    assert row["z"] == pytest.approx((row["value"] - row["printed"]) / row["tolerance"])
    assert made.conflicts == ()


def test_pseudo_patients_are_a_valid_cohort(patients, li2024):
    columns = ["cohort", "patient", "treatment", "matched", "time", "event", *li2024.covariates]
    assert list(patients.columns) == columns
    cohort = validate_cohort(patients.reset_index(drop=True), li2024, "cohort 1")
    assert cohort.size == 488
    assert cohort.events == 344
    assert patients["time"].is_unique
    assert patients["time"].between(0, 186, inclusive="neither").all()
