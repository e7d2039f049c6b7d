"""Model cards: what a member of a family is, in words, from a text file beside its module."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import InputError


@dataclass(frozen=True)
class Card:
    """What a reader should know of a baseline hazard, an effect shape or an adjustment.

    Attributes
    ----------
    formula : str
    graph : tuple of str
        Arrows of its directed graph, each as "cause -> effect".
    assumes, misleads : str
        What must hold, and where it goes wrong if that does not.
    cut : tuple of str
        Arrows of the graph along which nothing flows back: what is known of the effect does not inform the cause.
    reference : str
        DOI, empty for none.
    """

    formula: str
    graph: tuple[str, ...]
    assumes: str
    misleads: str
    cut: tuple[str, ...] = ()
    reference: str = ""

    @property
    def arrows(self) -> tuple[tuple[str, str], ...]:
        """Cause and effect of each arrow of the graph."""
        return tuple((cause, effect) for cause, _, effect in (one.partition(" -> ") for one in self.graph))


def read_card(folder: Path, name: str) -> Card | None:
    """Return the card of a member, from `<name>.toml` in the folder of its family; None where there is none.

    Raises
    ------
    InputError
        Where the file lacks a field, or has one that no card has.
    """
    file = folder / f"{name}.toml"
    if not file.is_file():
        return None
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in content.items()
    }
    try:
        return Card(**fields)
    except TypeError as error:
        raise InputError(f"{file}: must have the fields of a model card, but: {error}") from error
