"""The folder of a new published study: every table as a template that explains itself, and a small example that is complete."""

import re
from collections.abc import Sequence
from pathlib import Path

from data.errors import InputError
from data.published.digitised import Digitised, Series, read_digitised
from data.published.digitised.checks import checked

TEMPLATES = Path(__file__).parent / "templates"
LABELS = ("Treated", "Control")
"""Of the arms in the templates."""


def draft_publication(name: str) -> dict[Path, str]:
    """The files of a new published study, by their place in its folder.

    Parameters
    ----------
    name : str
        Name of the study: a plain folder name.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise InputError(f"NAME must be a plain folder name of a-z, 0-9, _ and -, but found '{name}'.")
    files = [file for file in sorted(TEMPLATES.rglob("*")) if file.is_file()]
    texts = {file.relative_to(TEMPLATES): file.read_text(encoding="utf-8") for file in files}
    study = Path("study.toml")
    return texts | {study: texts[study].replace("NAME", name)}


def two_arms(files: Sequence[Path]) -> tuple[tuple[Digitised, Series], tuple[Digitised, Series]]:
    """The two curves in some digitised files: one file with two data sets, or two with one, the treated arm first.

    Raises
    ------
    InputError
        If there are not two curves, or one of them cannot be a survival curve.
    """
    found = []
    for file in files:
        digitised = read_digitised(file)
        for series in digitised.series:
            if len(series.time):
                checked(series, str(file))
                found.append((digitised, series))
    if len(found) != 2:
        names = ", ".join(f"'{series.name}'" for _, series in found)
        raise InputError(
            f"--curves must hold two curves, of the treated and of the controls, but found {len(found)}: {names}; begin without, "
            "and import each with import-curve"
        )
    return found[0], found[1]
