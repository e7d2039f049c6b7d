"""The analysis of a paper, done again on every cohort of pseudo-patients; cached."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from data.published.evidence import Evidence
from data.published.reconstruction import Reconstruction
from data.study.pseudo_cohorts import pseudo_cohorts
from data.study.study import Study
from inference.frequentist.matching import CALIPER, Scale
from inference.published.reanalysis.baseline_lines import baseline_lines
from inference.published.reanalysis.cox_lines import cox_lines
from inference.published.reanalysis.curves import cohort_curves, curve_points
from inference.published.reanalysis.lines import Line, PseudoPatients, long_table, summary_table
from inference.published.reanalysis.matching_lines import matching_lines, own_score, pairs_by_caliper
from inference.published.reanalysis.subgroup_lines import subgroup_lines
from inference.published.reanalysis.survival_lines import survival_lines
from inference.storage.cache import FRAMES, Deferred, cached

CALIPERS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
TABLES = ("table", "curves", "points", "pairs")
PAPER = (survival_lines, cox_lines, subgroup_lines, baseline_lines)
"""What yields every number that the paper prints, on one cohort."""


@dataclass(frozen=True)
class ReplicationSettings:
    """What a paper leaves open.

    Attributes
    ----------
    caliper : float
        Of the own matching.
    scale : {"probability", "logit", "logit_sd"}
        On which it is measured.
    calipers : tuple of float
        Of the curve of pairs against caliper, on the same scale.
    """

    caliper: float = CALIPER
    scale: Scale = "probability"
    calipers: tuple[float, ...] = CALIPERS


DEFAULTS = ReplicationSettings()


@dataclass(frozen=True, eq=False)
class Replication:
    """The numbers of a paper beside those that pseudo-patients give.

    Attributes
    ----------
    table : DataFrame
        Of `long_table`: one row a line and cohort.
    curves, points : DataFrame
        Of the figures: curves of every cohort, and what is printed.
    pairs : DataFrame
        ``cohort, method, caliper, pairs, largest_difference``.
    settings : ReplicationSettings
    cohorts : int
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    points: pd.DataFrame
    pairs: pd.DataFrame
    settings: ReplicationSettings
    cohorts: int

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Mean and range over cohorts of every line, beside print."""
        return summary_table(self.table)


def replicate(
    patients: pd.DataFrame,
    modalities: pd.DataFrame,
    study: Study,
    evidence: Evidence,
    settings: ReplicationSettings = DEFAULTS,
    done: Callable[[int, int], None] | None = None,
) -> Replication:
    """Return what the paper did, done on every cohort of pseudo-patients.

    Parameters
    ----------
    patients : DataFrame
        ``cohort, patient, treatment`` (0/1)``, matched`` (0/1)``, time, event`` and the study's covariates.
    modalities : DataFrame
        ``cohort, patient`` and a column for each analysis of groups without printed sizes, NaN for those in none.
    study, evidence : Study, Evidence
    settings : ReplicationSettings
    done : callable, optional
        Called with how many cohorts are ready, and of how many.
    """
    end = float(patients["time"].max())
    total = patients["cohort"].nunique()
    lines: list[tuple[int, Line]] = []
    curves, pairs = [], []
    for ready, pseudo in enumerate(pseudo_patients(patients, modalities, study), 1):
        score = own_score(pseudo, settings.scale)
        own = matching_lines(pseudo, evidence, score, settings.caliper)
        found = (line for lines_of in PAPER for line in lines_of(pseudo, evidence))
        lines += [(pseudo.number, line) for line in (*found, *own)]
        curves.append(cohort_curves(pseudo, evidence, end))
        pairs.append(pairs_by_caliper(pseudo, score, settings.calipers))
        if done is not None:
            done(ready, total)
    return Replication(
        table=long_table(lines),
        curves=pd.concat(curves, ignore_index=True),
        points=curve_points(evidence),
        pairs=pd.concat(pairs, ignore_index=True),
        settings=settings,
        cohorts=total,
    )


def pseudo_patients(
    patients: pd.DataFrame, modalities: pd.DataFrame, study: Study
) -> Iterator[PseudoPatients]:
    """Yield the cohorts of a reconstruction, each validated like any other cohort.

    Raises
    ------
    InputError
        If a cohort is not as the study says.
    """
    analyses = [name for name in modalities.columns if name not in ("cohort", "patient")]
    for key, part in patients.groupby("cohort"):
        number = int(str(key))
        rows = part.reset_index(drop=True)
        checked = pseudo_cohorts(rows, study, "reconstruction")
        groups = {name: group_labels(modalities, number, rows["patient"], name) for name in analyses}
        yield PseudoPatients(number, checked.cohorts[0], np.asarray(checked.matched[0]), groups)


def group_labels(modalities: pd.DataFrame, cohort: int, patient: pd.Series, analysis: str) -> np.ndarray:
    """Return the group of each patient (patient,) of a cohort, "" for those in none.

    Parameters
    ----------
    modalities : DataFrame
        Of a reconstruction.
    cohort : int
        Its number.
    patient : Series
        Numbers of the patients.
    analysis : str
        The column that holds the groups.
    """
    own = modalities[modalities["cohort"] == cohort].set_index("patient")[analysis]
    return own.reindex(patient).fillna("").astype(str).to_numpy(dtype=object)


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
