"""Ensembles of reconstructed cohorts on disk: taken from there while evidence, study, seed and source are the same."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.published.evidence import Evidence
from data.published.reconstruction import STATED, Reconstruction, reconstruct
from data.study.study import Study
from inference.fits.executor import Executors
from inference.storage.atomic import atomic_path
from inference.storage.checksums import digest, file_sha256
from inference.storage.closure import source_of

COHORTS, MODALITIES, TARGETS = "cohorts.parquet", "modalities.parquet", "reconstruction.csv"
SEAL = b"reconstruction"  # entry of the metadata of COHORTS, which is written last
RECONSTRUCTION = "data.published.reconstruction.ensemble"  # the module whose source decides the cohorts


def ensemble_of(
    study: Study,
    evidence: Evidence,
    cohorts: int,
    seed: int,
    folder: Path,
    done: Callable[[int, int], None] | None = None,
    first: int = 1,
    executors: Executors | None = None,
) -> Reconstruction:
    """Return the reconstruction of a study: that of the folder where it is the same, else made and written there.

    Parameters
    ----------
    study, evidence : Study, Evidence
    cohorts, seed : int
        How many, and from which seed.
    folder : Path
        Holds ``cohorts.parquet``, ``modalities.parquet`` and ``reconstruction.csv``.
    done : callable, optional
        Called with how many cohorts are ready, and of how many.
    first : int
        Number of the first cohort; those that come after cohorts drawn before belong in a folder of their own.
    executors : callable, optional
        Gives what draws the cohorts; worker processes of this machine unless stated.
    """
    mark = ensemble_mark(study, evidence, cohorts, seed, first)
    kept = _kept(folder, mark)
    if kept is not None:
        return kept
    with executors(folder) if executors is not None else nullcontext() as executor:
        made = reconstruct(study, evidence, cohorts, seed, done, first=first, executor=executor)
    _write(made, folder, mark)
    return made


def ensemble_mark(study: Study, evidence: Evidence, cohorts: int, seed: int, first: int = 1) -> str:
    """Return a digest of all that decides an ensemble."""
    decided = [study.model_dump(), dict(evidence.checksums), first, cohorts, seed, asdict(STATED)]
    return digest([*decided, source_of(RECONSTRUCTION)])


def _write(made: Reconstruction, folder: Path, mark: str) -> None:
    with atomic_path(folder / TARGETS) as temporary:
        made.targets.to_csv(temporary, index=False)
    with atomic_path(folder / MODALITIES) as temporary:
        made.modalities.to_parquet(temporary, index=False)
    seal = {
        "mark": mark,
        "conflicts": list(made.conflicts),
        "files": {name: file_sha256(folder / name) for name in (TARGETS, MODALITIES)},
    }
    table = pa.Table.from_pandas(made.patients, preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), SEAL: json.dumps(seal).encode()})
    with atomic_path(folder / COHORTS) as temporary:
        pq.write_table(table, temporary)


def _kept(folder: Path, mark: str) -> Reconstruction | None:
    """Return what is in the folder, or None where it is not what is asked for, or not whole."""
    try:
        table = pq.read_table(folder / COHORTS)
        seal = json.loads((table.schema.metadata or {})[SEAL])
        whole = all(file_sha256(folder / name) == known for name, known in seal["files"].items())
        if seal["mark"] != mark or not whole:
            return None
        targets = pd.read_csv(str(folder / TARGETS), float_precision="round_trip")  # ty: ignore[no-matching-overload]  # the stub lacks it
        modalities = pd.read_parquet(folder / MODALITIES)
        return Reconstruction(table.to_pandas(), modalities, targets, tuple(seal["conflicts"]))
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError):
        return None
