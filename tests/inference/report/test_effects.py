"""Sections on adjustments and on effects that change: who agrees, what moves, the range, and what was picked afterwards."""

import re

import numpy as np
import pandas as pd
import pytest

from inference.diagnostics.checks.result import CheckResult, checks_table
from inference.report.content import FigureItem
from inference.report.numbers import ratio
from inference.report.sections.adjustments import adjustment_section, agreement, range_of_adjustments
from inference.report.sections.effects import effect_section
from inference.sensitivity.by_subgroup import EffectBySubgroup

MAIN = {
    "baseline": "weibull",
    "adjustment": "joint",
    "effect": "constant",
    "exposure": "naive",
    "prior_set": "default",
}


def row(adjustment, population, median, shift, baseline="weibull", upper=None):
    high = median * 1.25 if upper is None else upper
    ends = ["median", "lower", "upper", "probability_of_benefit"]
    read = {
        **dict(
            zip(
                [f"marginal_hazard_ratio_{end}" for end in ends],
                (median, median * 0.8, high, 0.98),
                strict=True,
            )
        ),
        **dict(zip([f"rmst_difference_{end}" for end in ends], (120.0, 30.0, 210.0, 0.99), strict=True)),
    }
    factor = np.nan if np.isnan(shift) else median / 0.70
    fit = {"population": population, "baseline": baseline, "adjustment": adjustment}
    return fit | read | {"factor": factor, "shift": shift}


@pytest.fixture
def compared():
    return pd.DataFrame(
        [
            row("joint", "all", 0.70, 0.0),
            row("cut", "all", 0.71, 0.12),
            row("none", "all", 0.69, -0.13),
            row("iptw", "all", 0.80, 2.34),
            row("joint", "overlap", 0.70, 0.0),
            row("cut", "overlap", 0.72, 0.30),
            row("overlap", "overlap", 0.65, -2.7),
            row("matched", "matched", 0.78, np.nan),
            row("joint", "all", 0.77, 0.9, "piecewise_exponential"),
        ]
    )


def test_those_that_agree_are_listed_once(compared):
    said = agreement(compared, MAIN)[0]
    assert said.startswith(
        "Cut propensity and outcome regression cannot be told from joint propensity (baseline: weibull)"
    )
    assert said.count("cannot be told from") == 1
    assert "by a factor of at most 1.03, within 1.96 standard deviations of the difference" in said


def test_those_that_move_the_effect_are_said_with_direction_and_size(compared):
    said = agreement(compared, MAIN)[0]
    more = re.search(
        r"Under inverse-probability weights there is (somewhat )?less benefit: ([^;]*?) of the difference",
        said,
    )
    less = re.search(
        r"Under overlap weights there is (somewhat )?more benefit: ([^;]*?) of the difference", said
    )
    assert more[1] is None
    assert less[1] == "somewhat "
    assert "all patients, a factor of 1.14 from joint propensity and 2.3 standard deviations" in more[2]
    assert "0.65 (0.52 to 0.81) over the overlap population, a factor of 1.08 from" in less[2]
    assert "2.7 standard deviations" in less[2]


def test_the_worst_population_decides(compared):
    """Cut agrees in one population and not in the other: it does not agree."""
    worse = compared.copy()
    worse.loc[(worse["adjustment"] == "cut") & (worse["population"] == "overlap"), "shift"] = 2.01
    said = agreement(worse, MAIN)[0]
    assert said.startswith("Outcome regression cannot be told from joint propensity")
    assert re.search(
        r"Under cut propensity there is somewhat less benefit: 0.72 .* 2.0 standard deviations", said
    )


def test_pairs_are_of_a_population_of_their_own(compared):
    said = agreement(compared, MAIN)[0]
    assert "The pairs give 0.78 (0.62 to 0.98); they are a population of their own" in said
    without = agreement(compared[compared["adjustment"] != "matched"], MAIN)[0]
    assert "pairs" not in without


def test_other_baselines_are_not_taken_for_adjustments(compared):
    """A shift of the other baseline is said of the baseline, as a factor of the ratio."""
    sentences = agreement(compared, MAIN)
    assert "0.90 standard deviations" not in sentences[0]
    assert (
        sentences[-1]
        == "The baseline hazard changes the average hazard ratio by a factor of at most 1.10 under any adjustment."
    )
    one = agreement(compared[compared["baseline"] == "weibull"], MAIN)
    assert one[-1] == "One baseline hazard was fitted, so nothing is said about its choice."


def test_where_nothing_is_beside_the_main_model_only_the_baseline_is_spoken_of(compared):
    alone = compared[(compared["adjustment"] == "joint")]
    assert len(agreement(alone, MAIN)) == 1


def test_the_range_is_over_all_models(compared):
    said = range_of_adjustments(compared)
    assert said == (
        "Over 7 models (2 baseline hazards, 6 adjustments) and the populations that they speak of, the average hazard ratio "
        "lies between 0.65 (overlap weights) and 0.80 (inverse-probability weights); the highest 95 % interval ends at 1.00."
    )


@pytest.mark.parametrize("upper", [1.0, 1.004, 1.2301, 9.991, 12.3456])
def test_the_highest_interval_ends_where_its_row_of_the_table_does(compared, upper):
    wide = pd.concat(
        [compared, pd.DataFrame([row("iptw", "all", 0.75, 0.5, "exponential", upper)])], ignore_index=True
    )
    printed = range_of_adjustments(wide).split("interval ends at ")[1].rstrip(".")
    assert printed == ratio(0.75, 0.7, wide["marginal_hazard_ratio_upper"].max()).split(" to ")[1].rstrip(")")


def test_one_model_has_no_range(compared):
    assert range_of_adjustments(compared[compared["adjustment"] == "matched"]) == ""
    same = compared[(compared["adjustment"] == "joint") & (compared["baseline"] == "weibull")]
    assert len(same) == 2
    assert range_of_adjustments(same) == ""


def checks_of(*rows):
    """Checks from family, fit, subject and value."""
    return checks_table(
        [CheckResult(family, subject, "pass", value, 0.1, "", fit) for family, fit, subject, value in rows]
    )


def test_the_tables_hold_every_row_and_every_design(compared):
    checks = checks_of(
        ("overlap", "weibull, iptw, default", "balance after the design", 0.034),
        ("overlap", "weibull, iptw, default", "effective sample size, treated", 0.81),
        ("overlap", "weibull, iptw, default", "extreme weights", 0.0),
        ("overlap", "weibull, matched, default", "share matched, treated", 0.625),
        ("overlap", "weibull, matched, default", "variance between designs", 0.07),
        ("overlap", "weibull, joint, default", "balance before weighting", 0.6),
        ("convergence", "weibull, matched, default", "R-hat", 1.0),
    )
    figure = FigureItem("adjustments", "Every adjustment", "Read it so.", str, "section")
    section = adjustment_section(compared, checks, MAIN, [figure])
    effects, designs = section.tables
    assert len(effects.rows) == len(compared)
    cells = [[cell.text for cell in one.cells] for one in effects.rows]
    assert cells[3] == [
        "all patients",
        "inverse-probability weights",
        "Weibull",
        "0.80 (0.64 to 1.00)",
        "0.980",
        "120 (30 to 210)",
        "1.14",
        "2.3",
    ]
    assert cells[7][-2:] == ["–", "–"]
    assert [column.title for column in designs.columns] == [
        "Fit",
        "Largest standardised difference left",
        "Effective share of the treated",
        "Treated in pairs",
        "Patients with a weight above 10",
        "Share of variance between designs",
    ]
    assert [[cell.text for cell in one.cells] for one in designs.rows] == [
        ["Weibull, inverse-probability weights, default", "0.034", "81 %", "–", "0 %", "–"],
        ["Weibull, matched pairs, default", "–", "–", "62 %", "–", "7 %"],
    ]
    assert section.figures == (figure,)


def test_without_designs_there_is_no_table_of_them(compared):
    section = adjustment_section(compared, checks_of(("convergence", "a, b, c", "R-hat", 1.0)), MAIN, [])
    assert [table.id for table in section.tables] == ["adjustments-effects"]


def of_levels(count):
    """An effect in so many levels of one covariate, after the average patient."""
    levels = range(count + 1)
    table = pd.DataFrame(
        {
            "subgroup": [f"site={level}" if level else "" for level in levels],
            "covariate": ["site" if level else "" for level in levels],
            "level": [str(level) if level else "" for level in levels],
            "hazard_ratio": [0.5 + 0.1 * level for level in levels],
        }
    )
    ends = {"lower": 0.4, "upper": 0.9, "alone": 0.6, "alone_lower": 0.3, "alone_upper": 1.1}
    medians = {"median_treated": np.nan, "median_control": np.nan}
    table = table.assign(patients=100.0, probability_of_benefit=0.9, **ends, **medians)
    return EffectBySubgroup(table=table, apart=0.97, spread=())


@pytest.mark.parametrize("count", [2, 3, 6])
def test_the_lowest_and_the_highest_of_several_were_picked_after_the_fact(count):
    (said,) = effect_section(None, of_levels(count), ()).paragraphs
    assert ("picked after the fact" in said) == (count > 2)
    assert (f"the lowest and the highest of {count}" in said) == (count > 2)
