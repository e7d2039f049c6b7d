"""What the verbs do alike: read a study, choose prior sets, write tables and figures."""

import json
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pandas as pd

from data.errors import InputError
from data.study.cohort import Cohort
from data.study.study import Study
from inference.fits.choices import prior_set
from inference.sampling.compiled import compiler
from inference.storage.atomic import atomic_path, write_text
from inference.storage.checksums import digest, file_sha256
from inference.storage.provenance import commit, versions
from models.prior_files import find_prior_set, prior_set_names
from models.priors import PriorSet

PSEUDO = "no patient is in any file: fits and cohorts.parquet hold pseudo-patients, reconstructed from published numbers"


def prior_sets(study: Study, cohort: Cohort, main: str, given: Sequence[str] = ()) -> list[PriorSet]:
    """Return the main prior set and those to compare with: the study's own, the bundled ones, those given.

    Sets are named by path or name.

    Raises
    ------
    InputError
        Where a set cannot be used, or two different sets go by one name.
    """
    bundled = prior_set_names(study.folder)
    sets: dict[str, PriorSet] = {}
    places: dict[str, Path] = {}
    for reference in (main, *given, *bundled):
        one, place = prior_set(reference, study, cohort), find_prior_set(reference, study.folder)
        if sets.setdefault(one.name, one) != one:
            raise InputError(
                f"{places[one.name]}: name must be its own, but found {one.name!r}, which is also the name of {place}; "
                f"change one of the two"
            )
        places.setdefault(one.name, place)
    return list(sets.values())


def ready_folder(folder: Path) -> Path:
    """Return a folder for outputs, made if need be, before anything is computed for it.

    Raises
    ------
    InputError
        Where nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"--out must be a folder that can be written into, but found {folder}: {error.strerror}; choose another"
        ) from error
    return folder


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


def manifest(study: Study, cohorts: Sequence[Cohort], priors: Sequence[str], **more: Any) -> dict[str, Any]:
    """Return where the numbers of a run come from, with checksums of its files and more: settings, fits, wall times."""
    files = {find_prior_set(reference, study.folder) for reference in priors}
    if study.cohort.source in ("file", "aggregate"):
        files |= {study.folder / Path(path).expanduser() for path in study.cohort.paths}
    pseudo, counts = (study.cohort.source == source for source in ("reconstruction", "aggregate"))
    if pseudo:
        files |= set((study.folder / "evidence").iterdir())
    patients = [cohort.sha256 for cohort in cohorts]
    return {
        "study": study.name,
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        **commit(),
        "versions": versions(),
        "compiler": compiler(),
        "inputs": {
            "study file": file_sha256(study.file),
            "pseudo-patients" if pseudo else "patients": patients[0]
            if len(patients) == 1
            else digest(patients),
            **{path.name: file_sha256(path) for path in sorted(files)},
        },
        "holds_patient_level_data": not (pseudo or counts),
        "note": PSEUDO
        if pseudo
        else "fits hold counts by covariate pattern, and no patient"
        if counts
        else "fits hold the patients' times and covariates; the report and the tables hold none",
        **more,
    }


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as csv, whole or not at all."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)


def write_json(content: dict[str, Any], path: Path) -> None:
    """Write a mapping as JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, default=str) + "\n")
