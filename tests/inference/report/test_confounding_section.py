"""The section on unmeasured confounding says what a written grid holds, in every case that can occur."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from data.study.study import load_study
from inference.report.sections.confounding import condition_label, confounding_section
from inference.sensitivity.confounding import ConfoundingGrid, Strengths, needed_strength
from inference.sensitivity.e_values import e_values

COLUMNS = [
    "term",
    "coding",
    "prevalence_treated",
    "prevalence_control",
    "hazard_ratio",
    "difference",
    "e_value",
]
MEASURED = pd.DataFrame(
    [
        ("brain[T.1]", "present", 0.20, 0.35, 1.6, 0.15, 1.62),
        ("hormone_therapy[T.Positive]", "absent", 0.5, 0.3, 1.3, -0.2, 1.4),
        ("liver[T.1]", "present", 0.05, 0.25, 6.0, 0.2, 2.9),
    ],
    columns=pd.Index(COLUMNS),
)


@pytest.fixture(scope="module")
def study():
    return load_study("li2024")


def grid_of(start, slope=1.0, sd=0.12, cohorts=1):
    """Means are start + slope x difference x log(hazard ratio of U)."""
    strengths = Strengths()
    mean = start + slope * np.outer(np.log(strengths.hazard_ratios), strengths.differences)
    checked = pd.DataFrame({"shift": [0.01, -0.021], "sd_ratio": [1.0, 0.967]})
    shape = (cohorts, *mean.shape)
    return ConfoundingGrid(strengths, np.broadcast_to(mean, shape), np.full(shape, sd), checked)


def found(start=-0.4, measured=MEASURED):
    return e_values(np.exp(np.random.default_rng(1).normal(start, 0.12, 4000)), measured)


def section_of(study, grid, measured=MEASURED, evaluated=None):
    return confounding_section(
        study, grid, measured, evaluated or found(), lambda name, draw: lambda: f"<svg>{name}</svg>"
    )


def test_the_first_sentences_say_how_strong_it_must_be(study):
    grid = grid_of(-0.4)
    section = section_of(study, grid)
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


def test_what_is_beyond_the_grid_is_not_given_a_number(study):
    section = section_of(study, grid_of(-2.5))
    assert "Not even a condition that multiplies the hazard by 4.0" in section.paragraphs[0]
    assert "(80 % against 20 %) takes it to 0.5" in section.paragraphs[0]
    cells = {cell.text for row in section.tables[0].rows for cell in row.cells[2:]}
    assert cells == {"more than 4"}


@pytest.mark.parametrize(("start", "below"), [(-0.1, [0.95]), (0.3, [0.95, 0.5])])
def test_where_benefit_is_doubtful_anyway_no_confounder_is_asked_for(study, start, below):
    section = section_of(study, grid_of(start), evaluated=found(start))
    for wanted in (0.95, 0.5):
        said = (
            f"The probability is at most {wanted:g} without any overlooked condition" in section.paragraphs[0]
        )
        assert said == (wanted in below)
    first_row = [cell.text for cell in section.tables[0].rows[0].cells]
    assert first_row[2] == "none needed"
    assert (first_row[3] == "none needed") == (0.5 in below)


def test_the_table_of_strengths_is_that_of_the_closed_form(study):
    table = section_of(study, grid_of(-0.4)).tables[0]
    shift = 0.4 - stats.norm.ppf(0.95) * 0.12
    assert [row.cells[1].text for row in table.rows] == ["30 %", "40 %", "50 %", "60 %", "70 %", "80 %"]
    for row, difference in zip(table.rows, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6), strict=True):
        needed = np.exp(shift / difference)
        assert row.cells[2].text == ("more than 4" if needed > 4 else f"{needed:.2f}")


def test_covariates_are_yardsticks_the_strongest_first(study):
    section = section_of(study, grid_of(-0.4))
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


def test_a_covariate_that_works_the_other_way_is_called_that(study):
    section = section_of(study, grid_of(-0.4), MEASURED.iloc[[1]])
    assert (
        "30 % of the untreated and 50 % of the treated, which works the other way." in section.paragraphs[1]
    )


def test_without_covariates_the_rest_stays(study):
    section = section_of(study, grid_of(-0.4, cohorts=3), MEASURED.iloc[:0], found(measured=None))
    assert [table.id for table in section.tables] == ["confounding-needed"]
    assert len(section.paragraphs) == 3
    assert "(of 3 cohorts, with equal weights)" in section.paragraphs[-1]


def test_assumptions_and_the_check_of_the_approximation_are_said(study):
    said = section_of(study, grid_of(-0.4)).paragraphs[-1]
    for words in ("the same at all times and in both arms", "does not depend on the recorded covariates"):
        assert words in said
    assert "in 2 cells that were also sampled" in said
    assert "off by at most 0.021 posterior standard deviations (towards more benefit)" in said
    assert "standard deviation by at most 3 %." in said


def test_the_figure_is_drawn_from_the_grid(study):
    drawn = []
    confounding_section(
        study, grid_of(-0.4), MEASURED, found(), lambda name, draw: drawn.append((name, draw())) or str
    )
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
def test_terms_become_words(study, term, coding, label):
    assert condition_label(study, term, coding) == label
