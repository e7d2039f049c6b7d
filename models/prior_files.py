"""Prior sets read from TOML files: bundled with the package, with a study, or anywhere."""

import difflib
import sys
import tomllib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from os.path import isfile
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import CohortWarning, InputError
from data.files import decode, expand, read_bytes
from models.families import FAMILIES
from models.priors import Parameter, Prior, PriorSet
from models.units import in_time_unit, median_survival, time_ratio

FAR = 3.0  # a month is four weeks and more
LARGEST = sys.float_info.max
PER = ("unit", "sd")
NOT_PARAMETERS = ("name", "reason", "time_unit")
BUNDLED = Path(__file__).parent / "prior_sets"


def _closest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known word and lists all."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}known: {', '.join(known)}"


def _parse_prior(place: str, table: Mapping[str, Any], parameter: Parameter, time_unit: str) -> Prior:
    """Return the prior written in a table of a prior file whose times are in a unit; empty for that of the study."""
    name = table.get("distribution")
    if not isinstance(name, str) or name not in FAMILIES:
        found = "nothing" if name is None else repr(name)
        raise InputError(
            f"{place}: distribution must be a known distribution, but found {found}; "
            f"{_closest(str(name), FAMILIES)}"
        )
    family = FAMILIES[name]
    expected = {"distribution", "reason", *family.arguments}
    if parameter.dim == "term":
        expected.add("per")
    elif "per" in table:
        raise InputError(
            f"{place}: per must be left out, because {parameter.name} is no coefficient of a column, but found {table['per']!r}"
        )
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
    per = table.get("per", "unit")
    if per not in PER:
        raise InputError(
            f'{place}: per must be "unit" or "sd" (standard deviation of the column), but found {per!r}'
        )
    return Prior(name, arguments, reason, per, time_unit if parameter.of_time else "")


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
    time_unit = content.get("time_unit", "")
    if not isinstance(time_unit, str):
        raise InputError(f'{origin}: time_unit must be a text such as "months", but found {time_unit!r}')
    overrides: dict[str, Prior] = {}
    by_term: dict[str, dict[str, Prior]] = {}
    for key, table in content.items():
        if key in NOT_PARAMETERS:
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
            overrides[key] = _parse_prior(f"{origin}: [{key}]", rest, parameter, time_unit)
        for term, inner in terms.items():
            place = f'{origin}: [{key}."{term}"]'
            part = next((name for name, value in inner.items() if isinstance(value, Mapping)), None)
            if part is not None:
                raise InputError(
                    f'{place}: a term with dots must be in quotes, but found {term}.{part}; write [{key}."{term}.{part}"]'
                )
            by_term.setdefault(key, {})[term] = _parse_prior(place, inner, parameter, time_unit)
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
    reference: str | Path,
    parameters: Mapping[str, Parameter],
    study_folder: Path | None = None,
    time_unit: str = "",
) -> PriorSet:
    """Return a prior set by path or by name.

    Parameters
    ----------
    reference : str or Path
    parameters : mapping of str to Parameter
        Every parameter that exists.
    study_folder : Path, optional
        Of the study that it is for.
    time_unit : str
        Of that study; empty where the set is read for none.

    Raises
    ------
    InputError
        When the file is missing, is not TOML, holds a prior that cannot be used, or one in a unit of time that cannot be
        converted to the study's.

    Warns
    -----
    CohortWarning
        When the set lies outside the study's folder, holds priors of times or rates, and does not state their unit.
    """
    path = find_prior_set(reference, study_folder)
    text = decode(read_bytes(path), str(path))
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: the prior set must be valid TOML, but: {error}") from error
    priors = parse_prior_set(content, str(path), parameters)
    own = study_folder is not None and path.resolve().is_relative_to(study_folder.resolve())
    caution = _caution(priors, path, parameters, time_unit, own) if time_unit else ""
    if caution:
        warnings.warn(f"prior set {priors.name}: {path} {caution}", CohortWarning, stacklevel=2)
    return replace(priors, caution=caution)


def with_conflict(
    priors: PriorSet, parameters: Mapping[str, Parameter], time_unit: str, survival: float
) -> PriorSet:
    """Return a prior set with a caution where its level of survival is far from that of the patients, as in another unit of time.

    Parameters
    ----------
    priors : PriorSet
    parameters : mapping of str to Parameter
    time_unit : str
        Of the study.
    survival : float
        Median survival of the patients under a constant hazard, log(2) times their time over their events, in that unit.

    Warns
    -----
    CohortWarning
        Where it is more than `FAR` times outside the 99 % interval of the prior.
    """
    for name, stated in priors.overrides.items():
        parameter = parameters[name]
        if not parameter.of_time:
            continue
        prior = in_time_unit(parameter, stated, time_unit).frozen
        ends = np.array([prior.ppf(0.005), prior.ppf(0.995)])
        low, high = np.sort(ends if parameter.of_time == "time" else np.log(2.0) * np.exp(-ends))
        if low / FAR <= survival <= high * FAR:
            continue
        caution = (
            f"[{name}] has a median survival of {low:.3g} to {high:.3g} {time_unit} (99 %), while that of the patients is near "
            f'{survival:.3g}: is the prior of another unit of time? Write time_unit = "..." at the top of its file'
        )
        warnings.warn(f"prior set {priors.name}: {caution}", CohortWarning, stacklevel=2)
        return replace(priors, caution="; ".join(filter(None, [priors.caution, caution])))
    return priors


def _caution(priors: PriorSet, path: Path, parameters: Mapping[str, Parameter], unit: str, own: bool) -> str:
    """Return what to know of a set that is not the study's own and states no unit of time, with its prior median survival.

    Raises
    ------
    InputError
        Where it states one that cannot be converted to the study's.
    """
    of_time = {name: prior for name, prior in priors.overrides.items() if parameters[name].of_time}
    stated = next((prior.time_unit for prior in of_time.values()), "")
    if stated and time_ratio(stated, unit) is None:
        raise InputError(
            f"{path}: time_unit must be {unit}, the study's, or both must be days, weeks, months or years, but found {stated}"
        )
    if stated or own or not of_time:
        return ""
    medians = ", ".join(
        f"{median_survival(parameters[name], prior):.3g} {unit} by [{name}]"
        for name, prior in of_time.items()
    )
    return (
        f"states no time_unit, so that it is read in {unit}, the study's: a prior median survival of {medians}; write "
        'time_unit = "..." at the top of the file, and it is converted'
    )
