"""What the columns of a cohort must be to each other."""

from difflib import get_close_matches
from warnings import warn

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from data.errors import CohortWarning
from data.study.cell_checks import TRUE
from data.study.cells import canonical, known_numbers
from data.study.problems import Problems
from data.study.study import Study

ENTRY = "leave out who was never under observation, or move the entry half a day back"
# correlation with the outcome that no covariate known before it has, in so many patients
NEARLY, ENOUGH = 0.9, 30
START = "where both fall on one day, move the start half a day back"


def check_patients(cells: pd.DataFrame, study: Study, problems: Problems) -> None:
    """Note what is wrong between columns: arms, events, order of times, identifiers.

    Cells are as `data.study.cell_checks.read_cells` gives them; those that are wrong on their own are passed over.
    """
    roles = study.cohort.columns
    if roles.treatment in cells:
        _check_arms(cells[roles.treatment], study, problems)
    if roles.event in cells and not cells[roles.event].dropna().str.lower().isin(TRUE).any():
        problems.add(f"column '{roles.event}' must hold at least one event, but found none")
    if roles.id in cells:
        _check_ids(cells[roles.id], problems)
    if roles.time not in cells:
        return
    time = known_numbers(cells[roles.time]).to_numpy()
    _check_cutpoints(time, study, problems)
    if roles.entry and roles.entry in cells:
        _check_before(roles.entry, cells[roles.entry], roles.time, time, problems, ENTRY)
    if roles.treatment_start and roles.treatment_start in cells:
        _check_before(roles.treatment_start, cells[roles.treatment_start], roles.time, time, problems, START)
        if roles.treatment in cells:
            _check_starts(cells, study, problems)


def warn_of_arms(event: np.ndarray, treatment: np.ndarray, study: Study, origin: str) -> None:
    """Warn if an arm has no event: its curve then rests on the model and the priors."""
    labels = {True: study.treatment.treated_label, False: study.treatment.control_label}
    for arm, label in labels.items():
        if not event[treatment == arm].any():
            warn(
                f"{origin}: no event among {(treatment == arm).sum()} patients of arm '{label}'; "
                "the effect then rests on the priors.",
                CohortWarning,
                stacklevel=3,
            )


def warn_of_outcomes(covariates: pd.DataFrame, time: np.ndarray, event: np.ndarray, origin: str) -> None:
    """Warn of a covariate that is nearly the event or the time: it is known after the outcome only."""
    if len(time) < ENOUGH:
        return
    outcomes = {"event": event.astype(float), "time": rankdata(time)}
    for name, column in covariates.items():
        kinds = isinstance(column.dtype, pd.CategoricalDtype)
        columns = pd.get_dummies(column).to_numpy(float) if kinds else column.rank().to_numpy()[:, None]
        columns = columns[:, columns.std(axis=0) > 0]
        for key, outcome in outcomes.items():
            if outcome.std() and any(abs(np.corrcoef(one, outcome)[0, 1]) > NEARLY for one in columns.T):
                warn(
                    f"{origin}: covariate '{name}' is nearly the {key} (correlation above {NEARLY:g}); one that is known after "
                    "treatment began only must not be adjusted for: take it out of the formulas",
                    CohortWarning,
                    stacklevel=3,
                )


def _check_arms(cells: pd.Series, study: Study, problems: Problems) -> None:
    treated = canonical(study.treatment.treated)
    counts = cells.value_counts()
    listed = ", ".join(f"'{value}' ({count})" for value, count in counts.head(10).items())
    listed += ", ..." if len(counts) > 10 else ""
    if len(counts) > 2:
        problems.add(
            f"column '{cells.name}' must hold two values, one of them '{treated}', but found {len(counts)}: "
            f"{listed}; leave the other patients out"
        )
    elif len(counts) and treated not in counts:
        close = get_close_matches(str(treated), counts.index, n=1, cutoff=0.4)
        hint = f"; did you mean treated = '{close[0]}'?" if close else ""
        problems.add(
            f"column '{cells.name}' must hold '{treated}' ([treatment] treated), but found {listed}{hint}"
        )
    elif len(counts) == 1:
        problems.add(f"column '{cells.name}' must hold two arms, but found one: {listed}")


def _check_ids(cells: pd.Series, problems: Problems) -> None:
    rows = np.flatnonzero(cells.duplicated(keep=False) & cells.notna())
    if len(rows):
        must = "must be different for every patient, but values are repeated; one row is one patient"
        problems.add_rows(str(cells.name), must, rows, cells.iloc[rows].tolist())


def _check_cutpoints(time: np.ndarray, study: Study, problems: Problems) -> None:
    cutpoints = study.baseline.cutpoints
    known = time[np.isfinite(time)]
    if cutpoints and len(known) and cutpoints[-1] >= known.max():
        problems.add(
            f"[baseline] cutpoints of {study.file} must lie below the last time, {known.max():g}, "
            f"but found {cutpoints[-1]:g}; remove it"
        )


def _check_before(
    name: str, cells: pd.Series, time_name: str, time: np.ndarray, problems: Problems, fix: str
) -> None:
    values = known_numbers(cells).to_numpy()
    rows = np.flatnonzero((values >= time) & np.isfinite(values) & np.isfinite(time) & (time > 0))
    if len(rows):
        found = [f"{values[row]:g} >= {time[row]:g}" for row in rows]
        must = f"must be before '{time_name}'; {fix}"
        problems.add_rows(name, must, rows, found)


def _check_starts(cells: pd.DataFrame, study: Study, problems: Problems) -> None:
    roles = study.cohort.columns
    arm, start = cells[roles.treatment], cells[roles.treatment_start]
    treated = arm == canonical(study.treatment.treated)
    for wrong, must in (
        (treated & start.isna(), "must be given for every treated patient, but is missing"),
        (~treated & arm.notna() & start.notna(), "must be empty for every untreated patient, but is given"),
    ):
        if wrong.any():
            problems.add_rows(str(roles.treatment_start), must, np.flatnonzero(wrong))
