"""Count the patients of a parquet or csv file, out of core, by duckdb: the file may be larger than memory."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.aggregate.raw_cells import ARM, aggregate_of
from data.aggregate.table import EVENT, PREFIX, Aggregate
from data.errors import InputError
from data.files import expand
from data.study.cells import TRUTH, canonical
from data.study.close_times import CLOSE
from data.study.study import Study

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "1500MB"
MOST_PATTERNS = 1_000_000  # rows of a table that is read whole afterwards


def counted(study: Study, smallest: int = 1) -> Aggregate:
    """Return the counts of a study's patients.

    Parameters
    ----------
    study : Study
        Of source "file".
    smallest : int
        How many patients are followed to the last follow-up that is stated, at least.

    Raises
    ------
    InputError
        Where duckdb is missing, the study asks for what counts cannot hold, or cells are not as the study says: all problems
        together, with counts.
    """
    check_countable(study)
    try:
        import duckdb
    except ImportError as error:
        raise InputError(
            "`rtsurv aggregate` needs duckdb, but it is not installed; run: pip install 'rtsurv[registry]'"
        ) from error
    file = study.folder / expand(study.cohort.paths[0])
    _check_file(file, study)
    with TemporaryDirectory() as spill, duckdb.connect() as database:
        database.execute(f"SET memory_limit = '{MEMORY}'; SET preserve_insertion_order = false")
        database.execute(f"SET temp_directory = {_text(spill)}")
        try:
            return _counted(database, study, file, smallest)
        except duckdb.Error as error:
            raise InputError(f"{file}: cannot be counted: {str(error).splitlines()[0]}") from error


def check_countable(study: Study) -> None:
    """Raise InputError where a study asks for what counts cannot hold: all reasons together."""
    source, roles = study.cohort, study.cohort.columns
    elsewhere, episodes = source.source != "file", source.rows != "patients"
    imputed = study.missing.method == "impute"
    refused = {
        f"[cohort] source must be 'file', whose patients are counted, but found '{source.source}'": elsewhere,
        "[cohort] rows must be 'patients', but found 'episodes'; write one row for each patient": episodes,
        "[cohort.columns] entry must be left out: the table counts follow-up from time zero": roles.entry,
        "[cohort.columns] treatment_start must be left out: a table of counts knows who was ever treated; count those who are at "
        "risk at a landmark, from the landmark on": roles.treatment_start,
        "[propensity] must give formula: a score differs between patients of one pattern": study.propensity.score,
        "[missing] method must be 'complete' or 'refuse': cells of counts cannot be imputed": imputed,
    }
    problems = [problem for problem, found in refused.items() if found]
    if problems:
        raise InputError(f"{study.file}: {'; '.join(problems)}")


def _check_file(file: Path, study: Study) -> None:
    if file.suffix.lower() not in (".parquet", ".csv"):
        raise InputError(f"{file}: patients must be a .csv or .parquet file, but found '{file.suffix}'")
    if not file.is_file():
        raise InputError(f"{study.file}: [cohort] path must be a file, but found none at {file}")
    if study.cohort.sha256:
        with file.open("rb") as opened:
            found = file_digest(opened, "sha256").hexdigest()
        if found != study.cohort.sha256.lower():
            raise InputError(
                f"{study.file}: [cohort] sha256 must be that of {file}, but the file has {found}"
            )


def _counted(database: DuckDBPyConnection, study: Study, file: Path, smallest: int) -> Aggregate:
    reader = (
        "read_parquet({})"
        if file.suffix.lower() == ".parquet"
        else "read_csv({}, all_varchar = true, header = true)"
    )
    source = reader.format(_text(str(file)))
    roles = study.cohort.columns
    kinds = dict(
        database.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {source})").fetchall()
    )
    lacking = [name for name in [*roles.used().values(), *study.covariates] if name not in kinds]
    if lacking:
        raise InputError(f"{file}: must have the columns {', '.join(lacking)}, but found {', '.join(kinds)}")
    if roles.id is not None:
        (repeated,) = database.execute(
            f"SELECT count(*) - count(DISTINCT {_name(roles.id)}) FROM {source}"
        ).fetchall()[0]
        if repeated:
            raise InputError(
                f"{file}: column '{roles.id}' must be different for every patient, but {repeated} values are repeated or missing; one row is "
                "one patient"
            )
    plain = {name: _levels(database, source, name, study) for name in study.covariates}
    time = f"TRY_CAST({_name(roles.time)} AS DOUBLE)"
    deaths = f"lower(trim(CAST({_name(roles.event)} AS VARCHAR))) IN ('1', '1.0', 'true', 'yes')"
    cutpoints = study.baseline.cutpoints
    if cutpoints is None:
        cutpoints = _equal_events(database, source, time, deaths, study.baseline.intervals or 10)
    rows = _grouped(database, source, time, cutpoints, study)
    arm = f"CAST({_name(roles.treatment)} AS VARCHAR)"
    ends = dict(
        database.execute(
            f"SELECT {arm}, list_min(max({time}, {smallest})) FROM {source} WHERE isfinite({time}) GROUP BY 1"
        ).fetchall()
    )
    return aggregate_of(rows, ends, plain, cutpoints, study, str(file))


def _levels(database: DuckDBPyConnection, source: str, name: str, study: Study) -> tuple[str, ...]:
    """Return the levels of a covariate; one that has none stated is true or false, or a number that must be binned."""
    covariate, column = study.covariates[name], _name(name)
    if covariate.levels is not None:
        return covariate.levels
    few = database.execute(
        f"SELECT DISTINCT {column} FROM {source} WHERE {column} IS NOT NULL LIMIT 3"
    ).fetchall()
    if few and {canonical(cell) for (cell,) in few} <= set(TRUTH):
        return TRUTH
    number = f"TRY_CAST({column} AS DOUBLE)"
    found = (
        database.execute(f"SELECT approx_quantile({number}, [0.25, 0.5, 0.75]) FROM {source}").fetchall()[0][
            0
        ]
        or []
    )
    bins = sorted({float(f"{one:.3g}") for one in found if one is not None})
    stated = f"bins = [{', '.join(f'{one:g}' for one in bins)}]" if bins else 'levels = ["...", "..."]'
    raise InputError(
        f"{study.file}: [covariates] {name} must have levels or bins, because a table of counts holds no single values; write, for "
        f"example, {name} = {{{stated}}}"
    )


def _name(column: str) -> str:
    """Return a column's name as SQL has it."""
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    """Return a text as SQL has it."""
    return "'" + value.replace("'", "''") + "'"


def _equal_events(
    database: DuckDBPyConnection, source: str, time: str, deaths: str, intervals: int
) -> tuple[float, ...]:
    """Return cut points between which about equal numbers of events fall, as `models.intervals` has them for patients."""
    shares = [k / intervals for k in range(1, intervals)]
    if not shares:
        return ()
    found, last = database.execute(
        f"SELECT quantile_disc({time}, {shares}), max({time}) FROM {source} WHERE {deaths}"
    ).fetchall()[0]
    return tuple(sorted({float(cut) for cut in found or [] if cut < last and cut > 0}))


def _grouped(
    database: DuckDBPyConnection, source: str, time: str, cutpoints: tuple[float, ...], study: Study
) -> pd.DataFrame:
    """Return one row for each combination of raw cells of covariates, arm and event, and interval (-1: no time above 0).

    Cells are read afterwards, in the few rows that are left.
    """
    roles = study.cohort.columns
    keys = {
        ARM: f"CAST({_name(roles.treatment)} AS VARCHAR)",
        EVENT: f"CAST({_name(roles.event)} AS VARCHAR)",
    }
    for name, covariate in study.covariates.items():
        cell = f"CAST({_name(name)} AS VARCHAR)"
        if covariate.bins is not None:
            number = f"TRY_CAST({_name(name)} AS DOUBLE)"
            ranges = " + ".join(f"({number} >= {limit!r})::INT" for limit in covariate.bins)
            cell = (
                f"CASE WHEN isfinite({number}) THEN ({ranges})::VARCHAR ELSE '!' || coalesce({cell}, '') END"
            )
        keys[PREFIX + name] = cell
    # A time within a relative 1e-6 of a cut point is that cut point.
    later = " + ".join(["0", *(f"(t > {cut * (1.0 + CLOSE)!r})::INT" for cut in cutpoints)])
    starts = [0.0, *cutpoints]
    width = f"list_value({', '.join(map(repr, np.diff([*starts, 1e300]).tolist()))})"
    start = f"list_value({', '.join(map(repr, starts))})"
    listed = ", ".join(f"{cell} AS {_name(key)}" for key, cell in keys.items())
    named = ", ".join(map(_name, keys))
    database.execute(f"""
        CREATE TEMP TABLE counted AS
        WITH cells AS (SELECT {listed}, {time} AS t FROM {source}),
        placed AS (SELECT *, CASE WHEN isfinite(t) AND t > 0 THEN {later} ELSE -1 END AS k FROM cells),
        timed AS (SELECT *, CASE WHEN k >= 0 THEN greatest(least(t - {start}[k + 1], {width}[k + 1]), 0.0) END AS s FROM placed)
        SELECT {named}, k AS interval, count(*)::DOUBLE AS patients, coalesce(sum(s), 0.0) AS time,
               coalesce(sum(s * s), 0.0) AS time_squared
        FROM timed GROUP BY {named}, k""")
    (groups,) = database.execute("SELECT count(*) FROM counted").fetchall()[0]
    if groups > MOST_PATTERNS:
        raise InputError(
            f"{study.file}: [covariates] must give few patterns, but found {groups} different rows; leave covariates out, or give coarser "
            "levels and bins"
        )
    return database.execute("SELECT * FROM counted").df()
