"""A replication on disk: taken from there while cohorts, evidence, settings and source are the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from data.published.evidence import Evidence
from data.published.reconstruction import Reconstruction
from data.study.study import Study
from inference.published.reanalysis.replicate import Replication, ReplicationSettings, replicate
from inference.storage.cache import FRAMES, Deferred, cached

TABLES = ("table", "curves", "points", "pairs")
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
    tables = replicated(folder, made, study, evidence, settings, done).value()
    return Replication(**tables, settings=settings, cohorts=int(made.patients["cohort"].nunique()))


def replicated(
    folder: Path,
    made: Reconstruction,
    study: Study,
    evidence: Evidence,
    settings: ReplicationSettings = DEFAULTS,
    done: Callable[[int, int], None] | None = None,
) -> Deferred[Mapping[str, pd.DataFrame]]:
    """Return the tables of a replication, by name, deferred; arguments as in `replication_of`."""
    return replicated_tables.deferred(folder, made.patients, made.modalities, study, evidence, settings, done)


@cached(FRAMES)
def replicated_tables(
    patients: pd.DataFrame,
    modalities: pd.DataFrame,
    study: Study,
    evidence: Evidence,
    settings: ReplicationSettings,
    progress: Callable[[int, int], None] | None = None,
) -> Mapping[str, pd.DataFrame]:
    """Return the tables of a replication, by name; arguments as in `replicate`."""
    fresh = replicate(patients, modalities, study, evidence, settings, progress)
    return {name: getattr(fresh, name) for name in TABLES}
