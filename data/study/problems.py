"""What is wrong with a study file or with the patients of a cohort, in words that name the place, with counts and the mend."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, get_args
from warnings import warn

import numpy as np
from pydantic import BaseModel, ValidationError

from data.errors import CohortWarning, InputError

SHOWN = 5
Section = type[BaseModel]


class Problems:
    """What is wrong with the patients of one file, collected before anything is raised.

    Parameters
    ----------
    origin : str
        Where the patients come from.
    patient : sequence of str or None
        Identifiers, shown beside row numbers where a study has them.
    """

    def __init__(self, origin: str, patient: Sequence[str | None] | None = None) -> None:
        self.origin = origin
        self.patient = patient
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def add(self, line: str) -> None:
        """Note a problem of the file as a whole."""
        self.lines.append(line)

    def add_rows(
        self, column: str, must: str, rows: np.ndarray, found: Sequence[object] | None = None
    ) -> None:
        """Note a problem of some patients, at positions from 0: what a column's cells must be, what to do, and what was found."""
        shown = []
        for position, row in enumerate(rows[:SHOWN]):
            text = f"row {row + 1}"
            if self.patient is not None and self.patient[row] is not None:
                text += f" (patient {self.patient[row]})"
            if found is not None:
                text += f": {_short(found[position])}"
            shown.append(text)
        more = ", ..." if len(rows) > SHOWN else ""
        count = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
        self.add(f"column '{column}' {must}; found in {count}{_repeated(found)}: {', '.join(shown)}{more}")

    def warn(self, text: str) -> None:
        """Note what a reader of the results should know, if nothing is wrong."""
        self.warnings.append(f"{self.origin}: {text}")

    def raise_if_any(self) -> None:
        """Raise one InputError that lists everything noted so far; if there is nothing, give the warnings."""
        if self.lines:
            count = "1 problem" if len(self.lines) == 1 else f"{len(self.lines)} problems"
            listed = "".join(f"\n  - {line}" for line in self.lines)
            raise InputError(f"{self.origin}: {count} in the cohort:{listed}")
        for text in self.warnings:
            warn(text, CohortWarning, stacklevel=3)
        self.warnings.clear()


def _repeated(found: Sequence[object] | None) -> str:
    """How often each text is there, if any is there twice."""
    counts = Counter(cell for cell in found or () if isinstance(cell, str))
    if not counts or max(counts.values()) == 1:
        return ""
    listed = ", ".join(f"{_short(cell)} x {number}" for cell, number in counts.most_common(SHOWN))
    return f" ({listed}{', ...' if len(counts) > SHOWN else ''})"


def _short(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:g}"
    text = str(cell)
    return f"'{text if len(text) <= 40 else text[:37] + '...'}'"


def study_problems(error: ValidationError, study: Section) -> list[str]:
    """One line for each problem that pydantic found in a file; `study` is the model of the whole file, for lists of known keys."""
    return [line for detail in error.errors() for line in _lines(detail, study)]


def _lines(detail: Any, study: Section) -> list[str]:
    """One line for each problem at one place; checks of ours may report several."""
    location, kind, found = list(detail["loc"]), detail["type"], detail["input"]
    place = _place(location, study)
    if kind == "value_error":
        return [f"{place} {problem}.".lstrip() for problem in detail["ctx"]["error"].args]
    if kind == "missing":
        return [f"{place} must be given, but is missing; add it."]
    if kind == "extra_forbidden" and location[0] == "covariates" and len(location) == 3:
        name = _dotted([*location[1:]], found)
        if name:
            return [f'[covariates] {name} must be in quotes, because of its dots; write "{name}" = {{}}']
    if kind == "extra_forbidden":
        return [f"{place} is not a known key.{_known_keys(location, study)}"]
    if kind in ("model_type", "dict_type"):
        return [f"{place} must be a table of keys and values, but found {found!r}."]
    if kind == "string_too_short":
        return [f"{place} must not be empty; fill it in."]
    return [f"{place} {_must(detail)}, but found {found!r}."]


def _dotted(names: list[Any], found: Any) -> str | None:
    """The name with dots that a key without quotes was meant to be: TOML reads each part as a table in the last."""
    while isinstance(found, dict) and len(found) == 1 and isinstance(next(iter(found.values())), dict):
        (part, found), *_ = found.items()
        names.append(part)
    return ".".join(map(str, names)) if isinstance(found, dict) else None


def _must(detail: Any) -> str:
    """What pydantic wants, in the words of the project."""
    if detail["type"] == "string_pattern_mismatch":
        named = detail["loc"][-1] == "name"
        return f"must be {'a plain folder name of a-z, 0-9, _ and -' if named else '64 hexadecimal digits'}"
    message = re.sub(r"^\w+ should", "must", detail["msg"])
    message = re.sub(r"at least (\d+) items? after.*", r"at least \1 values", message)
    words = {
        "a valid string": "text",
        "a valid integer": "a whole number",
        "a valid ": "a ",
        "a tuple": "a list",
        "greater than 0": "above 0",
        "greater than or equal to": "at least",
    }
    for jargon, plain in words.items():
        message = message.replace(jargon, plain)
    return message


def _place(location: list[Any], study: Section) -> str:
    """``[cohort.columns] time`` for a key in a section, ``[cohort]`` for a section, a bare key at the top."""
    names = [str(part) for part in location if isinstance(part, str) and part != "[key]"]
    entry = "".join(f" (value {part + 1})" for part in location if isinstance(part, int))
    if not names:
        return ""
    if len(names) == 1:
        return (f"[{names[0]}]" if _inside(study, names[0]) else names[0]) + entry
    return f"[{'.'.join(names[:-1])}] {names[-1]}{entry}"


def _known_keys(location: list[Any], study: Section) -> str:
    """The keys of the section that a wrong key is in, the closest first."""
    section = study
    for part in location[:-1]:
        section = _inside(section, str(part)) or section
    known = list(section.model_fields)
    close = get_close_matches(str(location[-1]), known, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"{hint} Known keys: {', '.join(known)}."


def _inside(section: Section, key: str) -> Section | None:
    """The section under a key, or that the dictionary under it holds."""
    field = section.model_fields.get(key)
    candidates = [field.annotation, *get_args(field.annotation)] if field else []
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
