"""The simulated registry of docs/: parts of a size, written one after another, that both of its study files read."""

import runpy
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from data.aggregate.cohort import load_aggregate
from data.aggregate.counting import counted
from data.aggregate.table import write_aggregate
from data.study.sources import load_cohort
from data.study.study import load_study

SCRIPT = Path(__file__).parents[2] / "docs" / "simulated_registry.py"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of 700 patients, written in parts of 300."""
    folder = tmp_path_factory.mktemp("registry")
    write = runpy.run_path(str(SCRIPT))["write_registry"]
    write.__globals__["PATIENTS_AT_ONCE"] = 300
    write(700, folder)
    return folder


def test_parts_are_different_patients_with_numbers_of_their_own(registry):
    frame = pd.read_parquet(registry / "patients" / "cohort.parquet")
    assert frame["patient"].tolist() == list(range(1, 701))
    assert not frame["survival_months"].duplicated().any()


def test_counts_hold_every_patient_and_event(registry):
    study = load_study(registry / "patients")
    patients = load_cohort(study)
    write_aggregate(counted(study), registry / "counts" / "counts.parquet")
    counts, _, _ = load_aggregate(load_study(registry / "counts"))
    assert patients.size == counts.counts.patients.sum() == 700
    assert patients.event.sum() == counts.counts.deaths.sum() > 0


def test_a_registry_without_patients_is_refused(tmp_path):
    done = subprocess.run([sys.executable, SCRIPT, "0", tmp_path], capture_output=True, text=True)
    assert done.returncode == 2
    assert "at least 1, but is 0" in done.stderr
