"""The section on treatment timing says what the tables hold, and no more."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data.simulation.simulate import Truth, simulate_frame, simulated_study
from data.study.study import load_study
from inference.report.sections.timing import timing_in_short, timing_section
from inference.sensitivity.start_times import scenarios_of
from inference.sensitivity.timing_pooled import Doubt, Timing


@pytest.fixture(scope="module")
def study():
    return simulated_study(simulate_frame(Truth(), 50, seed=1)[1])


@pytest.fixture
def timing():
    listed = scenarios_of("months", np.random.default_rng(0))
    scenarios = pd.DataFrame(
        {
            "scenario": [one.name for one in listed],
            "label": [one.label for one in listed],
            "hazard_ratio": [0.73, 0.85, 0.95, 1.23, 20.4],
            "lower": [0.59, 0.68, 0.76, 0.98, 15.0],
            "upper": [0.90, 1.05, 1.18, 1.55, 28.3],
            "probability_of_benefit": [0.998, 0.924, 0.694, 0.035, 0.0],
            "e_value": [1.8, 1.5, 1.2, 1.0, 1.0],
            "e_value_lower": [1.4, 1.0, 1.0, 1.0, 1.0],
            "e_value_upper": [2.2, 1.9, 1.6, 1.1, 1.0],
            "mcse": 0.002,
            "rhat": 1.004,
            "ess_bulk": 3000.0,
            "ess_tail": 1500.0,
            "divergences": 0,
            "cohorts": 20,
            "runs": 20,
            "no_effect": [1.01, 0.82, 0.71, np.nan, 1.0],
            "no_effect_lower": [0.8, 0.68, 0.61, np.nan, 0.8],
            "no_effect_upper": [1.2, 0.99, 0.86, np.nan, 1.25],
            "as_low": [0.0, 0.1, 0.5, np.nan, 0.0],
            "candidates": [0.49, 0.53, 0.55, np.nan, 0.49],
            "reachable": [1.0, 0.93, 0.9, 0.4, 1.0],
        }
    )
    delays = pd.DataFrame(
        {
            "delay": [0.0, 6.0, 24.0],
            "hazard_ratio": [0.73, 0.94, 1.6],
            "lower": [0.59, 0.75, 1.25],
            "upper": [0.9, 1.17, 2.06],
            "probability_of_benefit": [0.998, 0.72, 0.001],
            "no_effect": [1.0, 0.72, 0.45],
            "no_effect_lower": [0.8, 0.6, 0.36],
            "no_effect_upper": [1.2, 0.92, 0.54],
        }
    )
    rows = [
        ("elicited", "naive", "", np.nan, 0.86, 0.72, 1.05, 400),
        ("elicited", "median", "treated", np.nan, 37.0, 31.0, np.inf, 400),
        ("elicited", "survival", "control", 36.0, 0.5983, 0.5377, 0.6476, 400),
        ("last_third", "split", "", np.nan, 18.75, 14.78, 28.30, 400),
    ]
    columns = ["scenario", "quantity", "arm", "time", "estimate", "lower", "upper", "replicates"]
    no_effect = pd.DataFrame(dict(zip(columns, row, strict=True)) for row in rows)
    return Timing(scenarios, delays, Doubt("within", 2.73), no_effect, 0.71, 0.06)


def said(section):
    return " ".join(section.paragraphs)


def test_it_leads_with_what_timing_alone_could_explain(timing, study):
    section = timing_section(timing, study)
    lead = section.paragraphs[0]
    assert lead.startswith("If treatment did nothing at all")
    assert (
        "“Evenly over 12 months” 0.71 (0.61 to 0.86), in 50 % of such cohorts as low as in this one" in lead
    )
    assert "cohort itself prints 0.71" in lead
    assert (
        "Not possible without an effect, because too few would still be there at their start: “Evenly over 24 months”"
        in lead
    )
    assert "All at time zero" not in lead


def test_every_scenario_is_said_and_none_is_called_a_correction(timing, study):
    text = said(timing_section(timing, study))
    assert "“All at time zero (naive)” 0.73 (0.59 to 0.90), probability of benefit 0.998" in text
    assert "“Evenly over 24 months” 1.23 (0.98 to 1.55), probability of benefit 0.035" in text
    assert "scenarios of when it began, not corrections" in text
    assert "That is no evidence of harm" in text
    assert "would print 18.75 (14.78 to 28.30)" in text


@pytest.mark.parametrize(
    ("doubt", "expected"),
    [
        (Doubt("within", 2.73), "falls below 0.95 once the mean delay reaches 2.7 months"),
        (
            Doubt("beyond", np.nan),
            "stays at or above 0.95 up to the longest mean delay considered, 24 months",
        ),
        (Doubt("from_start", np.nan), "no delay is needed"),
    ],
)
def test_the_delay_of_doubt_has_three_states(timing, study, doubt, expected):
    assert expected in said(timing_section(replace(timing, doubt=doubt), study))


def test_in_short(timing, study):
    text = timing_in_short(timing, study)
    row = timing.scenarios.set_index("scenario").loc["elicited"]
    assert "would print a hazard ratio of 0.82 (0.68 to 0.99), where this cohort prints" in text
    assert f"the hazard ratio is {row['hazard_ratio']:.2f} (95 % interval {row['lower']:.2f} to" in text
    assert "falls below 0.95 once the mean delay reaches 2.7 months" in text
    for doubt, expected in (
        ("beyond", "up to a mean delay of 24 months"),
        ("from_start", "even without any delay"),
    ):
        assert expected in timing_in_short(replace(timing, doubt=Doubt(doubt, np.nan)), study)
    impossible = replace(timing, scenarios=timing.scenarios.assign(no_effect=np.nan))
    assert "too few would still have been there" in timing_in_short(impossible, study)


def test_what_is_not_known_is_named_after_the_source(timing, study):
    assert "is not recorded" in said(timing_section(timing, study))
    assert "is not published" in said(timing_section(timing, load_study("li2024")))


def test_tables_print_arms_units_and_dashes(timing, study):
    scenarios, delays, none = timing_section(timing, study).tables
    assert len(scenarios.rows) == 5
    assert [cell.text for cell in scenarios.rows[3].cells][3:7] == ["1.00 (1.00 to 1.10)", "–", "–", "–"]
    assert scenarios.rows[0].cells[1].sort == 0.73
    assert "20 cohorts with equal weights" in scenarios.caption
    assert [row.cells[0].text for row in delays.rows] == ["0", "6", "24"]
    texts = [[cell.text for cell in row.cells][1:] for row in none.rows]
    assert texts[1] == ["median survival (months)", "Therapy", "37.0 (31.0 to not reached)"]
    assert texts[2] == ["survival at 36 months (%)", "No therapy", "59.8 (53.8 to 64.8)"]


def test_one_figure_kept_by_the_caller(timing, study):
    asked = []

    def draw(name, figure):
        asked.append((name, figure().get_size_inches()[0] > 1))
        return lambda: "<svg/>"

    (figure,) = timing_section(timing, study, draw=draw).figures
    assert asked == [("timing-scenarios", True)]
    assert (figure.drawing(), figure.group) == ("<svg/>", "section")


def test_without_scenarios_the_reason_stands_alone(study):
    section = timing_section(None, study, "No start-time scenarios: because.")
    assert section.paragraphs[-1] == "No start-time scenarios: because."
    assert "not recorded" in section.paragraphs[0]
    assert section.tables == ()
    assert section.figures == ()
