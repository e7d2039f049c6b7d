"""Posteriors and frequentist numbers stand beside each other only where both count exposure alike; sentences follow."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data.simulation.simulate import Truth, simulate_cohort
from data.study.study import load_study
from inference.frequentist import comparators
from inference.report.comparator_tables import comparators_table
from inference.report.exposure_words import exposure_of, pairing_sentence, since
from inference.report.figures.captions import caption_of
from inference.report.observed_arms import arm_curves, followed_by_arm
from inference.report.sentences import answer
from inference.report.standard_sections import sections_in_order

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
    said = section.finding.partition(": ")[2].split("; ")
    assert said[0].startswith(first)
    unlike = [
        one
        for one in said
        if ("split at its start" in one.partition(" (Efron)")[0]) != (main == "time_split")
    ]
    alike = [one for one in said if one not in unlike]
    assert unlike
    assert all(
        one.rstrip(".").endswith("(ever against never treated)") or "treatment split at its start" in one
        for one in unlike
    )
    assert not any(one.rstrip(".").endswith("treated)") for one in alike)


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
def test_captions_differ_by_exposure(name):
    captions = {exposure: caption_of(name, exposure) for exposure in ("naive", "time_split", "landmark_30")}
    assert len(set(captions.values())) == 3
    assert all(one.startswith(caption_of(name)) for one in captions.values())
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


def test_the_caption_says_how_the_steps_count_exposure():
    assert "in the arms that they were in then" in caption_of("survival", "landmark_30")
    assert "until treatment begins" in caption_of("survival", "time_split").replace("\n", " ")


def test_the_answer_of_a_split_exposure_is_of_treatment_from_time_zero_on(split_report, make_report):
    assert "“Transplant” from time zero on for all" in answer(split_report()).sentence
    assert "time zero" not in answer(make_report()).sentence.split("with exposure")[0]
    landmark = answer(split_report("landmark_30")).sentence
    assert "“Transplant” by 30 days for all patients still followed then" in landmark
    assert since("naive", "days") == ""


def test_what_should_agree_hangs_on_the_exposure():
    assert "ask the same question" in pairing_sentence("naive")
    assert "favour treatment even where it does nothing" in pairing_sentence("time_split")
    assert pairing_sentence("landmark_30") != pairing_sentence("time_split")
