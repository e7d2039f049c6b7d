"""Where a study and its patients come from: a file, a data set that an installed package ships, or objects in memory."""

import io
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import tomlkit

from data.errors import InputError
from data.files import decode, expand, read_bytes
from data.study.cohort import Cohort, validate_cohort
from data.study.episode_rows import patients_of_episodes
from data.study.study import Study, parse_study

PLACE = "study"  # in messages, instead of a file


def load_cohort(study: Study) -> Cohort:
    """The validated patients of a study.

    Raises
    ------
    InputError
        If the patients cannot be read, are not those of the checksum, or are not as the study says.
    """
    return validate_cohort(*load_table(study))


def load_table(study: Study) -> tuple[pd.DataFrame, Study, str]:
    """The table of a study's patients, unchecked, with the study and where it comes from, as `validate_cohort` takes them."""
    if study.cohort.source == "reconstruction":
        raise InputError(
            f"{study.file}: [cohort] source must be 'file' or 'package' to read patients, but found 'reconstruction', "
            "which has none: its pseudo-patients are reconstructed from evidence/."
        )
    content, origin = _content(study)
    expected, found = study.cohort.sha256, sha256(content).hexdigest()
    if expected and expected.lower() != found:
        raise InputError(
            f"{study.file}: [cohort] sha256 must be that of {origin}, but the file has {found} "
            f"and the study file says {expected}; get the original file, or correct sha256 if it was replaced."
        )
    table = read_table(content, origin)
    if study.cohort.rows == "episodes":
        table = patients_of_episodes(table, study, origin)
    return table, study, origin


def read_table(content: bytes, origin: str) -> pd.DataFrame:
    """The table in the bytes of a file; the cells of a csv stay text, exactly as written.

    Parameters
    ----------
    content : bytes
        A csv (UTF-8, comma-separated, one line of column names) or parquet file.
    origin : str
        Name of the file: its ending says which of the two it is.
    """
    kind = Path(origin).suffix.lower()
    if kind == ".csv":
        return _read_csv(content, origin)
    if kind == ".parquet":
        return _read_parquet(content, origin)
    raise InputError(
        f"{origin}: a cohort must be a .csv or .parquet file, but found '{kind or 'no ending'}'."
    )


def _content(study: Study) -> tuple[bytes, str]:
    """The bytes of the cohort, and the name they go by in messages."""
    path = next(iter(study.cohort.paths), "")
    if study.cohort.source == "package":
        package, _, resource = path.partition(":")
        try:
            return (files(package) / resource).read_bytes(), path
        except ModuleNotFoundError as error:
            raise InputError(
                f"{study.file}: [cohort] path must name an installed package, but found no '{package}'; install it."
            ) from error
        except (OSError, TypeError, ValueError) as error:
            raise InputError(
                f"{study.file}: [cohort] path must name a file inside the package '{package}', "
                f"but found no '{resource}'."
            ) from error
    file = study.folder / expand(path)
    return read_bytes(file, f"{study.file}: [cohort] path '{path}': "), str(file)


def _read_csv(content: bytes, origin: str) -> pd.DataFrame:
    text = decode(content, origin)
    try:
        # names are read as a row: pandas would rename a repeated one and hide it
        rows = pd.read_csv(io.StringIO(text), header=None, dtype=str, keep_default_na=False, na_values=[])
    except pd.errors.EmptyDataError as error:
        raise InputError(
            f"{origin}: a cohort must hold column names and patients, but found an empty file."
        ) from error
    except pd.errors.ParserError as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise InputError(f"{origin}: must be a comma-separated table, but: {reason}.") from error
    names = [str(name).strip() for name in rows.iloc[0]]
    for mark in (";", "\t"):
        if len(names) == 1 and mark in names[0]:
            raise InputError(
                f"{origin}: must be separated by commas, but found {mark!r}; save it with commas."
            )
    return rows.iloc[1:].set_axis(names, axis=1).reset_index(drop=True)


def _read_parquet(content: bytes, origin: str) -> pd.DataFrame:
    try:
        # what pandas keeps as an index is a column like any other
        return pyarrow.parquet.read_table(io.BytesIO(content)).to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{origin}: must be a parquet file, but cannot be read: {reason}.") from error


def study_from(content: Mapping[str, Any]) -> Study:
    """The study that a mapping describes.

    Parameters
    ----------
    content : mapping
        Keys and values of a study file. `name`, `title`, and where the patients are ([cohort] source and path) may be left out.

    Raises
    ------
    InputError
        If it is not as a study file must be; all problems are listed together.

    Examples
    --------
    >>> study = study_from({
    ...     "time_unit": "months",
    ...     "cohort": {"columns": {"time": "months", "event": "died", "treatment": "therapy"}},
    ...     "treatment": {"treated": "yes"},
    ...     "covariates": {"age": {}, "grade": {"levels": ["I", "II", "III"]}},
    ...     "propensity": {"formula": "age + grade"},
    ...     "outcome": {"formula": "age + grade"},
    ... })
    >>> study.treatment.treated_label, list(study.covariates)
    ('Treated', ['age', 'grade'])
    """
    name = content.get("name", PLACE)
    stated = {"name": name, "title": name, **content}
    if isinstance(stated.get("cohort", {}), Mapping):
        stated["cohort"] = {"source": "file", "path": "frame", **stated.get("cohort", {})}
    try:
        text = tomlkit.dumps(stated)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{PLACE}: must hold text, numbers, truth values, lists and mappings, but: {error}"
        ) from error
    return parse_study(text, PLACE)


def cohort_from(frame: pd.DataFrame, study: Study) -> Cohort:
    """The patients of a table, after every check.

    Parameters
    ----------
    frame : DataFrame
        One row for each patient. Columns that the study does not name are ignored.
    study : Study
        Which column holds what.

    Raises
    ------
    InputError
        If anything is wrong with the patients: all problems together. Missing cells of covariates are refused where they are to be
        imputed, which makes several cohorts of one table: `rtsurv fit` and `rtsurv analyse` do that.

    Examples
    --------
    >>> study = study_from({
    ...     "time_unit": "months",
    ...     "cohort": {"columns": {"time": "months", "event": "died", "treatment": "therapy"}},
    ...     "treatment": {"treated": "yes"},
    ...     "propensity": {"formula": "1"},
    ...     "outcome": {"formula": "1"},
    ... })
    >>> table = {"months": [3.0, 8.0, 5.0, 9.0], "died": [1, 0, 1, 1], "therapy": ["yes", "yes", "no", "no"]}
    >>> cohort = cohort_from(pd.DataFrame(table), study)
    >>> cohort.size, cohort.events
    (4, 3)
    """
    imputed = [
        name
        for name in study.covariates
        if study.missing.method == "impute" and name in frame and frame[name].isna().any()
    ]
    if imputed:
        raise InputError(
            f"{PLACE}: covariates must have no missing cells here, but found some in {', '.join(imputed)}; write the table to a file "
            'and use `rtsurv fit`, which imputes them, or state method = "complete"'
        )
    return validate_cohort(frame, study, "frame")
