"""The frequentist analysis of a study's cohorts, kept on disk: Cox models of many cohorts take a while."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from data.published.evidence import Evidence
from data.study.cohort import Cohort
from data.study.study import Study
from inference.estimands.horizon import report_times
from inference.frequentist.counted import counted_comparators
from inference.frequentist.own_matching import with_own_matching
from inference.frequentist.pooled import pooled_comparators
from inference.frequentist.published import published_comparators
from inference.frequentist.table import comparators
from inference.storage.cache import FRAME, Deferred, cached


def frequentist_analysis(
    folder: Path,
    study: Study,
    cohorts: Sequence[Cohort],
    evidence: Evidence | None = None,
    matched: np.ndarray | None = None,
) -> Deferred[pd.DataFrame]:
    """Return the comparators of a study, cached in a folder; of patients, with a matching of one's own.

    Parameters
    ----------
    folder : Path
    study : Study
    cohorts : sequence of Cohort
        Means are taken over several.
    evidence : Evidence, optional
        Of a study that publishes no patients: gives the published values, and the published matched analysis.
    matched : ndarray of bool (cohort, patient), optional
        Who is in the published matched set.
    """
    times, landmarks = report_times(study, cohorts[0]), study.report.landmarks
    return comparators_of_cohorts.deferred(folder, cohorts, *times, landmarks, evidence, matched)


@cached(FRAME)
def comparators_of_cohorts(
    cohorts: Sequence[Cohort],
    horizon: float,
    times: tuple[float, ...],
    landmarks: Sequence[float],
    evidence: Evidence | None,
    matched: np.ndarray | None,
) -> pd.DataFrame:
    """Return the comparators of cohorts, the mean over several; arguments as in `frequentist_analysis`."""
    tables = [
        comparators(cohort, horizon, times) if cohort.counts is None else counted_comparators(cohort)
        for cohort in cohorts
    ]
    if evidence is None and cohorts[0].counts is None:
        tables = [
            with_own_matching(table, cohort, landmarks) for table, cohort in zip(tables, cohorts, strict=True)
        ]
    if evidence is not None and matched is not None:
        tables = [
            published_comparators(table, cohort, inside, evidence)
            for table, cohort, inside in zip(tables, cohorts, matched, strict=True)
        ]
    return pooled_comparators(tables, imputed=evidence is None)
