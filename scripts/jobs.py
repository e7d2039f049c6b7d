"""What the verbs do alike: read a study, choose prior sets, write tables and figures."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from data.cohort import Cohort
from data.sources import load_cohort
from data.study import Study, load_study
from inference.atomic import atomic_path, write_text
from inference.provenance import commit, versions
from inference.store import file_sha256
from models.prior_files import BUNDLED, find_prior_set, read_prior_set
from models.priors import PriorSet
from models.specification import known_parameters


def load(reference: str) -> tuple[Study, Cohort]:
    """Return a study and its patients."""
    study = load_study(reference)
    return study, load_cohort(study)


def main_prior_set(reference: str, study: Study) -> PriorSet:
    """Return the prior set that a command names."""
    return read_prior_set(reference, known_parameters(), study.folder)


def other_prior_sets(study: Study, main: PriorSet, given: Sequence[str] = ()) -> list[PriorSet]:
    """Return the prior sets to compare with: the study's own and the bundled ones, and those given by path."""
    names = sorted(
        {path.stem for folder in (study.folder / "priors", BUNDLED) for path in folder.glob("*.toml")}
    )
    sets = [main_prior_set(reference, study) for reference in (*names, *given)]
    return list({one.name: one for one in sets if one.name != main.name}.values())


class Stopwatch:
    """Wall times by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        """Time a block."""
        began = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - began, 2)


def manifest(study: Study, cohort: Cohort, priors: Sequence[str], **more: Any) -> dict[str, Any]:
    """Return where the numbers of a run come from.

    Parameters
    ----------
    study, cohort : Study, Cohort
        What was analysed.
    priors : sequence of str
        Prior sets as the command names them; their files' checksums are kept.
    **more : Any
        Settings, fits, wall times.
    """
    files = {find_prior_set(reference, study.folder) for reference in priors}
    if study.cohort.source == "file" and study.cohort.path is not None:
        files.add(study.folder / Path(study.cohort.path).expanduser())
    return {
        "study": study.name,
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        **commit(),
        "versions": versions(),
        "inputs": {
            "study file": file_sha256(study.file),
            "patients": cohort.sha256,
            **{path.name: file_sha256(path) for path in sorted(files)},
        },
        "holds_patient_level_data": True,
        "note": "fits hold the patients' times and covariates; the report and the tables hold none",
        **more,
    }


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as csv, whole or not at all."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)


def write_json(content: dict[str, Any], path: Path) -> None:
    """Write a mapping as JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, default=str) + "\n")
