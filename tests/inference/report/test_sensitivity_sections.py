"""Sections on unmeasured confounding, on treatment timing, and on both: their numbers are those of the tables."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import ndtr

from data.simulation.simulate import Truth, simulate_frame, simulated_study
from data.study.study import load_study
from inference.report.sections.confounding import condition_label, confounding_section
from inference.report.sections.timing import timing_in_short, timing_section
from inference.report.sections.timing_and_confounding import (
    live_surface,
    timing_and_confounding_section,
)
from inference.sensitivity.confounding import ConfoundingGrid, Strengths, needed_strength
from inference.sensitivity.e_values import e_values
from inference.sensitivity.start_times import scenarios_of
from inference.sensitivity.surface import Surface
from inference.sensitivity.timing_and_confounding import DELAYS, STRENGTHS
from inference.sensitivity.timing_pooled import Doubt, Timing

SHARES = ("prevalence_treated", "prevalence_control")
MEASURED = pd.DataFrame(
    [
        ("brain[T.1]", "present", 0.20, 0.35, 1.6, 0.15, 1.62),
        ("hormone_therapy[T.Positive]", "absent", 0.5, 0.3, 1.3, -0.2, 1.4),
        ("liver[T.1]", "present", 0.05, 0.25, 6.0, 0.2, 2.9),
    ],
    columns=["term", "coding", *SHARES, "hazard_ratio", "difference", "e_value"],
)


def grid_of(start, slope=1.0, sd=0.12, cohorts=1):
    """Means are start + slope x difference x log(hazard ratio of U)."""
    strengths = Strengths()
    mean = start + slope * np.outer(np.log(strengths.hazard_ratios), strengths.differences)
    checked = pd.DataFrame({"shift": [0.01, -0.021], "sd_ratio": [1.0, 0.967]})
    shape = (cohorts, *mean.shape)
    return ConfoundingGrid(strengths, np.broadcast_to(mean, shape), np.full(shape, sd), checked)


def found(start=-0.4, measured=MEASURED):
    return e_values(np.exp(np.random.default_rng(1).normal(start, 0.12, 4000)), measured)


def section_of(study, grid, measured=MEASURED, evaluated=None, draw=lambda name, draw: str):
    return confounding_section(study, grid, measured, evaluated or found(), draw)


def test_the_first_sentences_say_how_strong_it_must_be(li2024):
    grid = grid_of(-0.4)
    section = section_of(li2024, grid)
    first = section.paragraphs[0]
    ratios = [f"{np.exp(-0.4 + z * 0.12):.2f}" for z in (0, -1.96, 1.96)]
    assert "{} ({} to {})".format(*ratios) in first
    line = needed_strength(grid).set_index(["line", "probability"]).loc["symmetric"]
    for wanted in (0.95, 0.5):
        at = line.loc[wanted, "hazard_ratio"]
        untreated = f"{100 * 0.2 * at:.0f} % against 20 %"
        expected = f"to fall to {wanted:g}, a condition that nobody recorded would have to multiply the hazard by {at:.1f}"
        assert expected in first
        assert untreated in first


def test_what_is_beyond_the_grid_is_not_given_a_number(li2024):
    section = section_of(li2024, grid_of(-2.5))
    assert "Not even a condition that multiplies the hazard by 4.0" in section.paragraphs[0]
    assert "(80 % against 20 %) takes it to 0.5" in section.paragraphs[0]
    cells = {cell.text for row in section.tables[0].rows for cell in row.cells[2:]}
    assert cells == {"more than 4"}


@pytest.mark.parametrize(("start", "below"), [(-0.1, [0.95]), (0.3, [0.95, 0.5])])
def test_where_benefit_is_doubtful_anyway_no_confounder_is_asked_for(li2024, start, below):
    section = section_of(li2024, grid_of(start), evaluated=found(start))
    for wanted in (0.95, 0.5):
        said = (
            f"The probability is at most {wanted:g} without any overlooked condition" in section.paragraphs[0]
        )
        assert said == (wanted in below)
    first_row = [cell.text for cell in section.tables[0].rows[0].cells]
    assert first_row[2] == "none needed"
    assert (first_row[3] == "none needed") == (0.5 in below)


def test_the_table_of_strengths_is_that_of_the_closed_form(li2024):
    table = section_of(li2024, grid_of(-0.4)).tables[0]
    shift = 0.4 - stats.norm.ppf(0.95) * 0.12
    assert [row.cells[1].text for row in table.rows] == ["30 %", "40 %", "50 %", "60 %", "70 %", "80 %"]
    for row, difference in zip(table.rows, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6), strict=True):
        needed = np.exp(shift / difference)
        assert row.cells[2].text == ("more than 4" if needed > 4 else f"{needed:.2f}")


def test_covariates_are_yardsticks_the_strongest_first(li2024):
    section = section_of(li2024, grid_of(-0.4))
    rows = [[cell.text for cell in row.cells] for row in section.tables[1].rows]
    assert [row[0] for row in rows] == ["Liver metastasis", "Brain metastasis", "Hormone therapy: Negative"]
    left = [stats.norm.cdf((0.4 - gap * np.log(ratio)) / 0.12) for ratio, gap in ((1.6, 0.15), (1.3, 0.2))]
    assert [row[4] for row in rows] == ["beyond the grid", *(f"{value:.3f}" for value in left)]
    second = section.paragraphs[1]
    assert "The strongest recorded covariate, Liver metastasis, has a hazard ratio of 6.00" in second
    assert "25 % of the untreated and 5 % of the treated." in second
    assert f"could be left is {min(left):.3f}, with one like Brain metastasis." in second
    assert "1 of 3 covariates lie beyond" in second
    assert "on the same scale (2.90) is < 0.001" in section.paragraphs[2]


def test_a_covariate_that_works_the_other_way_is_called_that(li2024):
    section = section_of(li2024, grid_of(-0.4), MEASURED.iloc[[1]])
    assert (
        "30 % of the untreated and 50 % of the treated, which works the other way." in section.paragraphs[1]
    )


def test_without_covariates_the_rest_stays(li2024):
    section = section_of(li2024, grid_of(-0.4, cohorts=3), MEASURED.iloc[:0], found(measured=None))
    assert [table.id for table in section.tables] == ["confounding-needed"]
    assert len(section.paragraphs) == 3
    assert "(of 3 cohorts, with equal weights)" in section.paragraphs[-1]


def test_the_check_of_the_approximation_is_said(li2024):
    said = section_of(li2024, grid_of(-0.4)).paragraphs[-1]
    assert "in 2 cells that were also sampled" in said
    assert "off by at most 0.021 posterior standard deviations (towards more benefit)" in said
    assert "standard deviation by at most 3 %." in said


def test_the_figure_is_drawn_from_the_grid(li2024):
    drawn = []
    section_of(li2024, grid_of(-0.4), draw=lambda name, draw: drawn.append((name, draw())) or str)
    (name, figure), *others = drawn
    assert (name, others) == ("confounding", [])
    curve = figure.axes[1].lines[0]
    ratio = curve.get_xdata()
    assert curve.get_ydata() == pytest.approx(np.exp(-0.4 + 0.2 * (ratio - 1) * np.log(ratio)), rel=1e-6)


@pytest.mark.parametrize(
    ("term", "coding", "label"),
    [
        ("brain[T.1]", "present", "Brain metastasis"),
        ("brain[T.1]", "absent", "no Brain metastasis"),
        ("hormone_therapy[T.Positive]", "present", "Hormone therapy: Positive"),
        ("hormone_therapy[T.Positive]", "absent", "Hormone therapy: Negative"),
        ("t_stage[T.T4]", "present", "T stage: T4"),
        ("t_stage[T.T2]", "absent", "not T stage: T2"),
        ("log(marker)", "1 sd above the mean", "log(marker), 1 sd above the mean"),
        ("ever_smoked", "absent", "no ever_smoked"),
    ],
)
def test_terms_become_words(li2024, term, coding, label):
    assert condition_label(li2024, term, coding) == label


@pytest.fixture(scope="module")
def study():
    return simulated_study(simulate_frame(Truth(), 50, seed=1)[1])


@pytest.fixture
def timing():
    listed = scenarios_of("months", np.random.default_rng(0))
    columns = {
        "scenario": [one.name for one in listed],
        "label": [one.label for one in listed],
        "hazard_ratio": [0.73, 0.85, 0.95, 1.23, 20.4],
        "lower": [0.59, 0.68, 0.76, 0.98, 15.0],
        "upper": [0.90, 1.05, 1.18, 1.55, 28.3],
        "probability_of_benefit": [0.998, 0.924, 0.694, 0.035, 0.0],
        "e_value": [1.8, 1.5, 1.2, 1.0, 1.0],
        "e_value_lower": [1.4, 1.0, 1.0, 1.0, 1.0],
        "e_value_upper": [2.2, 1.9, 1.6, 1.1, 1.0],
        "no_effect": [1.01, 0.82, 0.71, np.nan, 1.0],
        "no_effect_lower": [0.8, 0.68, 0.61, np.nan, 0.8],
        "no_effect_upper": [1.2, 0.99, 0.86, np.nan, 1.25],
        "as_low": [0.0, 0.1, 0.5, np.nan, 0.0],
        "candidates": [0.49, 0.53, 0.55, np.nan, 0.49],
        "reachable": [1.0, 0.93, 0.9, 0.4, 1.0],
    }
    sampled = {"mcse": 0.002, "rhat": 1.004, "ess_bulk": 3000.0, "ess_tail": 1500.0, "divergences": 0}
    scenarios = pd.DataFrame(columns | sampled | {"cohorts": 20, "runs": 20})
    delays = pd.DataFrame(
        [
            (0.0, 0.73, 0.59, 0.9, 0.998, 1.0, 0.8, 1.2),
            (6.0, 0.94, 0.75, 1.17, 0.72, 0.72, 0.6, 0.92),
            (24.0, 1.6, 1.25, 2.06, 0.001, 0.45, 0.36, 0.54),
        ],
        columns=["delay", *scenarios.columns[2:6], "no_effect", "no_effect_lower", "no_effect_upper"],
    )
    rows = [
        ("elicited", "naive", "", np.nan, 0.86, 0.72, 1.05, 400),
        ("elicited", "median", "treated", np.nan, 37.0, 31.0, np.inf, 400),
        ("elicited", "survival", "control", 36.0, 0.5983, 0.5377, 0.6476, 400),
        ("last_third", "split", "", np.nan, 18.75, 14.78, 28.30, 400),
    ]
    names = ["scenario", "quantity", "arm", "time", "estimate", "lower", "upper", "replicates"]
    return Timing(scenarios, delays, Doubt("within", 2.73), pd.DataFrame(rows, columns=names), 0.71, 0.06)


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


def test_every_scenario_is_said(timing, study):
    text = said(timing_section(timing, study))
    assert "“All at time zero (naive)” 0.73 (0.59 to 0.90), probability of benefit 0.998" in text
    assert "“Evenly over 24 months” 1.23 (0.98 to 1.55), probability of benefit 0.035" in text
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


def surface(start):
    """A plane over delay and log strength, with a standard deviation of 0.15."""
    delay, strength = (one.ravel() for one in np.meshgrid(DELAYS, STRENGTHS, indexing="ij"))
    mean = start + 0.02 * delay + 0.4 * np.log(strength)
    cells = pd.DataFrame({"delay": delay, "strength": strength}).assign(
        hazard_ratio=np.exp(mean),
        lower=np.exp(mean - 0.294),
        upper=np.exp(mean + 0.294),
        probability_of_benefit=ndtr(-mean / 0.15),
        rmst_difference=-12 * mean,
        rmst_lower=-12 * mean - 3.5,
        rmst_upper=-12 * mean + 3.5,
    )
    checked = {"delay": [9.0], "strength": [1.6], "shift": [-0.02], "sd_ratio": [1.0], "rmst_shift": [0.03]}
    return Surface(cells, pd.DataFrame(checked), 60.0, 1)


@pytest.mark.parametrize("start", [-0.9, -0.6])
def test_the_strength_that_is_needed_is_that_of_a_closed_form(start):
    section = timing_and_confounding_section(surface(start), load_study("gbsg2"))
    first, *_ = section.tables
    for row, delay in zip(first.rows, DELAYS, strict=True):
        needed = np.exp((-start - 1.6449 * 0.15 - 0.02 * delay) / 0.4)
        printed = row.cells[-1]
        if needed > STRENGTHS[-1]:
            assert np.isinf(printed.sort)
        else:
            assert printed.sort == pytest.approx(max(needed, 1.0), rel=3e-3)
        assert row.cells[1].sort == pytest.approx(np.exp(start + 0.02 * delay))
    assert [len(table.rows) for table in section.tables] == [len(DELAYS)] * 2
    said = [float(value) for value in re.findall(r"without delay ([\d.]+)[;,]", section.paragraphs[0])]
    expected = np.exp((-start - 0.2467) / 0.4)
    assert said == ([] if expected > STRENGTHS[-1] else [pytest.approx(expected, abs=0.06)])


def test_a_surface_that_is_doubtful_from_the_start_says_so():
    section = timing_and_confounding_section(surface(-0.1), load_study("gbsg2"))
    assert all(row.cells[-1].sort == 1.0 for row in section.tables[0].rows)


def test_what_is_set_on_the_page_is_the_surface():
    """A plane comes back from the splines; strengths and delays lie in the order in which the page looks them up."""
    start = -0.6
    content = live_surface(surface(start), load_study("gbsg2")).data
    count = content["strengths"]
    assert len(content["ratio"]) == len(content["time"]) == len(content["benefit"]) == 25 * count
    for delay, strength in ((0.0, 1.0), (7.0, 1.3), (24.0, 4.0)):
        at = round(delay / content["delay"]["step"]) * count + round(
            (strength - 1.0) / content["strength"]["step"]
        )
        mean = start + 0.02 * delay + 0.4 * np.log(strength)
        assert content["ratio"][at] == pytest.approx(np.exp([mean - 0.294, mean, mean + 0.294]), abs=2e-3)
        assert content["benefit"][at] == pytest.approx(ndtr(-mean / 0.15), abs=2e-3)
        assert content["time"][at] == pytest.approx(
            [-12 * mean - 3.5, -12 * mean, -12 * mean + 3.5], abs=2e-3
        )
