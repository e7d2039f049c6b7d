"""Files of WebPlotDigitizer: csv with pairs of columns under the names of the data sets, and projects as json."""

import json
import math
from typing import Any

import numpy as np

from data.errors import InputError
from data.published.digitised.delimited import Sheet
from data.published.digitised.tables import Digitised, Series, pair


def csv_of(sheet: Sheet, origin: str) -> Digitised | None:
    """The data sets of an export of all data: names over every second column, X and Y under them; None for another table."""
    if len(sheet.header) != 2 or set(sheet.names) != {"x", "y"}:
        return None
    starts = [place for place, name in enumerate(sheet.names) if name == "x"]
    # Names are written without quotes, so that a comma in one makes a cell of its own; an empty cell ends each.
    names = [name.replace(",", ", ").rstrip(", ") for name in ",".join(sheet.header[0]).split(",,")]
    names += [""] * (len(starts) - len(names))
    series = tuple(
        pair(sheet, name, place, place + 1, origin) for place, name in zip(starts, names, strict=False)
    )
    return Digitised("csv of WebPlotDigitizer", tuple(one for one in series if len(one.time)))


def project_of(text: str, origin: str) -> Digitised | None:
    """The data sets of a project in json, and the size of a pixel from its calibration; None where the text is no json."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{origin}: must be valid json, but: {error}.") from error
    found = content.get("datasetColl") or content.get("wpd", {}).get("dataSeries")
    if not isinstance(found, list):
        raise InputError(
            f"{origin}: must be a project of WebPlotDigitizer with data sets, but found json without them; save the project "
            "as json, or export the data as csv."
        )
    axes = {one.get("name"): one for one in content.get("axesColl", []) if one.get("type") == "XYAxes"}
    sets = [one for one in found if not axes or one.get("axesName", next(iter(axes))) in axes]
    series = [Series(str(one.get("name", "")), *_points(one, origin)) for one in sets]
    time, survival = _pixel(next(iter(axes.values()))) if axes else (None, None)
    return Digitised(
        "project of WebPlotDigitizer", tuple(one for one in series if len(one.time)), time, survival
    )


def _points(dataset: dict[str, Any], origin: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        values = [point["value"] for point in dataset.get("data", [])]
        found = np.array([(float(value[0]), float(value[1])) for value in values], float).reshape(-1, 2)
    except (KeyError, TypeError, ValueError, IndexError):
        raise InputError(
            f"{origin}: data set '{dataset.get('name', '')}' must have a value of two numbers at each point, but has not; "
            "export the data as csv."
        ) from None
    return found[:, 0], found[:, 1]


def _pixel(axes: dict[str, Any]) -> tuple[float | None, float | None]:
    """The size of a pixel on each axis, from the calibration: two points on each, with pixels and values."""
    points = axes.get("calibrationPoints", [])
    if len(points) < 4 or axes.get("isLogX") or axes.get("isLogY"):
        return None, None

    def size(first: dict[str, Any], last: dict[str, Any], value: str) -> float | None:
        try:
            apart = math.hypot(last["px"] - first["px"], last["py"] - first["py"])
            return abs(float(last[value]) - float(first[value])) / apart
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            return None

    return size(points[0], points[1], "dx"), size(points[2], points[3], "dy")
