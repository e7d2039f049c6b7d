"""The frequentist analysis of a study's cohorts, kept on disk: Cox models of many cohorts take a while."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

import inference.comparators
from data.cohort import Cohort
from data.evidence import Evidence
from data.study import Study
from inference.atomic import atomic_path
from inference.comparators import comparators, pooled_comparators, published_comparators
from inference.comparators.own_matching import with_own_matching
from inference.horizon import report_times
from inference.store import Store, digest


def frequentist_analysis(
    study: Study,
    cohorts: Sequence[Cohort],
    store: Store,
    evidence: Evidence | None = None,
    matched: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return the comparators of a study: as kept, else computed and kept; of patients, with a matching of one's own.

    Parameters
    ----------
    study : Study
    cohorts : sequence of Cohort
        Means are taken over several.
    store : Store
        Where the table is kept.
    evidence : Evidence, optional
        Of a study that publishes no patients: gives the published values, and the published matched analysis.
    matched : ndarray of bool (cohort, patient), optional
        Who is in the published matched set.
    """
    horizon, times = report_times(study, cohorts[0])
    printed = None if evidence is None else dict(evidence.checksums)
    of_cohorts = [cohort.sha256 for cohort in cohorts]
    landmarks = study.report.landmarks
    name = digest(["comparators", of_cohorts, horizon, times, printed, landmarks, _source()])
    kept = store.kept / name / "comparators.parquet"
    try:
        return pd.read_parquet(kept)
    except (OSError, ValueError, pa.ArrowException):
        pass
    tables = [comparators(cohort, horizon, times) for cohort in cohorts]
    if evidence is None:
        tables = [
            with_own_matching(table, cohort, landmarks) for table, cohort in zip(tables, cohorts, strict=True)
        ]
    if evidence is not None and matched is not None:
        tables = [
            published_comparators(table, cohort, inside, evidence)
            for table, cohort, inside in zip(tables, cohorts, matched, strict=True)
        ]
    table = pooled_comparators(tables)
    with atomic_path(kept) as temporary:
        table.to_parquet(temporary, index=False)
    return table


@cache
def _source() -> str:
    seen = sha256()
    folder = Path(inference.comparators.__path__[0])
    others = (folder.parent / name for name in ("balance.py", "efron.py", "matching.py"))
    for file in (*sorted(folder.glob("*.py")), *others):
        seen.update(file.read_bytes())
    return seen.hexdigest()
