"""The first draft of a study file, from the columns of a table."""

import json
import re
from hashlib import sha256
from pathlib import Path

from data.errors import InputError
from data.files import expand, read_bytes
from data.study.column_guesses import (
    MOST_LEVELS,
    ColumnFacts,
    column_facts,
    further_endpoints,
    guess_roles,
    guess_treated,
)
from data.study.formula_names import in_formula
from data.study.sources import read_table

FILL_IN = "FILL IN"
OPTIONAL = {
    "entry": "time when the patient came under observation",
    "treatment_start": "time when treatment began; empty for the never treated",
    "id": "identifier of the patient",
}


def draft_study(path: str | Path, name: str) -> str:
    """The text of a commented study file for a table of patients.

    What the columns do not tell is left empty on a line marked FILL IN; until it is filled in, loading
    the study says which key is empty.

    Parameters
    ----------
    path : str or Path
        A csv or parquet file.
    name : str
        Name of the study: a plain folder name.

    Raises
    ------
    InputError
        If the file cannot be read or holds no patients, or the name is no plain folder name.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise InputError(f"NAME must be a plain folder name of a-z, 0-9, _ and -, but found '{name}'.")
    file = expand(path)
    content = read_bytes(file)
    frame = read_table(content, str(file))
    if frame.empty:
        raise InputError(f"{file}: the cohort must hold patients, but found none.")
    columns = column_facts(frame)
    roles = guess_roles(columns)
    rest = [column for column in columns if column not in roles.values()]
    endpoints = further_endpoints(columns, roles)
    unfit = {column.name: _unfit(column) or endpoints.get(column.name) for column in rest}
    covariates = [column for column in rest if not unfit[column.name]]
    formula = _quoted(" + ".join(in_formula(column.name) for column in covariates) or "1")
    text = f"""\
name = {_quoted(name)}
title = {_quoted(name)}                        # printed above the report
citation = ""                          # where the data come from, such as a DOI
question = ""                          # what the study asks, in one sentence
{_unit_line(roles)}

[cohort]
source = "file"
path = {_quoted(str(file.absolute()))}  # csv or parquet; may be relative to this file
sha256 = "{sha256(content).hexdigest()}"  # remove this line if the file may change

[cohort.columns]
{_role_lines(roles, columns)}

[treatment]
{_treated_line(roles)}
treated_label = "Treated"
control_label = "Control"

# A continuous covariate is {{}}, with unit and label if you like; a categorical one lists its levels, of
# which the first is the reference.
[covariates]
{_covariate_lines(rest, unfit)}
{_missing_lines(covariates)}
# What decided who was treated, and what decides the outcome: terms in the syntax of formulaic, such as
# log(x), scale(x) or a:b. Leave out what happened after treatment began.
[propensity]
formula = {formula}
[outcome]
formula = {formula}

[baseline]
intervals = 10                         # with equal numbers of events; or cutpoints = [12, 36, 60]
smoothing = "random_walk"              # or "independent"

# Times are chosen from the follow-up; to choose them yourself:
# [report]
# horizon = 60                         # of the restricted mean survival time
# times = [12, 36, 60]                 # of the survival probabilities
# subgroups = ["grade"]                # columns of the table
"""
    unknown = f"# Lines marked {FILL_IN} could not be guessed.\n" if FILL_IN in text else ""
    source = f"{len(frame)} rows of {_quoted(file.name)}"
    return f"# Draft of a study file, guessed from {source}. Check every line.\n{unknown}\n{text}"


def _quoted(text: str) -> str:
    """A TOML string: JSON writes the same, but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """Text from the data inside a comment: one line, no control characters."""
    return _quoted(text)[1:-1]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _unfit(column: ColumnFacts) -> str | None:
    """Why a column cannot be a covariate as it is."""
    nameless = "`" in column.name or not column.name.strip()
    reasons = {
        "the name is there more than once; rename the columns": column.repeated,
        "every cell is missing": column.missing == column.rows,
        "the same for every patient": len(column.values) < 2,
        f"it holds {column.held}; write the time between two of them as a number": column.held,
        "a number or name of its own for every patient": column.identifies,
        f"{len(column.values)} different texts": not column.numeric and len(column.values) > MOST_LEVELS,
        "the name cannot be used in a formula; rename the column": nameless,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def _unit_line(roles: dict[str, ColumnFacts]) -> str:
    unit = roles["time"].unit if "time" in roles else None
    if unit is None:
        return f'time_unit = ""                         # {FILL_IN}: the unit of all times, such as "months"'
    return f"time_unit = {_quoted(unit)}                  # printed on every axis and table"


def _role_lines(roles: dict[str, ColumnFacts], columns: list[ColumnFacts]) -> str:
    meaning = {
        "time": "time to the event or to the end of follow-up",
        "event": "1 if the event happened, 0 if not; or true and false, yes and no",
        "treatment": "exactly two values",
    }
    names = _comment(", ".join(column.name for column in columns[:40]))
    lines = []
    for role, text in meaning.items():
        if role in roles:
            doubt = (
                "; CHECK, the name reads like 1 for censored" if "cens" in roles[role].name.lower() else ""
            )
            lines.append(f"{role} = {_quoted(roles[role].name)}  # {text}{doubt}")
        else:
            lines.append(f'{role} = ""  # {FILL_IN}: {text}; columns: {names}')
    for role, text in OPTIONAL.items():
        written = f"{role} = {_quoted(roles[role].name)}" if role in roles else f'# {role} = "..."'
        lines.append(f"{written}  # optional: {text}")
    return "\n".join(lines)


def _treated_line(roles: dict[str, ColumnFacts]) -> str:
    if "treatment" not in roles:
        return f'treated = ""  # {FILL_IN}: the value of the treatment column that means treated'
    values = _comment(" or ".join(roles["treatment"].values))
    treated = guess_treated(roles["treatment"])
    if treated is None:
        return f'treated = ""  # {FILL_IN}: the value that means treated, {values}'
    return f"treated = {_quoted(treated)}  # of {values}"


def _covariate_lines(columns: list[ColumnFacts], unfit: dict[str, str | None]) -> str:
    lines = []
    for column in columns:
        reason = unfit[column.name]
        if reason:
            lines.append(f"# {_comment(column.name)}: left out, {reason}")
        elif column.numeric and len(column.values) > 2:
            lines.append(f"{_key(column.name)} = {{}}{_gaps(column)}")
        else:
            levels = ", ".join(map(_quoted, column.values))
            lines.append(f"{_key(column.name)} = {{levels = [{levels}]}}{_gaps(column)}")
    return "\n".join(lines)


def _gaps(column: ColumnFacts) -> str:
    """How many cells are missing, as a comment."""
    return f"  # {column.missing} of {column.rows} cells are missing" if column.missing else ""


def _missing_lines(covariates: list[ColumnFacts]) -> str:
    """The section on missing cells; nothing where none is missing."""
    if not any(column.missing for column in covariates):
        return ""
    return """
# Missing cells of covariates are imputed, which takes them to be missing at random given all else that is recorded; method =
# "complete" leaves those patients out instead.
[missing]
method = "impute"
imputations = 20
"""
