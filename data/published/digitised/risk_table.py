"""Files of numbers at risk: two columns as IPDfromKM has them, five as survHE reads them, or a column for each arm."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.errors import InputError
from data.files import decode, expand, read_bytes
from data.published.digitised.delimited import numbers, read_sheet
from data.published.digitised.tables import TIMES, column_of

RISK_TIMES = (*TIMES, "trisk", "t.risk")
COUNTS = ("nrisk", "n.risk", "at_risk", "at risk", "number at risk", "n", "n_risk")


@dataclass(frozen=True, eq=False)
class RiskTable:
    """The numbers at risk of one arm."""

    kind: str  # what the file was taken for, in words
    # (column,) in the unit of the file; whole numbers
    time: np.ndarray
    at_risk: np.ndarray


def read_risk_table(path: str | Path, arm: str) -> RiskTable:
    """The numbers at risk of an arm in a file.

    Parameters
    ----------
    path : str or Path
        A table of text with a column of times and one of numbers at risk, or one for each arm.
    arm : str
        Label of the arm, the name of its column where there are several.

    Raises
    ------
    InputError
        If the columns cannot be settled, or hold other than times that rise and whole numbers that are there.
    """
    file = expand(path)
    origin = str(file)
    sheet = read_sheet(decode(read_bytes(file), origin), origin)
    names = sheet.names
    time = column_of(names, RISK_TIMES)
    count = column_of(names, (arm.lower(),))
    kind = "a column of numbers at risk for each arm"
    if count is None:
        count = column_of(names, COUNTS)
        kind = (
            "numbers at risk as survHE reads them" if {"lower", "upper"} <= set(names) else "numbers at risk"
        )
    if sheet.width == 2 and (time is None or count is None):
        time, count, kind = 0, 1, "two columns, times and numbers at risk"
    if time is None or count is None:
        raise InputError(
            f"{origin}: must have a column of times and one of numbers at risk, named time and at_risk or '{arm}', but found "
            f"{', '.join(names) or f'{sheet.width} columns without names'}; name them."
        )
    at, found = np.array(numbers(sheet, time, origin)), np.array(numbers(sheet, count, origin))
    read = ~(np.isnan(at) | np.isnan(found))
    at, found = at[read], found[read]
    if (np.diff(at) <= 0).any() or (found < 0).any() or (found != np.round(found)).any():
        raise InputError(
            f"{origin}: must hold times that rise and whole numbers at risk, but found times "
            f"{', '.join(f'{one:g}' for one in at)} with {', '.join(f'{one:g}' for one in found)}; correct the table."
        )
    return RiskTable(kind, at, found)
