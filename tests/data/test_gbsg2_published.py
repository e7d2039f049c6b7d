"""The bundled publication of gbsg2: its tables are those that its script makes, and they agree with the patients and each other."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from data.published.audit import audit
from data.published.evidence import Evidence, load_evidence
from data.study.cohort import Cohort
from data.study.sources import load_cohort
from data.study.study import STUDIES, load_study

FOLDER = STUDIES / "gbsg2_published"


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return load_evidence(load_study("gbsg2_published"))


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return load_cohort(load_study("gbsg2"))


def test_the_tables_are_those_that_the_script_makes(tmp_path: Path):
    runpy.run_path(str(FOLDER / "make.py"))["write"](tmp_path)
    made = {one.name: one.read_text(encoding="utf-8") for one in tmp_path.iterdir()}
    assert set(made) == {one.name for one in (FOLDER / "evidence").glob("*.csv")}
    for name, text in made.items():
        assert text == (FOLDER / "evidence" / name).read_text(encoding="utf-8"), name


def test_curves_and_numbers_at_risk_are_those_of_the_patients(evidence, cohort):
    for curve in evidence.curves:
        inside = cohort.treatment == (curve.arm == "treated")
        time, event = cohort.time[inside], cohort.event[inside]
        at_risk = [(time >= at).sum() for at in curve.at_risk_time]
        np.testing.assert_array_equal(curve.at_risk, at_risk)
        deaths = np.unique(time[event])
        steps = np.cumprod([1 - (event & (time == at)).sum() / (time >= at).sum() for at in deaths])
        for at, read in zip(curve.time, curve.survival, strict=True):
            near = [
                float(np.append(1.0, steps)[np.searchsorted(deaths, at + shift, side="right")])
                for shift in (-0.01, 0.01)  # days: times are written with six digits
            ]
            assert min(abs(read - one) for one in near) <= curve.survival_resolution / 2 + 1e-6
    assert evidence.size("", "before") == 686


def test_medians_in_months_are_known_in_days(evidence):
    control = evidence.find("control", "before", "median_os")
    assert control.holds(1528)
    assert control.half_digit == pytest.approx(0.05 * 30.4375)
    treated = evidence.find("treated", "before", "median_os")
    assert treated.holds(2018)
    assert (treated.upper, treated.interval) == (None, None)


def test_a_true_publication_raises_no_alarm(evidence):
    found = audit(load_study("gbsg2_published"), evidence)
    assert [one.id for one in found if one.severity != "consistent" and one.kind == "contradiction"] == []
    assert len(found) > 90
