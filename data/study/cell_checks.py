"""What each column of a cohort must hold, checked cell by cell."""

from collections.abc import Callable
from difflib import get_close_matches
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd
import pandera.pandas as pa

from data.study.cells import canonical, known_numbers, numbers, texts
from data.study.problems import Problems
from data.study.study import Study

TRUE = ("1", "true", "yes")
FALSE = ("0", "false", "no")
MISSING_CELL = (
    "must be given for every patient, but cells are missing; fill them in or leave the patients out"
)


def read_cells(frame: pd.DataFrame, study: Study, problems: Problems) -> pd.DataFrame:
    """The declared columns, as numbers or text; what is missing or twice there goes to the problems.

    Parameters
    ----------
    frame : DataFrame
        Cells of any type.
    study : Study
    problems : Problems

    Returns
    -------
    DataFrame
        Columns by their name in the file. Numeric columns hold floats, or text where a cell is no number.
    """
    found = [str(name).strip() for name in frame.columns]
    cells, declared = {}, _declared(study)
    for column, key in (_subgroups(study) | declared).items():
        if found.count(column) == 1:
            if column in declared:
                cells[column] = _read(
                    frame.iloc[:, found.index(column)].reset_index(drop=True), column, study
                )
        elif column in found:
            problems.add(
                f"column '{column}' must be there once, but found {found.count(column)} of that name"
            )
        else:
            close = get_close_matches(column, found, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            listed = ", ".join(found[:40]) + (", ..." if len(found) > 40 else "")
            problems.add(f"column '{column}' ({key}) is missing{hint}; columns found: {listed or 'none'}")
    return pd.DataFrame(cells)


def check_cells(cells: pd.DataFrame, study: Study, problems: Problems) -> None:
    """Note every cell that is missing, of another type, out of range or of an unknown level."""
    schema = pa.DataFrameSchema({str(column): _schema(str(column), study) for column in cells.columns})
    try:
        with catch_warnings():
            simplefilter("ignore", FutureWarning)  # pandera joins tables of failures without any value
            schema.validate(cells, lazy=True)
    except pa.errors.SchemaErrors as error:
        failures = error.failure_cases.astype({"index": int}).sort_values("index")
        for (column, check), cases in failures.groupby(["column", "check"], sort=False):
            must = MISSING_CELL if check == "not_nullable" else check
            found = None if check == "not_nullable" else cases["failure_case"].tolist()
            problems.add_rows(column, must, cases["index"].to_numpy(), found)


def _declared(study: Study) -> dict[str, str]:
    """Columns that the study needs, with the key that names each."""
    roles = {column: f"[cohort.columns] {role}" for role, column in study.cohort.columns.used().items()}
    return roles | {name: f"[covariates] {name}" for name in study.covariates}


def _subgroups(study: Study) -> dict[str, str]:
    """Columns that only name subgroups: they must be there, and enter no model."""
    return dict.fromkeys(study.report.subgroups, "[report] subgroups")


def _read(column: pd.Series, name: str, study: Study) -> pd.Series:
    roles = study.cohort.columns
    if name in study.covariates:
        levels = study.covariates[name].levels
        return numbers(column) if levels is None else texts(column, kept=levels)
    if name in (roles.time, roles.entry, roles.treatment_start):
        return numbers(column)
    # an arm without treatment is often written "None", which then is a value and not a gap
    return texts(column, kept=("none", study.treatment.treated) if name == roles.treatment else ())


def _schema(name: str, study: Study) -> pa.Column:
    """Checks of one column; each passes what an earlier one has already refused."""
    roles = study.cohort.columns
    if name in study.covariates:
        levels = study.covariates[name].levels
        if levels is not None:
            known = set(map(canonical, levels))
            must = f"must be one of its levels in the study file ({', '.join(levels)})"
            return pa.Column(checks=[pa.Check(lambda cells: cells.isin(known), error=must)])
        return pa.Column(checks=_number_checks())
    if name == roles.time:
        return pa.Column(checks=[*_number_checks(), _range("must be above 0", lambda time: time > 0)])
    if name in (roles.entry, roles.treatment_start):
        checks = [*_number_checks(), _range("must be 0 or later", lambda time: time >= 0)]
        return pa.Column(checks=checks, nullable=name == roles.treatment_start)
    if name == roles.event:
        must = "must be 0 or 1, true or false, yes or no"
        return pa.Column(checks=[pa.Check(lambda cells: cells.str.lower().isin(TRUE + FALSE), error=must)])
    return pa.Column()


def _number_checks() -> list[pa.Check]:
    return [
        pa.Check(
            _all_numbers,
            error="must be a number, written like 12.5",
        ),
        pa.Check(lambda cells: ~np.isinf(known_numbers(cells)), error="must be finite"),
    ]


def _all_numbers(cells: pd.Series) -> pd.Series:
    return known_numbers(cells).notna() | cells.isna()


def _range(must: str, inside: Callable[[pd.Series], pd.Series]) -> pa.Check:
    def check(cells: pd.Series) -> pd.Series:
        values = known_numbers(cells)
        return ~np.isfinite(values) | inside(values)

    return pa.Check(check, error=must)
