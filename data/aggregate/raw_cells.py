"""From counts by raw cells to counts by levels, arm and outcome, with every problem of the cells."""

from collections.abc import Mapping
from warnings import warn

import pandas as pd

from data.aggregate.table import EVENT, INTERVAL, PREFIX, SUMS, TREATED, Aggregate
from data.errors import CohortWarning, InputError
from data.study.cell_checks import FALSE, TRUE
from data.study.cells import canonical, range_labels, texts
from data.study.study import Study

ARM = "arm"
NOT_A_NUMBER = "!"  # begins a cell of a binned covariate that is no number
SHOWN = 5


def aggregate_of(
    rows: pd.DataFrame,
    ends: Mapping[str, float],
    levels: Mapping[str, tuple[str, ...]],
    cutpoints: tuple[float, ...],
    study: Study,
    origin: str,
) -> Aggregate:
    """Return the aggregate of rows that were counted by raw cells.

    Rows hold raw cells of arm, event and covariates; interval, -1 where the time is none; patients and sums of times. `ends`
    is the last follow-up by raw cell of the treatment column.

    Raises
    ------
    InputError
        If cells are not as the study says: all problems together, with counts.
    """
    cells = _Cells(rows, [])
    read = {TREATED: cells.arms(study), EVENT: cells.events(study)}
    for name, known in levels.items():
        read[PREFIX + name] = cells.levels(name, known, study)
    cells.note(rows[INTERVAL] < 0, study.cohort.columns.time, "must be a number above 0")
    if cells.problems:
        listed = "".join(f"\n  - {problem}" for problem in cells.problems)
        raise InputError(f"{origin}: {len(cells.problems)} problems in the patients:{listed}")
    table = pd.DataFrame(read | {name: rows[name] for name in (INTERVAL, *SUMS)})
    whole = table.notna().to_numpy().all(axis=1)
    if not whole.all():
        left = table.loc[~whole, "patients"].sum()
        warn(
            f"{origin}: {left:.0f} of {table['patients'].sum():.0f} patients are left out, because cells are missing",
            CohortWarning,
            stacklevel=2,
        )
        table = table[whole]
    keys = [*(PREFIX + name for name in levels), TREATED, INTERVAL, EVENT]
    summed = table.groupby(keys, observed=True, sort=True)[list(SUMS)].sum().reset_index()
    summed = summed.astype({TREATED: bool, INTERVAL: int, EVENT: bool})
    if not (summed[EVENT].any() and summed[TREATED].nunique() == 2):
        raise InputError(
            f"{origin}: patients must be of both arms and have events, but those without missing cells are not"
        )
    treated = canonical(study.treatment.treated)
    last = {True: 0.0, False: 0.0}
    for cell, end in ends.items():
        arm = canonical(cell) == treated
        last[arm] = max(last[arm], float(end or 0.0))
    return Aggregate(summed, cutpoints, study.time_unit, str(treated), (last[False], last[True]))


class _Cells:
    """Raw cells as values, and what is wrong with them."""

    def __init__(self, rows: pd.DataFrame, problems: list[str]) -> None:
        self.rows, self.problems = rows, problems

    def note(self, wrong: pd.Series, column: str, must: str, found: str | None = None) -> None:
        """Add a problem with the number of patients whom it concerns and the first cells."""
        if not wrong.any():
            return
        cells = [] if found is None else self.rows.loc[wrong, found].map(str).drop_duplicates().head(SHOWN)
        listed = f", but found {', '.join(cells)}" if len(cells) else ""
        self.problems.append(
            f"column '{column}' {must}{listed} ({self.rows.loc[wrong, 'patients'].sum():.0f} patients)"
        )

    def arms(self, study: Study) -> pd.Series:
        """Return whether each row is of the treated."""
        column, treated = study.cohort.columns.treatment, canonical(study.treatment.treated)
        cells = texts(self.rows[ARM], ("none", study.treatment.treated))
        found = sorted(cells.dropna().unique())
        if len(found) != 2 or treated not in found:
            self.problems.append(
                f"column '{column}' must hold two values, one of them '{treated}', but found {', '.join(found[:10])}"
            )
        self.note(cells.isna(), column, "must be given for every patient, but cells are missing")
        return cells == treated

    def events(self, study: Study) -> pd.Series:
        """Return whether each row is of events."""
        cells = texts(self.rows[EVENT]).str.lower()
        self.note(
            ~cells.isin(TRUE + FALSE),
            study.cohort.columns.event,
            "must be 0 or 1, true or false, yes or no",
            EVENT,
        )
        return cells.isin(TRUE)

    def levels(self, name: str, known: tuple[str, ...], study: Study) -> pd.Series:
        """Return the level of each row, missing where patients are left out for it."""
        column, covariate = PREFIX + name, study.covariates[name]
        if covariate.bins is not None:
            labels = dict(zip(map(str, range(len(known))), range_labels(covariate.bins), strict=True))
            raw = self.rows[column]
            cells = raw.map(labels).astype(object).where(~raw.str.startswith(NOT_A_NUMBER), raw.str[1:])
        else:
            cells = self.rows[column]
        cells = texts(cells, known)
        spelled = {canonical(level): level for level in known}
        found = cells.map(spelled)
        must = f"must be one of its levels in the study file ({', '.join(known)})"
        self.note(found.isna() & cells.notna(), name, must, column)
        if study.missing.method == "refuse":
            must = 'must be given for every patient, but cells are missing; write method = "complete" under [missing] to leave them out'
            self.note(cells.isna(), name, must)
        return pd.Series(pd.Categorical(found, categories=list(known)), index=found.index)
