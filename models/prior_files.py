"""Prior sets read from TOML files: bundled with the package, with a study, or anywhere."""

from __future__ import annotations

import difflib
import sys
import tomllib
from collections.abc import Iterable, Mapping
from os.path import isfile
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.files import expand
from models.families import FAMILIES
from models.priors import Parameter, Prior, PriorSet

LARGEST = sys.float_info.max
BUNDLED = Path(__file__).parent / "prior_sets"


def _closest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known word and lists all."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}known: {', '.join(known)}"


def _parse_prior(place: str, table: Mapping[str, Any], parameter: Parameter) -> Prior:
    """Return the prior written in a table of a prior file."""
    name = table.get("distribution")
    if not isinstance(name, str) or name not in FAMILIES:
        found = "nothing" if name is None else repr(name)
        raise InputError(
            f"{place}: distribution must be a known distribution, but found {found}; "
            f"{_closest(str(name), FAMILIES)}"
        )
    family = FAMILIES[name]
    expected = {"distribution", "reason", *family.arguments}
    for key in table:
        if key not in expected:
            raise InputError(
                f"{place}: {key} must be a key of {name}, but found none; {_closest(key, expected)}"
            )
    arguments = {}
    for argument in family.arguments:
        value = table.get(argument)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
            found = "nothing" if value is None else repr(value)
            raise InputError(f"{place}: {argument} of {name} must be a finite number, but found {found}")
        if argument in family.positive and value <= 0:
            raise InputError(f"{place}: {argument} of {name} must be above 0, but found {value!r}")
        arguments[argument] = float(value)
    if family.support != parameter.support:
        fitting = [key for key, other in FAMILIES.items() if other.support == parameter.support]
        whole = "any real value" if parameter.support == "real" else "positive values only"
        raise InputError(
            f"{place}: {parameter.name} takes {whole}, so its prior must be one of {', '.join(fitting)}, "
            f"but found {name}"
        )
    reason = table.get("reason", "")
    if not isinstance(reason, str):
        raise InputError(f"{place}: reason must be a text, but found {reason!r}")
    return Prior(name, arguments, reason)


def parse_prior_set(content: Mapping[str, Any], origin: str, parameters: Mapping[str, Parameter]) -> PriorSet:
    """Return the prior set written in a parsed TOML file.

    Parameters
    ----------
    content : mapping
        The parsed file.
    origin : str
        Name of the file, for messages.
    parameters : mapping of str to Parameter
        Every parameter that exists.

    Raises
    ------
    InputError
        For an unknown parameter, an unknown distribution, or a support that does not fit.
    """
    name, reason = content.get("name"), content.get("reason", "")
    if not isinstance(name, str) or not name.strip():
        raise InputError(
            f'{origin}: name must be a text, but found {name!r}; begin the file with name = "..."'
        )
    if not isinstance(reason, str):
        raise InputError(f"{origin}: reason must be a text, but found {reason!r}")
    overrides: dict[str, Prior] = {}
    by_term: dict[str, dict[str, Prior]] = {}
    for key, table in content.items():
        if key in ("name", "reason"):
            continue
        if key not in parameters:
            raise InputError(
                f"{origin}: {key} must be a parameter, but found none of that name; "
                f"{_closest(key, parameters)}"
            )
        if not isinstance(table, Mapping):
            raise InputError(f"{origin}: {key} must be a table [{key}], but found {table!r}")
        parameter = parameters[key]
        terms = {term: inner for term, inner in table.items() if isinstance(inner, Mapping)}
        rest = {term: inner for term, inner in table.items() if term not in terms}
        if terms and parameter.dim != "term":
            raise InputError(f'{origin}: {key} has no terms, but found [{key}."{next(iter(terms))}"]')
        if rest or not terms:
            overrides[key] = _parse_prior(f"{origin}: [{key}]", rest, parameter)
        for term, inner in terms.items():
            by_term.setdefault(key, {})[term] = _parse_prior(f'{origin}: [{key}."{term}"]', inner, parameter)
    return PriorSet(name, reason, overrides, by_term)


def find_prior_set(reference: str | Path, study_folder: Path | None = None) -> Path:
    """Return the file of a prior set: a path, then the study's `priors/`, then the bundled sets.

    Raises
    ------
    InputError
        When there is none; the message lists the names that would do.
    """
    given = expand(reference)
    if isfile(given):  # of os.path, which takes any text for a path that is not there
        return given
    if given.suffix == ".toml" or len(given.parts) > 1:
        raise InputError(f"prior set must be a file or a known name, but found no file {reference}")
    folders = [*([study_folder / "priors"] if study_folder else []), BUNDLED]
    for folder in folders:
        candidate = folder / f"{reference}.toml"
        if isfile(candidate):
            return candidate
    known = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    raise InputError(
        f"prior set must be a file or a known name, but found {reference}; {_closest(str(reference), known)}"
    )


def prior_set_names(study_folder: Path | None = None) -> list[str]:
    """Return the names of the bundled prior sets and of the study's own, `default` first."""
    folders = [*([study_folder / "priors"] if study_folder else []), BUNDLED]
    found = {path.stem for folder in folders for path in folder.glob("*.toml")}
    return sorted(found, key=lambda name: (name != "default", name))


def read_prior_set(
    reference: str | Path, parameters: Mapping[str, Parameter], study_folder: Path | None = None
) -> PriorSet:
    """Return a prior set by path or by name.

    Raises
    ------
    InputError
        When the file is missing, is not TOML, or holds a prior that cannot be used.
    """
    path = find_prior_set(reference, study_folder)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(
            f"{path}: the prior set must be a readable TOML file in UTF-8, but found: {error}"
        ) from error
    return parse_prior_set(content, str(path), parameters)
