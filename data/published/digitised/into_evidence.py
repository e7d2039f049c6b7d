"""A digitised curve among the published numbers of a study: new rows of its tables, and what evidence.toml says of them."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import tomlkit
from tomlkit.items import Table

from data.errors import InputError
from data.files import decode, read_bytes
from data.published.curve_tables import COUNTS, POINTS
from data.published.digitised.checks import CheckedSeries
from data.published.digitised.risk_table import RiskTable
from data.published.digitised.tables import Digitised
from data.published.evidence_names import CurveSource, read_evidence_names
from data.published.evidence_tables import NAMES_FILE, is_comment
from data.study.time_units import carried

LATEST = 1.5
"""How much later than the curve a risk table may end, as a multiple: later by more, it is of another unit of time."""


@dataclass(frozen=True)
class Place:
    """Whose curve it is."""

    # name of the curve, and label of the arm as evidence.toml has it
    curve: str
    arm: str
    # "before" or "after" matching, empty for before; empty for everybody, else ``column=level``
    phase: str = ""
    subgroup: str = ""
    source: str = ""  # where the curve is printed
    time_unit: str = ""  # of the files; empty: the study's, or that which evidence.toml states for the curve
    at_risk_counts: str = ""  # "before" or "at"; empty where it is not stated


def with_curve(
    folder: Path,
    place: Place,
    digitised: Digitised,
    points: CheckedSeries,
    risk: RiskTable | None,
    study_unit: str,
) -> dict[Path, str]:
    """The files of an evidence folder with a curve added, or in place of the same curve and arm.

    Parameters
    ----------
    folder : Path
        Holds evidence.toml.
    place : Place
    digitised : Digitised
        The file that the points are from, with the size of its pixels.
    points : CheckedSeries
    risk : RiskTable or None
        Numbers at risk, in the same unit of time.
    study_unit : str
        The unit of time of the study.

    Returns
    -------
    dict of Path to str
        The new text of every file that changes.

    Raises
    ------
    InputError
        If the arm or the scales are not those that evidence.toml has, or the risk table is of another unit of time.
    """
    file = folder / NAMES_FILE
    names = read_evidence_names(file)
    if place.arm not in (names.arms.treated, names.arms.control):
        raise InputError(
            f"--arm must be {names.arms.treated} or {names.arms.control}, as [arms] of {file} has it, but found '{place.arm}'"
        )
    if risk is not None and risk.time.max() > LATEST * points.time.max():
        raise InputError(
            f"--at-risk must be in the unit of time of the curve, which ends at {points.time.max():g}, but ends at "
            f"{risk.time.max():g}; write it in that unit"
        )
    document = tomlkit.parse(decode(read_bytes(file), str(file)))
    known = names.curves.get(place.curve)
    source = known or _section_of(place, digitised, points)
    unit, to = place.time_unit or source.time_unit or study_unit, source.time_unit or study_unit
    try:
        carried(carried(1.0, unit, to), to, study_unit)
    except ValueError as error:
        raise InputError(f"--time-unit {error}") from None
    pairs = zip(points.time.tolist(), _on_scale(points, source), strict=True)
    # each once
    written = dict.fromkeys((f"{carried(at, unit, to):.6g}", f"{value:.6g}") for at, value in pairs)
    rows = [{**_who(place), "time": at, "survival": value} for at, value in written]
    texts = {POINTS: _with_rows(folder / POINTS, place, rows)}
    if risk is not None:
        counts = [
            {
                "curve": place.curve,
                "arm": place.arm,
                "time": f"{carried(at, unit, to):.6g}",
                "at_risk": f"{count:.0f}",
            }
            for at, count in zip(risk.time.tolist(), risk.at_risk, strict=True)
        ]
        texts[COUNTS] = _with_rows(folder / COUNTS, place, counts)
    if known is None:
        section = tomlkit.table()
        section.update(source.model_dump(exclude_defaults=True))
        _table(document, "curves").add(place.curve, section)
    listed = _table(document, "sha256")
    for name, text in texts.items():
        listed[name] = sha256(text.encode()).hexdigest() if names.sha256.get(name) else ""
    return {**{folder / name: text for name, text in texts.items()}, file: tomlkit.dumps(document)}


def _who(place: Place) -> dict[str, str]:
    more = {"phase": place.phase, "subgroup": place.subgroup}
    return {"curve": place.curve, "arm": place.arm, **{key: text for key, text in more.items() if text}}


def _section_of(place: Place, digitised: Digitised, points: CheckedSeries) -> CurveSource:
    return CurveSource.model_validate(
        {
            "source": place.source,
            "scale": points.scale,
            "of": points.of,
            "time_unit": place.time_unit,
            "time_resolution": _rounded(digitised.time_resolution),
            "survival_resolution": _rounded(digitised.survival_resolution),
            "at_risk_counts": place.at_risk_counts,
        }
    )


def _rounded(resolution: float | None) -> float | None:
    return None if resolution is None else float(f"{resolution:.4g}")


def _on_scale(points: CheckedSeries, source: CurveSource) -> list[float]:
    """The values on the scale that evidence.toml states for the curve."""
    values = points.value / (100 if points.scale == "percent" else 1)
    if points.of != source.of:
        values = 1 - values
    return (values * source.whole).tolist()


def _table(document: tomlkit.TOMLDocument, name: str) -> Table:
    found = document.get(name)
    if not isinstance(found, Table):
        found = tomlkit.table(is_super_table=name == "curves")
        document[name] = found
        found = document[name]
    assert isinstance(found, Table)
    return found


def _with_rows(file: Path, place: Place, rows: Iterable[Mapping[str, str]]) -> str:
    """The text of a table with new rows for a curve and arm, in place of those that it had."""
    new = list(rows)
    lines = decode(read_bytes(file), str(file)).splitlines(True) if file.exists() else []
    old = list(csv.DictReader(line for line in lines if not is_comment(line)))
    kept = [row for row in old if (row.get("curve"), row.get("arm")) != (place.curve, place.arm)]
    columns = dict.fromkeys(column for row in (*kept, *new) for column in row if column)
    ordered = [name for name in ("curve", "arm", "phase", "subgroup", "time") if name in columns]
    ordered += [name for name in columns if name not in ordered]
    out = io.StringIO("".join(filter(is_comment, lines)))
    out.seek(0, io.SEEK_END)
    writer = csv.DictWriter(out, ordered, restval="", lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows([*kept, *new])
    return out.getvalue()
