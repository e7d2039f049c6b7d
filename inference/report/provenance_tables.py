"""How to get the same numbers again: the manifest as tables."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from inference.report.numbers import number, written
from inference.report.table import TEXT, Column, Table, heading


def command_line(manifest: Mapping[str, Any]) -> str:
    """Return the command that made the numbers, and after it the one that made the page from them; "" if the manifest names none."""
    commands = [manifest.get("command", ""), manifest.get("report", {}).get("command", "")]
    lines = [one if isinstance(one, str) else shlex.join(str(part) for part in one) for one in commands]
    return "; then ".join(filter(None, lines))


def tree_warning(manifest: Mapping[str, Any]) -> str:
    """Return a warning where the source is not exactly that of the commit, "" where it is."""
    clean = {
        key: value for key, value in flattened(manifest) if key.split(" · ")[-1] in ("clean", "tree_clean")
    }
    if not clean or all(value is True for value in clean.values()):
        return ""
    if any(value is None for value in clean.values()):
        return "The source was not run from a checkout, so its commit is unknown."
    return (
        "The source held changes that are in no commit: the commit alone does not give these numbers again."
    )


def is_quick(manifest: Mapping[str, Any]) -> bool:
    """Return whether the analysis was a quick look, which leaves models out."""
    return any(key.split(" · ")[-1] == "quick" and value is True for key, value in flattened(manifest))


def flattened(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the entries of a nested mapping with their paths, joined by a dot in the middle."""
    for key, value in content.items():
        path = f"{before} · {key}" if before else str(key)
        if isinstance(value, Mapping):
            yield from flattened(value, path)
        else:
            yield path, value


def manifest_tables(manifest: Mapping[str, Any]) -> list[Table]:
    """Return the manifest: one table of its single entries, one for each part."""
    single = {
        key: value for key, value in manifest.items() if not isinstance(value, Mapping) and key != "command"
    }
    parts = {key: value for key, value in manifest.items() if isinstance(value, Mapping) and value}
    tables = [_table("manifest", "The run", single, "")] if single else []
    for position, (key, content) in enumerate(parts.items()):
        tables.append(
            _table(
                f"manifest-{position}",
                heading(str(key)).removesuffix(" seconds"),
                dict(flattened(content)),
                str(key),
            )
        )
    return tables


def _table(name: str, caption: str, content: Mapping[str, Any], part: str) -> Table:
    frame = pd.DataFrame(
        {
            "entry": map(_label, content),
            "value": [_value(f"{part} {key}", one) for key, one in content.items()],
        }
    )
    return Table(name, caption, (Column("Entry", TEXT, "entry"), Column("Value", TEXT, "value")), frame)


def _label(path: str) -> str:
    """Return a path in words; names of files, packages and fits stay as they are."""
    plain = path.replace("_", "").replace(" · ", "").isalpha()
    return path.replace("_", " ") if plain else path


def _value(path: str, value: Any) -> str:
    if "wall" in path and isinstance(value, int | float) and not isinstance(value, bool):
        return f"{number(float(value))} s"
    return written(value)
