"""Files of digitising programs: WebPlotDigitizer, DigitizeIt, ScanIt, SurvdigitizeR, and the forms of survHE and IPDfromKM."""

from pathlib import Path

from data.errors import InputError
from data.files import decode, expand, read_bytes
from data.published.digitised.delimited import read_sheet
from data.published.digitised.tables import Digitised, Series, columns_of, named_columns_of
from data.published.digitised.webplotdigitizer import csv_of, project_of

__all__ = ["Digitised", "Series", "read_digitised"]


def read_digitised(path: str | Path) -> Digitised:
    """The data sets of a file that a digitising program wrote.

    The kind of file is settled by what it holds: json is a project of WebPlotDigitizer, names over X and Y its csv; else
    columns by their names, or by their layout.

    Raises
    ------
    InputError
        If the file cannot be read, holds no data set with points, or its layout cannot be settled.
    """
    file = expand(path)
    text, origin = decode(read_bytes(file), str(file)), str(file)
    found = project_of(text, origin)
    if found is None:
        sheet = read_sheet(text, origin)
        found = csv_of(sheet, origin) or named_columns_of(sheet, origin) or columns_of(sheet, origin)
    if not any(len(one.time) for one in found.series):
        raise InputError(f"{origin}: must hold a data set with points, but found none; export it again.")
    return found


def choose_series(digitised: Digitised, name: str, arm: str, origin: str) -> Series:
    """The data set of a name; without a name the only one, or the one that is called like the arm.

    Raises
    ------
    InputError
        If none or several have the name, or it cannot be settled which is meant.
    """
    found = [one for one in digitised.series if len(one.time)]
    names = ", ".join(f"'{one.name}'" for one in found)
    wanted = name or arm
    of_name = [one for one in found if one.name.strip().lower() == wanted.strip().lower()]
    if len(of_name) == 1:
        return of_name[0]
    if not name and len(found) == 1:
        return found[0]
    raise InputError(
        f"{origin}: --series must be one of the data sets of the file, but found "
        f"{f'{name!r}' if name else 'none given'}; there are {names}"
    )
