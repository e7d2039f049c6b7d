"""How exposure is counted: the section on the start of treatment, and who stands beside whom elsewhere."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data.simulation.simulate import Truth, simulate_cohort
from data.study.study import load_study
from inference.frequentist.table import comparators
from inference.report.comparator_tables import comparators_table
from inference.report.exposure_words import exposure_of, pairing_sentence, since
from inference.report.figures.captions import caption_of
from inference.report.observed_arms import arm_curves, followed_by_arm
from inference.report.sections.exposures import (
    exposure_in_words,
    exposure_section,
    hazard_ratios_by_exposure,
    immortal_time,
)
from inference.report.sentences import answer
from inference.report.standard_sections import sections_in_order

MAIN = {
    "baseline": "piecewise_exponential",
    "adjustment": "joint",
    "effect": "constant",
    "exposure": "time_split",
    "prior_set": "default",
}
ORDER = ("naive", "time_split", "landmark_30")
RATIOS = {"naive": 0.50, "time_split": 0.90, "landmark_30": 0.80}
STARTS = np.array([2.0, 10.0, 20.0, 30.0, 100.0])


def of_fit(exposure, adjustment, median, **fit):
    named = {"study": "s", **MAIN, "adjustment": adjustment, "exposure": exposure, "subgroup": "", **fit}
    rows = [
        ("hazard_ratio", "conditional", median, 0.8 * median, 1.25 * median, 0.9),
        ("rmst_difference", "treated", 999.0, 909.0, 1089.0, 0.85),
        ("rmst_difference", "all", 100 * median, 100 * median - 90, 100 * median + 90, 0.85),
    ]
    names = ["estimand", "population", "median", "lower", "upper", "probability_of_benefit"]
    return [named | dict(zip(names, row, strict=True)) for row in rows]


@pytest.fixture
def estimands():
    rows = [
        of_fit(exposure, adjustment, median + shift)
        for exposure, median in RATIOS.items()
        for adjustment, shift in (("joint", 0.0), ("cut", 0.02))
    ]
    return pd.DataFrame([one for each in rows for one in each])


def section_of(estimands, starts=STARTS):
    return exposure_section(estimands, MAIN, ORDER, starts, "days", [])


def test_the_naive_count_stands_beside_the_split_one_with_their_factor(estimands):
    said = immortal_time(hazard_ratios_by_exposure(estimands, MAIN), MAIN)
    for number in ("0.50 (0.40 to 0.62", "0.90 (0.72 to 1.12", "a factor of 1.80"):
        assert number in said


def test_the_adjustment_is_that_of_the_main_model(estimands):
    cut = MAIN | {"adjustment": "cut"}
    assert "would be 0.52" in immortal_time(hazard_ratios_by_exposure(estimands, cut), cut)


@pytest.mark.parametrize("missing", ["naive", "time_split"])
def test_without_both_counts_nothing_is_said(estimands, missing):
    left = estimands[estimands["exposure"] != missing]
    assert immortal_time(hazard_ratios_by_exposure(left, MAIN), MAIN) == ""
    section = exposure_section(left, MAIN, ORDER, STARTS, "days", [])
    assert len(section.paragraphs) == 2
    assert len(section.tables[0].rows) == 4


@pytest.mark.parametrize(
    "other",
    [{"baseline": "weibull"}, {"prior_set": "vague"}, {"effect": "by_interval"}],
    ids=lambda one: next(iter(one)),
)
def test_only_fits_like_the_main_one_are_compared(estimands, other):
    more = pd.DataFrame([*of_fit("naive", "joint", 9.0, **other), *of_fit("time_split", "none", 9.0)])
    together = pd.concat([more, estimands], ignore_index=True)
    assert hazard_ratios_by_exposure(together, MAIN)["median"].max() < 1
    assert immortal_time(hazard_ratios_by_exposure(together, MAIN), MAIN) == immortal_time(
        hazard_ratios_by_exposure(estimands, MAIN), MAIN
    )


def test_when_treatment_began_is_said_in_the_unit_of_the_study(estimands):
    said = section_of(estimands).paragraphs[1]
    assert "Treatment began 20 days after time zero in the median patient treated" in said
    assert "(half of them between 10 and 30 days)" in said


def test_the_table_has_every_exposure_with_both_adjustments_in_order(estimands):
    (table,) = section_of(estimands).tables
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    assert [row[0] for row in cells] == [exposure_in_words(one, "days") for one in ORDER for _ in range(2)]
    assert cells[0][2:] == ["0.50 (0.40 to 0.62)", "0.900", "50 (−40 to 140)"]
    assert [row.cells[2].sort for row in table.rows] == pytest.approx([0.5, 0.52, 0.9, 0.92, 0.8, 0.82])
    assert table.columns[-1].title == "RMST difference, days (95 %)"


def test_subgroups_are_not_taken_for_the_whole(estimands):
    more = pd.DataFrame(of_fit("naive", "joint", 0.1, subgroup="grade=I"))
    together = pd.concat([more, estimands], ignore_index=True)
    assert len(hazard_ratios_by_exposure(together, MAIN)) == 6


@pytest.mark.parametrize(
    ("exposure", "words"),
    [
        ("naive", "Ever against never treated (naive)"),
        ("time_split", "Split at the start of treatment"),
        ("landmark_0.5", "Landmark at 0.5 years, those still followed only"),
    ],
)
def test_exposures_in_words(exposure, words):
    assert exposure_in_words(exposure, "years") == words


NULL = Truth(log_hazard_ratio=0.0, mean_delay=12.0)
NAIVE, SPLIT = (
    "Cox, multivariable (Efron)",
    "Cox, treatment split at its start, multivariable (Efron)",
)


@pytest.fixture
def split_report(make_report):
    """A study with start times: the main fit splits exposure (0.84), a naive one is beside it (0.20)."""

    def make(main="time_split", naive=True):
        report = make_report()
        own = report.estimands.assign(exposure=main)
        tables = [own, report.estimands.assign(median=report.estimands["median"] - 0.5)] if naive else [own]
        split = report.comparators[report.comparators["method"] == NAIVE].assign(estimate=0.84, method=SPLIT)
        return make_report(
            study=load_study("stanford_heart"),
            main={**report.main, "exposure": main},
            estimands=pd.concat(tables, ignore_index=True),
            comparators=pd.concat([report.comparators, split.iloc[:1]], ignore_index=True),
        )

    return make


def beside(report):
    """Joint posterior of each frequentist row, by quantity and method."""
    return {
        (row.cells[0].text, row.cells[-1].text.split(";")[0]): row.cells[3].text
        for row in comparators_table(report).rows
    }


def test_a_split_posterior_stands_beside_the_split_cox_model_and_no_other(split_report):
    found = beside(split_report(naive=False))
    assert found["Hazard ratio", SPLIT] == "0.70 (0.54 to 0.86)"
    assert {text for (_, method), text in found.items() if method != SPLIT} == {"–"}


def test_a_naive_posterior_stands_beside_the_naive_numbers_where_it_was_fitted(split_report):
    found = beside(split_report())
    assert found["Hazard ratio", SPLIT] == "0.70 (0.54 to 0.86)"
    assert found["Hazard ratio", NAIVE].startswith("0.20 ")
    assert found["Difference in mean overall survival, days", "area under Kaplan-Meier"].startswith("130")


@pytest.mark.parametrize(("main", "first"), [("time_split", SPLIT), ("naive", "Cox, univariable")])
def test_the_finding_begins_with_what_counts_exposure_as_the_main_fit_does(split_report, main, first):
    (section,) = (one for one in sections_in_order(split_report(main), []) if one.id == "comparators")
    said = [one.rstrip(".") for one in section.finding.partition(": ")[2].split("; ")]
    assert said[0].startswith(first)
    split = ["split at its start" in one.partition(" (Efron)")[0] for one in said]
    alike = [one for one, own in zip(said, split, strict=True) if own == (main == "time_split")]
    unlike = [one for one in said if one not in alike]
    assert unlike
    ends = ("(ever against never treated)", "treatment split at its start")
    assert all(one.endswith(ends[0]) or ends[1] in one for one in unlike)
    assert not any(one.endswith("treated)") for one in alike)


def test_without_start_times_nothing_changes(make_report):
    found = beside(make_report())
    assert found["Hazard ratio", NAIVE] == "0.70 (0.54 to 0.86)"


def test_a_landmark_has_no_frequentist_counterpart(split_report):
    assert set(beside(split_report("landmark_30", naive=False)).values()) == {"–"}


def test_the_rows_of_the_comparators_say_how_they_count_exposure():
    """A cohort whose treatment begins late: split Cox is a row of its own, and is told from the naive one by its method."""
    cohort = simulate_cohort(NULL, 600, seed=3)
    table = comparators(cohort, 24.0, (12.0,))
    exposures = table["method"].map(exposure_of)
    assert sorted(table[exposures == "time_split"]["statistic"]) == ["hazard_ratio", "hazard_ratio"]
    ratios = table[(table["statistic"] == "hazard_ratio") & table["method"].str.contains("multivariable")]
    kinds = ratios["method"].map(exposure_of)
    naive, split = (float(ratios[kinds == kind]["estimate"].iloc[0]) for kind in ("naive", "time_split"))
    assert naive < split - 0.2
    assert 0.7 < split < 1.4


@pytest.mark.parametrize("name", ["survival", "effects"])
def test_captions_and_what_should_agree_differ_by_exposure(name):
    exposures = ("naive", "time_split", "landmark_30")
    captions = {caption_of(name, exposure) for exposure in exposures}
    assert len(captions) == len({pairing_sentence(exposure) for exposure in exposures}) == 3
    assert all(one.startswith(caption_of(name)) for one in captions)
    assert caption_of("loo", "time_split") == caption_of("loo")


def test_the_steps_count_exposure_as_the_curves_do():
    """No effect, starts at random: steps by ever and never are far apart, those by episode, or of those left at a landmark, are not."""
    truth = replace(NULL, outcome={}, treatment={}, covariates={})
    cohort = simulate_cohort(truth, 1500, seed=3)

    def apart(exposure):
        curves = arm_curves([cohort], exposure)
        at = [np.interp(20.0, curves[arm].times, curves[arm].survival) for arm in ("treated", "control")]
        return at[0] - at[1]

    assert apart("naive") > 0.2
    assert abs(apart("time_split")) < 0.08
    assert abs(apart("landmark_6")) < 0.08
    left = followed_by_arm([cohort], "landmark_6")
    assert sum(len(one.time) for one in left.values()) == (cohort.time > 6).sum()


def test_the_answer_of_a_split_exposure_is_of_treatment_from_time_zero_on(split_report, make_report):
    assert "“Transplant” from time zero on for all" in answer(split_report()).sentence
    assert "time zero" not in answer(make_report()).sentence.split("with exposure")[0]
    landmark = answer(split_report("landmark_30")).sentence
    assert "“Transplant” by 30 days for all patients still followed then" in landmark
    assert since("naive", "days") == ""
