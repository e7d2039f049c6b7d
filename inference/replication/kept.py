"""A replication on disk: taken from there while cohorts, evidence, settings and source are the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from hashlib import sha256
from pathlib import Path

import pandas as pd

from data.evidence import Evidence
from data.reconstruction import Reconstruction
from data.study import Study
from inference.atomic import atomic_path, write_text
from inference.replication.replicate import Replication, ReplicationSettings, replicate
from inference.store import digest, file_sha256

TABLES = ("table", "curves", "points", "pairs")
SEAL = "replication.json"
DEFAULTS = ReplicationSettings()


def replication_of(
    made: Reconstruction,
    study: Study,
    evidence: Evidence,
    folder: Path,
    settings: ReplicationSettings = DEFAULTS,
    done: Callable[[int, int], None] | None = None,
) -> Replication:
    """Return the publication's analysis on pseudo-patients: as kept in the folder, else made and kept there.

    Parameters
    ----------
    made : Reconstruction
    study, evidence : Study, Evidence
    folder : Path
        Each replication has a subfolder of its own there.
    settings : ReplicationSettings
    done : callable, optional
        Called with how many cohorts are ready, and of how many.
    """
    place = folder / _key(made, study, evidence, settings)
    cohorts = int(made.patients["cohort"].nunique())
    kept = _kept(place, settings, cohorts)
    if kept is not None:
        return kept
    fresh = replicate(made.patients, made.modalities, study, evidence, settings, done)
    for name in TABLES:
        with atomic_path(place / f"{name}.parquet") as temporary:
            getattr(fresh, name).to_parquet(temporary, index=False)
    seal = {name: file_sha256(place / f"{name}.parquet") for name in TABLES}
    write_text(place / SEAL, json.dumps(seal))
    return fresh


def _kept(place: Path, settings: ReplicationSettings, cohorts: int) -> Replication | None:
    """Return what is kept, None where it is not there or not as it was written."""
    try:
        seal = json.loads((place / SEAL).read_text(encoding="utf-8"))
        if any(seal[name] != file_sha256(place / f"{name}.parquet") for name in TABLES):
            return None
        tables = {name: pd.read_parquet(place / f"{name}.parquet") for name in TABLES}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Replication(**tables, settings=settings, cohorts=cohorts)


def _key(made: Reconstruction, study: Study, evidence: Evidence, settings: ReplicationSettings) -> str:
    patients = sha256(pd.util.hash_pandas_object(made.patients.astype(str)).to_numpy().tobytes()).hexdigest()
    chosen = [getattr(settings, field.name) for field in fields(settings)]
    return digest(["replication", patients, study.model_dump(), dict(evidence.checksums), chosen, _source()])


@cache
def _source() -> str:
    seen = sha256()
    here = Path(__file__).parent
    for file in [*sorted(here.glob("*.py")), here.parent / "matching.py"]:
        seen.update(file.read_bytes())
    return seen.hexdigest()
