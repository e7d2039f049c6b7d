"""Cohort: the patients of a study after every check; holding one means that it passed."""

from dataclasses import dataclass
from warnings import warn

import numpy as np
import pandas as pd

from data.errors import CohortWarning, InputError
from data.study.cell_checks import TRUE, check_cells, read_cells
from data.study.cells import TRUTH, canonical, texts, truth_values
from data.study.close_times import with_equal_times
from data.study.content import content_hash
from data.study.counts import Counts
from data.study.formulas import Design, build_design
from data.study.patient_checks import check_patients, warn_of_arms, warn_of_outcomes
from data.study.problems import Problems
from data.study.study import Study


@dataclass(frozen=True, eq=False)
class Cohort:
    """Validated patients, with the design matrices of the study's two regressions.

    Made only by `validate_cohort`, and from one of those by `data/study/subcohorts.py`. Arrays are read-only and have one entry for each patient.

    Attributes
    ----------
    study, time_unit, treated_label, control_label : str
        From the study file.
    patient : ndarray of str
        Identifiers; row numbers from 1 where the study has none.
    time : ndarray of float
        Time to the event or to the end of follow-up, above 0.
    event : ndarray of bool
        True for a death, or whatever the study's event is.
    treatment : ndarray of bool
        True for a treated patient.
    entry : ndarray of float
        When the patient came under observation, 0 <= entry < time; 0 without delayed entry.
    treatment_start : ndarray of float or None
        When treatment began, NaN for the never treated; None where the study does not say.
    covariates : DataFrame (patient, covariate)
        Floats, and categories with the levels of the study in their order. Not to be changed.
    outcome, propensity : Design
        Centred columns of the outcome and of the treatment model.
    sha256 : str
        Of the patients and the designs: equal for equal patients, whatever the labels.
    counts : Counts or None
        Where each row stands for the patients of one covariate pattern and arm (`data/aggregate/cohort.py`); None where it is a patient.
    """

    study: str
    time_unit: str
    treated_label: str
    control_label: str
    patient: np.ndarray
    time: np.ndarray
    event: np.ndarray
    treatment: np.ndarray
    entry: np.ndarray
    treatment_start: np.ndarray | None
    covariates: pd.DataFrame
    outcome: Design
    propensity: Design
    sha256: str
    counts: Counts | None = None

    @property
    def size(self) -> int:
        """Number of rows: of patients, unless rows are counts."""
        return len(self.time)

    @property
    def patients(self) -> int:
        """Number of patients."""
        return self.size if self.counts is None else int(self.counts.patients.sum())

    @property
    def events(self) -> int:
        """Number of patients with the event."""
        return int((self.event if self.counts is None else self.counts.deaths).sum())


def validate_cohort(frame: pd.DataFrame, study: Study, origin: str) -> Cohort:
    """The patients of a table, after every check.

    Parameters
    ----------
    frame : DataFrame
        One row for each patient; cells may be text. Columns that the study does not declare are ignored.
    study : Study
        Which column holds what.
    origin : str
        Where the table comes from, for messages.

    Raises
    ------
    InputError
        If anything is wrong with the patients: all problems together, with counts and first rows. If that is
        right and a design matrix is not: that, with the formula.

    Warns
    -----
    CohortWarning
        If an arm has no event, a covariate is nearly the outcome, columns of a design are collinear, or times are equal but for their last digits.
    """
    recorded = recorded_patients(frame, study, origin)
    if recorded.covariates.isna().to_numpy().any() and study.missing.method == "complete":
        return complete_cases(recorded, study, origin)
    return cohort_of(recorded, study)


@dataclass(frozen=True, eq=False)
class Recorded:
    """Patients after every check, without design matrices; cells of covariates may be missing where the study file says so."""

    # (patient,) by attribute of `Cohort`: patient, time, event, treatment, entry
    patients: dict[str, np.ndarray]
    treatment_start: np.ndarray | None  # (patient,)
    covariates: pd.DataFrame  # (patient, covariate)
    score: np.ndarray | None = None  # (patient,) linear predictor of treatment from elsewhere


def recorded_patients(frame: pd.DataFrame, study: Study, origin: str) -> Recorded:
    """The patients of a table, after every check; arguments, errors and warnings as of `validate_cohort`."""
    if frame.empty:
        raise InputError(f"{origin}: the cohort must hold patients, but found none.")
    problems = Problems(origin, _identifiers(frame, study))
    cells = with_equal_times(read_cells(frame, study, problems), study, problems)
    check_cells(cells, study, problems)
    recorded = recorded_cells(cells, study, problems)
    warn_of_outcomes(recorded.covariates, recorded.patients["time"], recorded.patients["event"], origin)
    return recorded


def recorded_cells(cells: pd.DataFrame, study: Study, problems: Problems) -> Recorded:
    """The patients of cells that were read and checked one by one, after the checks between them; with the problems found before."""
    origin = problems.origin
    check_patients(cells, study, problems)
    problems.raise_if_any()
    patients = _typed_patients(cells, study)
    warn_of_arms(patients["event"], patients["treatment"], study, origin)
    return Recorded(patients, _starts(cells, study), _typed_covariates(cells, study), _score(cells, study))


def complete_cases(recorded: Recorded, study: Study, origin: str) -> Cohort:
    """The cohort of the patients who lack no cell of a covariate.

    Raises
    ------
    InputError
        If an arm, or all events, are left out with the others.

    Warns
    -----
    CohortWarning
        How many patients are left out, and why.
    """
    whole = recorded.covariates.notna().to_numpy().all(axis=1)
    patients = {name: read_only(array[whole]) for name, array in recorded.patients.items()}
    treatment, event = patients["treatment"], patients["event"]
    if not (treatment.any() and (~treatment).any() and event.any()):
        raise InputError(
            f"{origin}: patients without a missing cell must be of both arms and have events, but found {treatment.sum()} treated, "
            f'{(~treatment).sum()} untreated, {event.sum()} events; write method = "impute" under [missing], or take covariates out'
        )
    counts = recorded.covariates.isna().sum()
    listed = ", ".join(f"{name} {count}" for name, count in counts[counts > 0].items())
    warn(
        f"{origin}: {(~whole).sum()} of {len(whole)} patients are left out, because cells are missing: {listed}.",
        CohortWarning,
        stacklevel=3,
    )
    start, score = (
        None if one is None else read_only(one[whole]) for one in (recorded.treatment_start, recorded.score)
    )
    covariates = recorded.covariates[whole].reset_index(drop=True)
    return cohort_of(Recorded(patients, start, covariates, score), study)


def cohort_of(recorded: Recorded, study: Study) -> Cohort:
    """The cohort of recorded patients, with its design matrices.

    Raises
    ------
    InputError
        If a design matrix cannot be had: with the formula.
    """
    covariates = recorded.covariates
    outcome = build_design(study.outcome.formula, covariates, f"{study.file}: [outcome] formula")
    propensity = outcome
    if study.propensity.formula != study.outcome.formula:
        propensity = build_design(study.propensity.formula, covariates, f"{study.file}: [propensity] formula")
    if recorded.score is not None:
        propensity = propensity.with_score(str(study.propensity.score), recorded.score)
    hashed = recorded.patients | {"treatment_start": recorded.treatment_start}
    return Cohort(
        study=study.name,
        time_unit=study.time_unit,
        treated_label=study.treatment.treated_label,
        control_label=study.treatment.control_label,
        **recorded.patients,
        treatment_start=recorded.treatment_start,
        covariates=covariates,
        outcome=outcome,
        propensity=propensity,
        sha256=content_hash(hashed, covariates, {"outcome": outcome, "propensity": propensity}),
        counts=None,
    )


def _identifiers(frame: pd.DataFrame, study: Study) -> list[str | None] | None:
    """Identifiers for messages, if there is one column of them."""
    place = [
        number for number, name in enumerate(frame.columns) if str(name).strip() == study.cohort.columns.id
    ]
    return texts(frame.iloc[:, place[0]]).tolist() if len(place) == 1 else None


def _typed_patients(cells: pd.DataFrame, study: Study) -> dict[str, np.ndarray]:
    """Arrays by attribute of `Cohort`, from cells that passed."""
    roles = study.cohort.columns
    size = len(cells)
    patients = {
        "patient": np.array(cells[roles.id] if roles.id else np.arange(1, size + 1), dtype=str),
        "time": cells[roles.time].to_numpy(float),
        "event": cells[roles.event].str.lower().isin(TRUE).to_numpy(bool),
        "treatment": (cells[roles.treatment] == canonical(study.treatment.treated)).to_numpy(bool),
        "entry": cells[roles.entry].to_numpy(float) if roles.entry else np.zeros(size),
    }
    return {name: read_only(array) for name, array in patients.items()}


def _starts(cells: pd.DataFrame, study: Study) -> np.ndarray | None:
    column = study.cohort.columns.treatment_start
    return read_only(cells[column].to_numpy(float)) if column else None


def _score(cells: pd.DataFrame, study: Study) -> np.ndarray | None:
    """The score from elsewhere as a linear predictor of treatment."""
    if study.propensity.score is None:
        return None
    score = cells[study.propensity.score].to_numpy(float)
    return read_only(score if study.propensity.score_scale == "linear" else np.log(score) - np.log1p(-score))


def _typed_covariates(cells: pd.DataFrame, study: Study) -> pd.DataFrame:
    columns = {}
    for name, covariate in study.covariates.items():
        if covariate.levels is None and truth_values(cells[name]):
            columns[name] = pd.Categorical(cells[name], categories=list(TRUTH))
        elif covariate.levels is None:
            columns[name] = cells[name].astype(float)
        else:
            spelled = {canonical(level): level for level in covariate.levels}
            columns[name] = pd.Categorical(cells[name].map(spelled), categories=list(covariate.levels))
    return pd.DataFrame(columns, index=cells.index)


def read_only(array: np.ndarray) -> np.ndarray:
    """A copy of an array that cannot be changed."""
    array = np.array(array)
    array.flags.writeable = False
    return array
