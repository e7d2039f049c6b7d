"""The section on the start of treatment says what a small written table holds."""

import numpy as np
import pandas as pd
import pytest

from inference.report.sections.exposures import (
    exposure_in_words,
    exposure_section,
    hazard_ratios_by_exposure,
    immortal_time,
)

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
    return [
        {
            **named,
            "estimand": "hazard_ratio",
            "population": "conditional",
            "median": median,
            "lower": 0.8 * median,
            "upper": 1.25 * median,
            "probability_of_benefit": 0.9,
        },
        *(
            {
                **named,
                "estimand": "rmst_difference",
                "population": population,
                "median": value,
                "lower": value - 90,
                "upper": value + 90,
                "probability_of_benefit": 0.85,
            }
            for population, value in (("treated", 999.0), ("all", 100 * median))
        ),
    ]


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


def test_what_a_landmark_and_no_count_can_do_is_said(estimands):
    said = section_of(estimands).paragraphs[2]
    assert "it drops the early events and speaks of those alone" in said
    assert "No way of counting removes confounding" in said


def test_the_table_has_every_exposure_with_both_adjustments_in_order(estimands):
    (table,) = section_of(estimands).tables
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    assert [row[0] for row in cells] == [
        "Ever against never treated (naive)",
        "Ever against never treated (naive)",
        "Split at the start of treatment",
        "Split at the start of treatment",
        "Landmark at 30 days, those still followed only",
        "Landmark at 30 days, those still followed only",
    ]
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
