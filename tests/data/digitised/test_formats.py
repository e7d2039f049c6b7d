"""Files in the layouts of digitising programs, written by hand: what they are taken for and what is read from them."""

from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from data.published.digitised import choose_series, read_digitised
from data.published.digitised.checks import checked
from data.published.digitised.risk_table import read_risk_table

FILES = Path(__file__).parent / "files"
DRUG = [0, 3.2, 6.1, 9.8]
SURVIVAL = [1, 0.97, 0.91, 0.84]
REFUSED = {
    "not_sorted.csv": "points must be sorted by time, but 3 of 4 come after a later one",
    "time_back.csv": "time must not go back, but point 13 is at 4.5 after 11",
    "above_100.csv": "survival must not lie above 100 %, but found 124 % at time 3.2",
    "below_0.csv": "survival must not lie below 0, but found -0.5",
    "rising.csv": "rises by 0.13 up to time 9.8",
    "no_start.csv": "survival must start at 1, but starts at 0.87 at time 3.2",
    "failure.csv": "rises from 0 to 0.16: it is failure; add --of failure",
    "unequal_length.csv": "line 5: columns 1 and 2 of 'Drug' must have equal lengths, but 1 rows",
    "commas_twice.csv": "commas may be either in '0,00,1,000'",
    "no_numbers.txt": "must hold rows of numbers",
    "letter.csv": "line 4, column 2: must be a number, but found 'o.91'",
    "too_few.csv": "must have at least 3 points, but has 2",
    "three_columns.csv": "3 columns of which that cannot be settled",
    "not_a_project.json": "must be a project of WebPlotDigitizer with data sets",
    "no_values.json": "must have a value of two numbers at each point",
}


@pytest.mark.parametrize(
    ("file", "kind", "names", "scale"),
    [
        ("wpd_datasets.csv", "csv of WebPlotDigitizer", ["Drug", "Placebo"], "fraction"),
        ("wpd_project.json", "project of WebPlotDigitizer", ["Drug"], "fraction"),
        ("wpd_project_3.json", "project of WebPlotDigitizer", ["Default Dataset"], "percent"),
        ("digitizeit_pairs.txt", "pairs of columns", ["Drug", "Placebo"], "percent"),
        ("digitizeit_shared.txt", "one column of times and a column for each curve", ["Drug", "Placebo"], "percent"),
        ("digitizeit_percent.txt", "two columns", [""], "percent"),
        ("scanit.txt", "two columns", [""], "percent"),
        ("scanit_decimal_comma.txt", "two columns", [""], "fraction"),
        ("survdigitizer.csv", "points of SurvdigitizeR", ["1", "2"], "fraction"),
        ("ipdfromkm.csv", "two columns", [""], "percent"),
        ("survhe_survival.txt", "numbered points, as survHE reads them", [""], "fraction"),
        ("plain.csv", "columns of times and survival, by their names", [""], "fraction"),
        ("plain_arms.csv", "points with a column of curves", ["Drug", "Placebo"], "fraction"),
    ],
)  # fmt: skip
def test_every_layout_gives_the_same_curve(file, kind, names, scale):
    found = read_digitised(FILES / file)
    assert found.kind.startswith(kind)
    assert [one.name for one in found.series] == names
    points = checked(found.series[0], file)
    assert (points.scale, points.of) == (scale, "survival")
    survival = points.value / (100 if scale == "percent" else 1)
    at = np.interp(DRUG, points.time, survival)
    assert np.abs(at - SURVIVAL).max() < 0.002 or file == "survdigitizer.csv"
    assert points.time[-1] in (9.8, 14.91, 20.3, 35.01, 35.0122)


def test_a_comma_in_the_name_of_a_data_set(tmp_path):
    file = tmp_path / "wpd_datasets.csv"
    text = (FILES / "wpd_datasets.csv").read_text(encoding="utf-8")
    file.write_text(text.replace("Drug,,", "Drug, 10 mg,,", 1), encoding="utf-8")
    assert [one.name for one in read_digitised(file).series] == ["Drug, 10 mg", "Placebo"]


def test_both_edges_of_a_step_are_kept():
    steps = read_digitised(FILES / "survdigitizer.csv").series[0]
    np.testing.assert_array_equal(steps.time, [0, 3.2, 3.2, 6.1, 6.1, 9.8])
    np.testing.assert_array_equal(steps.survival, [1, 1, 0.97, 0.97, 0.91, 0.84])


def test_calibration_gives_the_size_of_a_pixel():
    found = read_digitised(FILES / "wpd_project.json")
    assert found.time_resolution == pytest.approx(36 / 720)
    assert found.survival_resolution == pytest.approx(1 / 480)


def test_empty_cells_of_a_shared_column_of_times_are_no_points():
    drug, placebo = read_digitised(FILES / "digitizeit_shared.txt").series
    np.testing.assert_array_equal(drug.time, [0, 3.21, 6.1, 9.8, 14.91])
    np.testing.assert_array_equal(placebo.time, [0, 2.7, 5.51, 8.9, 9.8, 14.91])


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("ipdfromkm_risk.csv", "numbers at risk"),
        ("survhe_nrisk.txt", "numbers at risk as survHE reads them"),
        ("risk_by_arm.csv", "a column of numbers at risk for each arm"),
    ],
)
def test_numbers_at_risk(file, kind):
    found = read_risk_table(FILES / file, "Drug")
    assert found.kind == kind
    assert (found.time.tolist(), found.at_risk.tolist()) == ([0, 10, 20], [213, 122, 80])


def test_a_risk_table_that_cannot_be_settled_is_refused(tmp_path):
    with pytest.raises(InputError, match="named time and at_risk or 'Tablet', but found time, drug, placebo"):
        read_risk_table(FILES / "risk_by_arm.csv", "Tablet")
    for text, message in (
        ("time,n\n0,40\n0,30\n", "times that rise"),
        ("time,n\n0,40.5\n6,30\n", "whole numbers"),
    ):
        (tmp_path / "risk.csv").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=message):
            read_risk_table(tmp_path / "risk.csv", "Drug")


def test_the_data_set_is_that_of_the_arm_or_the_one_that_is_named():
    two = read_digitised(FILES / "wpd_datasets.csv")
    assert choose_series(two, "", "placebo", "f").name == "Placebo"
    assert choose_series(two, "Placebo", "Drug", "f").name == "Placebo"
    with pytest.raises(InputError, match="found none given; there are 'Drug', 'Placebo'"):
        choose_series(two, "", "Tablet", "f")
    with pytest.raises(InputError, match="found 'Tablet'"):
        choose_series(two, "Tablet", "Drug", "f")
    one = read_digitised(FILES / "wpd_project_3.json")
    assert choose_series(one, "", "Drug", "f").name == "Default Dataset"


@pytest.mark.parametrize(("file", "message"), REFUSED.items())
def test_what_cannot_be_settled_is_refused(file, message):
    path = FILES / "refused" / file
    with pytest.raises(InputError) as raised:
        checked(read_digitised(path).series[0], str(path))
    assert str(raised.value).startswith(str(path))
    assert message in str(raised.value)


def test_every_refused_file_is_in_the_test_above():
    assert {one.name for one in (FILES / "refused").iterdir()} == set(REFUSED)


def test_failure_that_is_stated_is_read():
    series = read_digitised(FILES / "refused" / "failure.csv").series[0]
    points = checked(series, "f", of="failure")
    assert (points.scale, points.of, points.value[-1]) == ("fraction", "failure", 0.16)
    with pytest.raises(InputError, match="must start at 1, but starts at 0"):
        checked(read_digitised(FILES / "plain.csv").series[0], "f", of="failure")
