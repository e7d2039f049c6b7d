"""The tables of digitised curves, rows read one by one and joined to one `PublishedCurve` for each curve and arm."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from data.published.evidence_cells import RowCells
from data.published.evidence_names import CurveSource, EvidenceNames
from data.published.evidence_rows import PHASES, read_arm
from data.published.evidence_tables import EvidenceTables
from data.published.printed import number
from data.published.published_curves import PublishedCurve, resolution_of
from data.study.cells import canonical
from data.study.study import Study
from data.study.time_units import carried

POINTS, COUNTS, MARKS = "curves.csv", "at_risk.csv", "censor_marks.csv"
ABOVE_ONE = 0.05
"""How far a reading may lie outside 0 to 1: more is another scale, not a reading error."""
PLACES = 12
"""Decimals kept where a scale is turned, which else would add its own last bits to what was read."""


@dataclass(frozen=True)
class MarkRow:
    """A row of censor_marks.csv: a mark on a curve, at a time in the study's unit."""

    curve: str
    arm: str
    time: float


@dataclass(frozen=True)
class PointRow(MarkRow):
    """A row of curves.csv: a point, as a survival probability."""

    phase: str
    subgroup: str
    survival: float


@dataclass(frozen=True)
class CountRow(MarkRow):
    """A row of at_risk.csv: a column of the risk table under a curve; what is not printed is nan."""

    at_risk: int
    events: float
    censored: float


def read_curves(tables: EvidenceTables, names: EvidenceNames, study: Study) -> tuple[PublishedCurve, ...]:
    """The published curves of a study, in its unit of time; what cannot be read is noted in the problems of the tables."""
    unit = study.time_unit
    points = tables.each(POINTS, partial(_read_point, names=names, study=study))
    counts = tables.each(COUNTS, partial(_read_count, names=names, unit=unit))
    marks = tables.each(MARKS, partial(_read_mark, names=names, unit=unit), repeats=True)
    keys = dict.fromkeys((row.curve, row.arm) for row in points)
    _note_lonely(tables, names, {curve for curve, _ in keys})
    _note_orphans(tables, counts, marks, set(keys))
    found = []
    for curve, arm in keys:
        source = names.curves.get(curve)
        mine = [row for row in points if (row.curve, row.arm) == (curve, arm)]
        columns = [row for row in counts if (row.curve, row.arm) == (curve, arm)]
        ticks = [row.time for row in marks if (row.curve, row.arm) == (curve, arm)]
        if source is not None and _one_group(tables, curve, arm, mine) and _forward(tables, mine, columns):
            found.append(_joined(curve, source, mine, columns, ticks, unit))
    return tuple(found)


def _source(cells: RowCells, names: EvidenceNames) -> tuple[str, CurveSource]:
    """The name of a row's curve, and what evidence.toml says of it."""
    curve = cells.filled("curve")
    source = names.curves.get(curve)
    if source is None:
        known = ", ".join(names.curves) or "none"
        cells.note(f"curve must be named in [curves] of evidence.toml ({known}), but found '{curve}'")
        return curve, CurveSource(source="not known")
    return curve, source


def _time(cells: RowCells, source: CurveSource, unit: str) -> float:
    return cells.read("time", lambda text: carried(number(text), source.time_unit or unit, unit), 0.0)


def _read_point(cells: RowCells, names: EvidenceNames, study: Study) -> PointRow:
    curve, source = _source(cells, names)

    def probability(text: str) -> float:
        value = number(text) / source.whole
        if not -ABOVE_ONE <= value <= 1 + ABOVE_ONE:
            raise ValueError(
                f"must be a {source.scale} from 0 to {source.whole:g}, as [curves.{curve}] of evidence.toml states, "
                f"but found {text}"
            )
        return round(1 - value, PLACES) if source.of == "failure" else value

    def subgroup(text: str) -> str:
        column, _, level = (part.strip() for part in text.partition("="))
        levels = study.covariates[column].levels if column in study.covariates else None
        if text.strip() and canonical(level) not in map(canonical, levels or ()):
            raise ValueError(
                f"must be empty, or column=level of a covariate of {study.file.name}, but found '{text}'"
            )
        return f"{column}={level}" if text.strip() else ""

    return PointRow(
        curve=curve,
        arm=read_arm(cells, names),
        phase=cells.one_of("phase", PHASES) if cells.given("phase") else PHASES[0],
        subgroup=cells.read("subgroup", subgroup, "") if "subgroup" in cells.row else "",
        time=_time(cells, source, study.time_unit),
        survival=cells.read("survival", probability, 0.0),
    )


def _read_count(cells: RowCells, names: EvidenceNames, unit: str) -> CountRow:
    curve, source = _source(cells, names)
    return CountRow(
        curve=curve,
        arm=read_arm(cells, names),
        time=_time(cells, source, unit),
        at_risk=cells.whole("at_risk"),
        events=cells.whole("events") if cells.given("events") else np.nan,
        censored=cells.whole("censored") if cells.given("censored") else np.nan,
    )


def _read_mark(cells: RowCells, names: EvidenceNames, unit: str) -> MarkRow:
    curve, source = _source(cells, names)
    return MarkRow(
        curve=curve,
        arm=read_arm(cells, names),
        time=_time(cells, source, unit),
    )


def _note_lonely(tables: EvidenceTables, names: EvidenceNames, curves: set[str]) -> None:
    """Note curves that evidence.toml names and no row has."""
    missing = [curve for curve in names.curves if curve not in curves]
    if missing and not tables.problems.lines:  # else its rows may be those that could not be read
        tables.problems.add(
            f"{tables.folder / POINTS}: must hold the points of {', '.join(missing)}, which [curves] of evidence.toml names, "
            "but holds none; add them, or remove the section."
        )


def _note_orphans(
    tables: EvidenceTables,
    counts: Sequence[CountRow],
    marks: Sequence[MarkRow],
    known: set[tuple[str, str]],
) -> None:
    """Note numbers at risk and marks of a curve and arm without points."""
    if tables.problems.lines:
        return
    for name, rows in ((COUNTS, counts), (MARKS, marks)):
        for curve, arm in dict.fromkeys(
            (row.curve, row.arm) for row in rows if (row.curve, row.arm) not in known
        ):
            tables.problems.add(
                f"{tables.folder / name}: curve and arm must have points in {POINTS}, but found '{curve}', {arm}; add the "
                "points, or correct the name."
            )


def _one_group(tables: EvidenceTables, curve: str, arm: str, rows: list[PointRow]) -> bool:
    """Whether all points of a curve and arm are of one phase and subgroup; noted where not."""
    groups = dict.fromkeys((row.phase, row.subgroup) for row in rows)
    if len(groups) > 1:
        listed = "; ".join(f"phase {phase}, subgroup '{subgroup}'" for phase, subgroup in groups)
        tables.problems.add(
            f"{tables.folder / POINTS}: points of curve '{curve}', {arm}, must be of one phase and subgroup, but found {listed}; "
            "give each its own curve."
        )
    return len(groups) == 1


def _forward(tables: EvidenceTables, points: list[PointRow], columns: list[CountRow]) -> bool:
    """Whether times run forward in both tables, each once under the curve; noted where not."""
    name = f"curve '{points[0].curve}', {points[0].arm}"
    fine = True
    for table, rows in ((POINTS, points), (COUNTS, columns)):
        for earlier, later in pairwise(rows):
            if later.time < earlier.time:
                problem = (
                    f"times must run forward, but {later.time:g} comes after {earlier.time:g}; sort the rows"
                )
            elif table == COUNTS and later.time == earlier.time:
                problem = f"each time must be there once, but {later.time:g} is there twice; remove one"
            else:
                continue
            tables.problems.add(f"{tables.folder / table}, {name}: {problem}.")
            fine = False
            break
    return fine


def _joined(
    curve: str,
    source: CurveSource,
    points: list[PointRow],
    columns: list[CountRow],
    marks: list[float],
    unit: str,
) -> PublishedCurve:
    time = np.array([row.time for row in points])
    survival = np.array([row.survival for row in points])
    events, censored = (
        np.array([getattr(row, name) for row in columns], float) for name in ("events", "censored")
    )
    if source.events_and_censored == "by_interval":
        events, censored = np.cumsum(events), np.cumsum(censored)
    return PublishedCurve(
        curve=curve,
        source=source.source,
        arm=points[0].arm,
        phase=points[0].phase,
        subgroup=points[0].subgroup,
        time=time,
        survival=survival,
        time_resolution=resolution_of(time, float(time.max()))
        if source.time_resolution is None
        else carried(source.time_resolution, source.time_unit or unit, unit),
        survival_resolution=resolution_of(survival, 1.0)
        if source.survival_resolution is None
        else source.survival_resolution / source.whole,
        at_risk_time=np.array([row.time for row in columns]),
        at_risk=np.array([row.at_risk for row in columns], float),
        events=events,
        censored=censored,
        at_risk_counts=source.at_risk_counts,
        censor_marks=np.sort(np.array(marks, float)),
    )
