"""Digitised curves among the published numbers: scales, units, sizes, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from data.published.audit import audit
from data.published.evidence import Evidence, load_evidence
from data.published.publish import publish_curve
from data.published.published_curves import resolution_of
from data.study.study import load_study

NAMES = """\
[arms]
treated = "Drug"
control = "Placebo"
[curves.os]
source = "Figure 2"
scale = "percent"
of = "failure"
time_unit = "years"
time_resolution = 0.01
at_risk_counts = "before"
"""
CURVES = """\
curve,arm,time,survival
os,Drug,0,0
os,Drug,1,12.5
os,Drug,2,30
os,Placebo,0,0
os,Placebo,1,25
os,Placebo,2,60.5
"""
AT_RISK = """\
curve,arm,time,at_risk,events,censored
os,Drug,0,40,0,0
os,Drug,1,30,5,5
os,Placebo,0,50,0,0
os,Placebo,1,35,12,3
"""
MARKS = "curve,arm,time\nos,Drug,1.5\nos,Drug,0.5\n"


@pytest.fixture
def folder(tmp_path: Path, write_publication) -> Path:
    """A study of which two curves and a risk table are published, and no covariate."""
    tables = {"curves.csv": CURVES, "at_risk.csv": AT_RISK, "censor_marks.csv": MARKS}
    return write_publication(tmp_path, NAMES, tables)


@pytest.fixture
def loaded(folder: Path, rewrite):
    """The evidence with texts of its files replaced: old and new, by the file's stem."""

    def load(**changed: tuple[str, str]) -> Evidence:
        for stem, texts in changed.items():
            rewrite(next((folder / "evidence").glob(f"{stem}.*")), *texts)
        return load_evidence(load_study(folder))

    return load


def test_failure_in_percent_of_years_is_survival_of_months(loaded):
    drug, placebo = loaded().curves
    assert (drug.arm, placebo.arm) == ("treated", "control")
    assert (drug.curve, drug.phase, drug.subgroup) == ("os", "before", "")
    np.testing.assert_array_equal(drug.time, [0, 12, 24])
    np.testing.assert_array_equal(placebo.survival, [1, 0.75, 0.395])
    assert drug.time_resolution == 0.12
    assert drug.at_risk_counts == "before"
    np.testing.assert_array_equal(drug.at_risk_time, [0, 12])
    np.testing.assert_array_equal(placebo.at_risk, [50, 35])
    np.testing.assert_array_equal(placebo.censored, [0, 3])
    np.testing.assert_array_equal(drug.censor_marks, [6, 18])
    assert placebo.censor_marks.size == 0


def test_sizes_are_the_numbers_at_risk_at_time_0(loaded):
    evidence = loaded()
    assert evidence.phases == ("before",)
    assert [evidence.size(arm, "before") for arm in ("treated", "control", "")] == [40, 50, 90]
    assert evidence.arms("after") == ()


def test_one_arm_alone_is_a_publication(folder, loaded):
    for name in ("curves", "at_risk"):
        file = folder / "evidence" / f"{name}.csv"
        kept = [line for line in file.read_text(encoding="utf-8").splitlines() if "Placebo" not in line]
        file.write_text("\n".join(kept) + "\n", encoding="utf-8")
    survival = folder / "evidence" / "survival.csv"
    survival.write_text(
        "arm,phase,quantity,op,value,lower,upper,unit,section\nall,before,deaths,=,12,,,,\nall,before,deaths_percent,=,30,,,,\n"
        "all,before,median_followup,=,18,16,20,months,\nDrug,before,survival_1y,=,87.5,,,percent,\n",
        encoding="utf-8",
    )
    evidence = loaded(evidence=("[sha256]", '[sha256]\n"survival.csv" = ""'))
    assert (evidence.phases, evidence.arms("before")) == (("before",), ("treated",))
    assert evidence.patients("before") == 40
    found = audit(load_study(folder), evidence)
    assert {one.severity for one in found} == {"consistent"}
    assert {"survival", "at_risk", "curve", "percentages"} <= {one.family for one in found}


def test_counts_by_interval_are_added_up(loaded):
    added = ('at_risk_counts = "before"', 'events_and_censored = "by_interval"')
    drug, _ = loaded(evidence=added, at_risk=("1,30,5,5", "1,30,5,5\nos,Drug,2,20,4,6")).curves
    np.testing.assert_array_equal(drug.events, [0, 5, 9])
    np.testing.assert_array_equal(drug.censored, [0, 5, 11])
    assert drug.at_risk_counts == ""


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"curves": ("Drug,1,12.5", "Drug,1,125")}, "row 3: survival must be a percent from 0 to 100, as [curves.os] of evidence.toml states, but found 125"),
        ({"curves": ("os,Drug,1", "pfs,Drug,1")}, "row 3: curve must be named in [curves] of evidence.toml (os), but found 'pfs'"),
        ({"curves": ("Drug,1,", "Drugs,1,")}, "arm must be Drug or Placebo, but found 'Drugs'"),
        ({"curves": ("Drug,1,12.5", "Drug,one,12.5")}, "row 3: time must be a number, but found 'one'"),
        ({"curves": ("os,Drug,2,30", "os,Drug,0.5,30")}, "curves.csv, curve 'os', treated: times must run forward, but 6 comes after 12"),
        ({"curves": ("os,Drug,2,30", "os,Drug,1,12.5")}, "curves.csv, row 4: must be there once, but repeats row 3"),
        ({"at_risk": ("Drug,1,30", "Drug,0,30")}, "at_risk.csv, curve 'os', treated: each time must be there once"),
        ({"at_risk": ("Drug,1,30", "Drug,1,about 30")}, "row 3: at_risk must be a whole number, but found 'about 30'"),
        ({"at_risk": ("os,Placebo,0,50,0,0\n", "")}, "n of control before matching, or at_risk.csv the number at risk at time 0"),
        ({"evidence": ('"at_risk.csv" = ""\n', "")}, "at_risk.csv: must be listed in evidence.toml"),
        ({"evidence": ("[curves.os]", '[curves.pfs]\nsource = "Figure 3"\n[curves.os]')}, "must hold the points of pfs"),
        ({"evidence": ('time_unit = "years"', 'time_unit = "cycles"')}, "time must be in months, or in units that can be carried over"),
        ({"evidence": ('scale = "percent"', 'scale = "per cent"')}, "[curves.os] scale"),
        ({"curves": ("arm,time", "arm,subgroup,time"), "evidence": ("[arms]", "[arms]")}, "cells"),
        ({"censor_marks": ("os,Drug,1.5", "os,Placebo,soon")}, "censor_marks.csv, row 2: time must be a number"),
        ({"curves": ("os,Placebo", "os,Drug")}, "times must run forward"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_curve_is_named(loaded, changed, message):
    with pytest.raises(InputError) as raised:
        loaded(**changed)
    assert message in str(raised.value)


def test_a_subgroup_is_a_level_of_a_covariate(folder, loaded):
    with (folder / "study.toml").open("a", encoding="utf-8") as study:
        study.write('grade = {levels = ["1", "2"]}\n')
    rows = [line.split(",") for line in CURVES.splitlines()[1:]]
    table = "\n".join(",".join([curve, arm, "grade = 2", *rest]) for curve, arm, *rest in rows)
    file = folder / "evidence" / "curves.csv"
    file.write_text(f"curve,arm,subgroup,time,survival\n{table}\n", encoding="utf-8")
    with pytest.raises(InputError, match="n of treated before"):
        loaded()  # the numbers at risk are those of the subgroup
    with pytest.raises(InputError, match="column=level of a covariate"):
        loaded(curves=("grade = 2", "grade=3"))


def test_pixels_are_found_again():
    rng = np.random.default_rng(1)
    time, event = rng.exponential(20, 300), rng.random(300) < 0.7
    curve = publish_curve(time, event)
    for values, axis, pixel in (
        (curve.survival, 1.0, curve.survival_resolution),
        (curve.time, float(curve.time.max()), curve.time_resolution),
    ):
        written = np.array([float(f"{value:.6g}") for value in values])
        assert resolution_of(written, axis) == pytest.approx(pixel, rel=0.01)


def test_points_on_no_grid_are_neither_exact_nor_rough():
    assert resolution_of(np.random.default_rng(2).random(40), 1.0) == 1 / 200
    assert resolution_of(np.array([1.0, 0.91, 0.84, 0.7, 0.52]), 1.0) == 0.01  # two decimals
    assert resolution_of(np.array([0.0, 12.0, 60.0]), 60.0) == 0.6  # not 12, however few the points
    assert resolution_of(np.array([1.0]), 1.0) == 1 / 200


def test_a_published_curve_is_the_kaplan_meier_estimate_in_pixels():
    time, event = np.array([2.0, 3.0, 3.0, 5.0, 8.0]), np.array([1, 1, 0, 0, 1])
    curve = publish_curve(time, event, columns=6, marks=True)
    assert curve.at_risk_time.tolist() == [0, 2, 4, 6, 8, 10]
    assert curve.at_risk.tolist() == [5, 5, 2, 1, 1, 0]
    width = curve.time_resolution
    assert 10 / width == 1181  # 10 cm at 300 dots an inch
    for at, survival in ((1.9, 1), (2.1, 0.8), (3.1, 0.6), (7.9, 0.6)):
        pixel = int(at / width)
        assert abs(curve.survival[pixel] - survival) <= curve.survival_resolution / 2
    assert abs(curve.time[-1] - 8) <= width / 2
    assert curve.survival[-1] == 0  # the fall at the very end is drawn
    assert np.abs(curve.censor_marks - [3, 5]).max() <= width / 2 + 1e-9
