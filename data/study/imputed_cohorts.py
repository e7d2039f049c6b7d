"""Cohorts of a study whose covariates have missing cells: completed by imputation, complete cases, and shifted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd

from data.errors import InputError
from data.study.cohort import Cohort, Recorded, cohort_of, complete_cases, recorded_patients, validate_cohort
from data.study.imputation import impute
from data.study.imputed_outcome import Outcome
from data.study.sources import load_table
from data.study.study import Study


@dataclass(frozen=True, eq=False)
class Imputation:
    """What was imputed, and the cohorts that stand beside the completed ones."""

    observed: pd.DataFrame  # (patient, covariate) as recorded, with missing cells
    # (imputation, cycle) means of imputed values, from `data.study.imputation.impute`
    trace: Mapping[str, np.ndarray]
    complete: Cohort | None  # patients without a missing cell; None where they cannot be analysed
    # the completed cohorts with imputed values shifted by the study's `delta`; empty where it states none
    shifted: tuple[Cohort, ...]

    @property
    def cells(self) -> dict[str, int]:
        """Number of missing cells of each covariate that has any."""
        counts = self.observed.isna().sum()
        return {str(name): int(count) for name, count in counts[counts > 0].items()}

    @property
    def incomplete(self) -> int:
        """Number of patients who lack a cell."""
        return int(self.observed.isna().to_numpy().any(axis=1).sum())


def load_cohorts(study: Study, imputations: int, seed: int) -> tuple[tuple[Cohort, ...], Imputation | None]:
    """The cohorts of a study that has patients: one, or where cells are imputed, one for each imputation.

    Parameters
    ----------
    study : Study
    imputations, seed : int
        Of covariates with missing cells, where the study file says that they are imputed.

    Raises
    ------
    InputError
        As `data.study.sources.load_cohort`.
    """
    table, study, origin = load_table(study)
    if study.missing.method != "impute":
        return (validate_cohort(table, study, origin),), None
    recorded = recorded_patients(table, study, origin)
    if not recorded.covariates.isna().to_numpy().any():
        return (cohort_of(recorded, study),), None
    _refuse_what_cannot_be_imputed(recorded, study, imputations)
    known = recorded.patients
    outcome = Outcome(known["time"], known["event"], known["entry"], known["treatment"])
    imputed = impute(recorded.covariates, outcome, imputations, seed)
    cohorts = tuple(_completed(recorded, covariates, study) for covariates in imputed.covariates)
    shifted = tuple(
        _completed(recorded, _shifted(covariates, recorded.covariates, study.missing.delta), study)
        for covariates in (imputed.covariates if study.missing.delta else ())
    )
    return cohorts, Imputation(
        recorded.covariates, imputed.trace, _complete(recorded, study, origin), shifted
    )


def _refuse_what_cannot_be_imputed(recorded: Recorded, study: Study, imputations: int) -> None:
    """Raise InputError for a single imputation, and for a shift of what is no number."""
    factors = [
        name
        for name in study.missing.delta
        if isinstance(recorded.covariates[name].dtype, pd.CategoricalDtype)
    ]
    if factors:
        raise InputError(
            f"{study.file}: [missing] delta must name continuous covariates, but found {', '.join(factors)}, which hold true and "
            "false; take them out"
        )
    if imputations < 2:
        raise InputError(
            f"--cohorts must be at least 2 where missing cells are imputed, but found {imputations}: one imputation does not show what "
            "they cost"
        )


def _completed(recorded: Recorded, covariates: pd.DataFrame, study: Study) -> Cohort:
    return cohort_of(replace(recorded, covariates=covariates), study)


def _shifted(completed: pd.DataFrame, observed: pd.DataFrame, delta: Mapping[str, float]) -> pd.DataFrame:
    """Return completed covariates with a constant added to the imputed values."""
    columns = {name: completed[name] + shift * observed[name].isna() for name, shift in delta.items()}
    return completed.assign(**columns)


def _complete(recorded: Recorded, study: Study, origin: str) -> Cohort | None:
    """Return the complete cases; None where they are too few, or some covariate does not vary in them."""
    try:
        with catch_warnings():
            simplefilter("ignore")  # the page says how many they are
            return complete_cases(recorded, study, origin)
    except InputError:
        return None
