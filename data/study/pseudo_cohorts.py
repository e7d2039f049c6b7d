"""Cohorts of pseudo-patients, each validated like any other cohort."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.study.cell_checks import check_cells, read_cells
from data.study.close_times import with_equal_times
from data.study.cohort import Cohort, cohort_of, recorded_cells
from data.study.problems import Problems
from data.study.study import Study


def of_pseudo_patients(text: str) -> str:
    r"""A text about patients as one about pseudo-patients: those who were never there are always called so.

    Examples
    --------
    >>> of_pseudo_patients("Patients of each arm; a patient at risk")
    'Pseudo-patients of each arm; a pseudo-patient at risk'
    >>> of_pseudo_patients("pseudo-\npatients")
    'pseudo-\npatients'
    """
    return re.sub(
        r"(?<![\w-])(?<!-\n)(P|p)atient(s?)\b",
        lambda found: ("Pseudo-patient" if found[1] == "P" else "pseudo-patient") + found[2],
        text,
    )


def words_for(study: Study) -> Callable[[str], str] | None:
    """Return what says a text about the patients of a study as it must be said; None where nothing is said otherwise."""
    return of_pseudo_patients if study.cohort.source == "reconstruction" else None


@dataclass(frozen=True, eq=False)
class PseudoCohorts:
    """Reconstructed cohorts of one study."""

    cohorts: tuple[Cohort, ...]  # all of the same size
    matched: np.ndarray  # (cohort, patient) bool: who is in the published matched set


def pseudo_cohorts(patients: pd.DataFrame, study: Study, origin: str) -> PseudoCohorts:
    """The cohorts of a reconstruction.

    Parameters
    ----------
    patients : DataFrame
        `cohort`, `matched`, and the columns that the study names.
    study : Study
    origin : str
        Where they come from, for messages.

    Raises
    ------
    InputError
        If a cohort is not as the study says.
    """
    problems = Problems(origin)
    cells = read_cells(patients, study, problems)  # of all cohorts at once, which takes a tenth of the time
    check_cells(cells, study, problems)
    problems.raise_if_any()
    numbers = patients["cohort"].to_numpy()
    rows = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
    cohorts = []
    for inside in rows:
        problems = Problems(f"{origin}, cohort {numbers[inside[0]]}")
        own = with_equal_times(cells.iloc[inside].reset_index(drop=True), study, problems)
        cohorts.append(cohort_of(recorded_cells(own, study, problems), study))
    return PseudoCohorts(
        tuple(cohorts), np.stack([patients["matched"].to_numpy()[inside] == 1 for inside in rows])
    )


def settle(study: Study, cohorts: Sequence[Cohort]) -> Study:
    """The study with the choices made that would otherwise follow from each cohort by itself.

    Several cohorts of one study must share their intervals, horizon and times, or they could not be pooled. Intervals
    of equal numbers of events are those of all cohorts together; horizon and times suit the shortest follow-up.
    """
    baseline, report = study.baseline, study.report
    if baseline.cutpoints is None and baseline.intervals is not None:
        times = np.concatenate([cohort.time[cohort.event] for cohort in cohorts])
        cuts = np.unique(np.quantile(times, np.arange(1, baseline.intervals) / baseline.intervals))
        baseline = baseline.model_copy(update={"cutpoints": tuple(cuts.tolist()), "intervals": None})
    if report.horizon is None:
        last = min(
            float(min(cohort.time[cohort.treatment].max(), cohort.time[~cohort.treatment].max()))
            for cohort in cohorts
        )
        report = report.model_copy(update={"horizon": float(f"{0.95 * last:.2g}")})
    if not report.times and report.horizon is not None:
        report = report.model_copy(update={"times": tuple(report.horizon * k / 3 for k in (1, 2, 3))})
    return study.model_copy(update={"baseline": baseline, "report": report})
