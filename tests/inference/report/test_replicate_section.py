"""The replication section, from lines that are written down: what is printed where, and what is marked."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from data.published.evidence import load_evidence
from data.published.printed import Printed
from data.study.study import load_study
from inference.published.reanalysis import Line, Replication, ReplicationSettings, long_table
from inference.published.reanalysis.baseline_lines import COUNTS, TESTS, count_name, p_name, variables_with_p
from inference.published.reanalysis.cox_lines import FAMILY as COX
from inference.published.reanalysis.cox_lines import row_name
from inference.published.reanalysis.curves import curve_points
from inference.published.reanalysis.lines import end_of
from inference.published.reanalysis.matching_lines import FAMILY as MATCHING
from inference.report.figures.risk_table import Followed
from inference.report.replicate_tables import outside, range_words, written
from inference.report.sections.replication import replicate_sections


def printed_lines(evidence):
    """Every line as it is printed, as if pseudo-patients gave it exactly; the two cohorts differ where it is said."""
    yield Line("Survival", "median survival, RT before matching", Printed("51.7", 51.7, 1), 51.7, "months")
    yield Line("Survival", "median survival, RT before matching, lower end", Printed("48.8", 48.8, 1), 44.3)
    for row in evidence.cox:
        name = row_name(row)
        if row.hazard_ratio is None:
            yield Line(COX, f"{name}, P", row.p, row.p.value, "P")
        elif row.hazard_ratio.interval:
            value = 0.485 if row.hazard_ratio.text == "0.361" else row.hazard_ratio.value
            yield Line(COX, f"{name}, hazard ratio", row.hazard_ratio, value, "hazard ratio")
            for side in ("lower", "upper"):
                end = end_of(row.hazard_ratio, side)
                yield Line(COX, f"{name}, {side} end", end, end.value, "hazard ratio")
            yield Line(
                COX,
                f"{name}, P",
                row.p,
                min(row.p.value, 0.00001) if row.p.operator == "<" else row.p.value,
                "P",
            )
    yield Line("Subgroups, rt modality", "IMRT, RT, median", Printed("54.7", 54.7, 1), 54.6, "months")
    for method, pairs in (("greedy", 150), ("optimal", 152)):
        yield Line(MATCHING, f"{method}, pairs", Printed("135", 135, 0), pairs, "pairs")
    for row in evidence.counts:
        if row.level != "n":
            count = row.count + (row.level == "T4")
            yield Line(COUNTS, count_name(evidence, row), Printed(str(row.count), row.count, 0), count)
    for (variable, phase), rows in variables_with_p(evidence).items():
        yield Line(TESTS, p_name(variable, phase, "chi-square"), rows[0].p, 0.25, "P")


@pytest.fixture(scope="module")
def made():
    study = load_study("li2024")
    evidence = load_evidence(study)
    lines = [(cohort, line) for cohort in (1, 2) for line in printed_lines(evidence)]
    points = curve_points(evidence)
    curves = points[["figure", "panel", "group"]].drop_duplicates().assign(cohort=1)
    times = pd.DataFrame({"time": [0.0, 60.0], "survival": [1.0, 0.4]})
    pairs = pd.DataFrame(
        {
            "cohort": 1,
            "method": "greedy",
            "caliper": [0.01, 0.02],
            "pairs": [140, 150],
            "largest_difference": 0.2,
        }
    )
    replication = Replication(
        long_table(lines), curves.merge(times, how="cross"), points, pairs, ReplicationSettings(), 2
    )
    one = Followed(np.zeros(2), np.array([30.0, 60.0]), np.array([True, False]))
    groups = {
        tuple(place): one for place in points[["figure", "panel", "group"]].drop_duplicates().to_numpy()
    }
    asked = []

    def draw(name, figure):
        asked.append((name, len(figure().axes)))
        return str

    (section,) = replicate_sections(replication, study, evidence, lambda: groups, draw)
    return SimpleNamespace(section=section, asked=asked, tables={table.id: table for table in section.tables})


def texts(row):
    return [cell.text for cell in row.cells]


def test_pseudo_patients_are_called_so(made):
    said = " ".join([made.section.title, *made.section.paragraphs, *(t.caption for t in made.section.tables)])
    assert "pseudo-patients" in made.section.title
    assert "agreement is no finding" in said
    assert all("pseudo-patients" in figure.title for figure in made.section.figures)
    assert all("seudo-patients" in figure.caption for figure in made.section.figures)


def test_what_differs_is_named_first_and_marked(made):
    said = made.section.paragraphs[1]
    assert "median survival, RT before matching, lower end: printed 48.8, pseudo-patients 44.3" in said
    assert "printed 0.361, pseudo-patients 0.485" in said
    assert "Brain metastasis" not in said
    marked = [texts(row) for row in made.tables["replicated-cox"].rows if row.kind == "warn"]
    assert [row[:4] for row in marked] == [
        ["univariable (text)", "RT yes against no", "0.361 (0.361 to 0.650)", "0.485 (0.361 to 0.650)"]
    ]


def test_table_2_holds_every_row_but_the_references(made):
    rows = [texts(row) for row in made.tables["replicated-cox"].rows]
    assert len(rows) == 17
    assert ["univariable", "T stage, all levels", "–", "–", "–", "0.196", "0.196"] in rows
    (treatment,) = (row for row in rows if row[:2] == ["multivariable", "RT yes against no"])
    assert treatment[2:] == [
        "0.470 (0.351 to 0.631)",
        "0.470 (0.351 to 0.631)",
        "0.470",
        "<0.001",
        "< 0.0001",
    ]


def test_table_1_says_where_a_count_differs_and_shows_a_p_value_once(made):
    rows = {tuple(texts(row)[:2]): texts(row)[2:] for row in made.tables["replicated-baseline"].rows}
    assert len(rows) == 31
    assert rows["T Stage", "T1"] == ["11", "29", "8", "11", "0.228", "0.250", "0.640", "0.250"]
    assert rows["T Stage", "T4"][0] == "52.0 (printed 51)"
    assert rows["T Stage", "T4"][4:] == [""] * 4
    assert rows["Metastatic Sites", "Bone"][4] == rows["Metastatic Sites", "Brain"][4] == "<0.001"


def test_the_matching_is_told_with_its_caliper(made):
    said = made.section.paragraphs[2]
    assert "caliper 0.02 of the propensity: greedy 150 pairs (150 to 150), optimal 152 pairs" in said
    assert "The publication has 135, and gives no caliper." in said


def test_figures_are_those_of_the_paper(made):
    assert [name for name, _ in made.asked] == [
        "replicated-arms",
        "replicated-metastatic-site",
        "replicated-rt-modality",
        "pairs-by-caliper",
    ]
    assert [figure.id for figure in made.section.figures] == [name for name, _ in made.asked]
    assert dict(made.asked)["replicated-metastatic-site"] == 8  # four sites, and their tables


@pytest.mark.parametrize(
    ("printed", "low", "high", "expected"),
    [
        ("34.1", 34.0, 34.3, False),
        ("48.8", 43.8, 44.6, True),
        ("51.7", 51.9, 52.0, False),  # near enough
        ("0.001", 0.0011, 0.0014, False),  # would be printed the same
        ("<0.001", 0.0001, 0.02, False),
        ("<0.001", 0.004, 0.02, True),
        ("", 1.0, 2.0, False),
    ],
)
def test_print_is_outside_where_no_cohort_comes_near(printed, low, high, expected):
    row = pd.Series({"printed": printed, "computed_low": low, "computed_high": high})
    assert outside(row) is expected


def test_numbers_are_written_with_the_digits_of_print():
    assert written(57.1714, "57.2", "months") == "57.2"
    assert written(0.000005, "<0.001", "P") == "< 0.0001"
    assert written(0.00037, "<0.001", "P") == "0.00037"
    assert written(0.0412, "0.117", "P") == "0.041"
    assert written(135.0, "135", "pairs") == "135"
    assert written(np.nan, "135", "pairs") == "–"
    assert written(np.inf, "57.2", "months") == "not reached"
    row = pd.Series(
        {"printed": "0.485", "computed_low": 0.4801, "computed_high": 0.4878, "unit": "hazard ratio"}
    )
    assert range_words(row) == "0.480 to 0.488"
    assert range_words(row.replace(0.4878, 0.4802)) == "0.480"
