"""What each column of a cohort must hold, checked cell by cell."""

from collections.abc import Callable
from difflib import get_close_matches
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd
import pandera.pandas as pa

from data.study.cells import canonical, known_numbers, numbers, ranges, temporal, texts, truth_values
from data.study.problems import Problems
from data.study.study import Study
from data.study.time_units import UNITS_PER_MONTH, carried

TRUE = ("1", "true", "yes")
FALSE = ("0", "false", "no")
MISSING_CELL = (
    "must be given for every patient, but cells are missing; fill them in or leave the patients out"
)
MISSING_COVARIATE = (
    'must be given for every patient, but cells are missing; write method = "impute" (or "complete", which leaves the patients out) '
    "under [missing] in the study file, or fill them in"
)


def read_cells(frame: pd.DataFrame, study: Study, problems: Problems) -> pd.DataFrame:
    """The declared columns, as numbers or text; what is missing or twice there goes to the problems.

    Columns go by their name in the file. Numeric ones hold floats, or text where a cell is no number.
    """
    found = [str(name).strip() for name in frame.columns]
    cells, declared = {}, _declared(study)
    # must be there, and enter no model
    subgroups = dict.fromkeys(study.report.subgroups, "[report] subgroups")
    for column, key in (subgroups | declared).items():
        if found.count(column) == 1:
            if column in declared:
                as_found = frame.iloc[:, found.index(column)].reset_index(drop=True)
                held = temporal(as_found) if _numeric(column, study) else None
                if held:
                    problems.add(f"column '{column}' ({key}) {_in_numbers(column, held, study)}")
                else:
                    cells[column] = _read(as_found, column, study)
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
    truths = {name for name in cells.columns if name in study.covariates and truth_values(cells[name])}
    columns = {
        str(column): pa.Column(nullable=_may_lack(str(column), study))
        if column in truths and _numeric(str(column), study)
        else _schema(str(column), study)
        for column in cells.columns
    }
    for name in study.covariates:
        if name in cells and _may_lack(name, study) and cells[name].isna().all():
            problems.add(
                f"column '{name}' must have a cell that is not missing; take it out of the study file"
            )
    schema = pa.DataFrameSchema(columns)
    try:
        with catch_warnings():
            simplefilter("ignore", FutureWarning)  # pandera joins tables of failures without any value
            schema.validate(cells, lazy=True)
    except pa.errors.SchemaErrors as error:
        failures = error.failure_cases.astype({"index": int}).sort_values("index")
        for (column, check), cases in failures.groupby(["column", "check"], sort=False):
            missing = MISSING_COVARIATE if column in study.covariates else MISSING_CELL
            must = missing if check == "not_nullable" else check
            found = None if check == "not_nullable" else cases["failure_case"].tolist()
            problems.add_rows(column, must, cases["index"].to_numpy(), found)


def _declared(study: Study) -> dict[str, str]:
    """Columns that the study needs, with the key that names each."""
    roles = {column: f"[cohort.columns] {role}" for role, column in study.cohort.columns.used().items()}
    score = {study.propensity.score: "[propensity] score"} if study.propensity.score else {}
    return roles | {name: f"[covariates] {name}" for name in study.covariates} | score


def _numeric(name: str, study: Study) -> bool:
    """Whether a column holds a continuous covariate or times."""
    if name in study.covariates:
        return study.covariates[name].levels is None
    roles = study.cohort.columns
    return name in (roles.time, roles.entry, roles.treatment_start, study.propensity.score)


def _in_numbers(name: str, held: str, study: Study) -> str:
    """What a column of dates or durations must hold instead."""
    unit = "years" if name in study.covariates else study.time_unit
    days = UNITS_PER_MONTH["days"] / UNITS_PER_MONTH[unit] if unit in UNITS_PER_MONTH else None
    written = f", the days divided by {days:g}" if days and unit != "days" else ""
    what = f"time between two dates in {unit}" if held == "dates" else f"durations in {unit}"
    return f"must be numbers, but holds {held}; write the {what} as a number{written}"


def _read(column: pd.Series, name: str, study: Study) -> pd.Series:
    """The cells of a column; a covariate of true and false that is declared without levels has these two."""
    roles = study.cohort.columns
    if _numeric(name, study):
        return texts(column) if name in study.covariates and truth_values(column) else numbers(column)
    if name in study.covariates:
        covariate = study.covariates[name]
        return ranges(column, covariate.bins) if covariate.bins else texts(column, covariate.levels or ())
    # an arm without treatment is often written "None", which then is a value and not a gap
    return texts(column, kept=("none", study.treatment.treated) if name == roles.treatment else ())


def _may_lack(name: str, study: Study) -> bool:
    """Whether cells of a column may be missing: those of a covariate that is imputed, or whose patients are left out."""
    return name in study.covariates and study.missing.method != "refuse"


def _schema(name: str, study: Study) -> pa.Column:
    """Checks of one column; each passes what an earlier one has already refused."""
    roles, lacks = study.cohort.columns, _may_lack(name, study)
    if name in study.covariates:
        levels = study.covariates[name].levels
        if levels is not None:
            known = set(map(canonical, levels))
            must = f"must be one of its levels in the study file ({', '.join(levels)})"
            known_or_missing = pa.Check(lambda cells: cells.isin(known) | cells.isna(), error=must)
            return pa.Column(checks=[known_or_missing], nullable=lacks)
        return pa.Column(checks=_number_checks("; or list its levels in the study file"), nullable=lacks)
    if name == study.propensity.score:
        if study.propensity.score_scale == "linear":
            return pa.Column(checks=_number_checks())
        must = "must be a probability above 0 and below 1; nobody whose treatment is certain can be compared, leave the patient out"
        return pa.Column(checks=[*_number_checks(), _range(must, lambda score: (score > 0) & (score < 1))])
    if name == roles.time:
        unit = study.time_unit
        half = f", {carried(0.5, 'days', unit):.2g}" if unit in UNITS_PER_MONTH else ""
        must = f"must be above 0; where the event came on day 0, write half a day{half}"
        return pa.Column(checks=[*_number_checks(), _range(must, lambda time: time > 0)])
    if name in (roles.entry, roles.treatment_start):
        checks = [*_number_checks(), _range("must be 0 or later", lambda time: time >= 0)]
        return pa.Column(checks=checks, nullable=name == roles.treatment_start)
    if name == roles.event:
        must = "must be 0 or 1, true or false, yes or no"
        return pa.Column(checks=[pa.Check(lambda cells: cells.str.lower().isin(TRUE + FALSE), error=must)])
    return pa.Column()


def _number_checks(otherwise: str = "") -> list[pa.Check]:
    return [
        pa.Check(
            lambda cells: known_numbers(cells).notna() | cells.isna(),
            error=f"must be a number, written like 12.5{otherwise}",
        ),
        pa.Check(lambda cells: ~np.isinf(known_numbers(cells)), error="must be finite"),
    ]


def _range(must: str, inside: Callable[[pd.Series], pd.Series]) -> pa.Check:
    def check(cells: pd.Series) -> pd.Series:
        values = known_numbers(cells)
        return ~np.isfinite(values) | inside(values)

    return pa.Check(check, error=must)
