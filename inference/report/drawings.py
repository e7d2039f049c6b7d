"""The drawings of a page: texts that may still be in the making while the page is put together."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from inference.report.figures.rendering import svg_text
from inference.report.figures.style import one_column

type Text = Callable[[], str]  # gives the SVG, and waits for it if need be


@dataclass(frozen=True)
class Drawing:
    """A figure as it is drawn."""

    wide: Text  # gives the SVG, as wide as the page
    narrow: Text | None = None  # the same for a narrow screen, or one column of a journal (85 mm)
    pixels: Path | None = None  # the PNG file of the wide one

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process as texts, for which it waits."""
        narrow = None if self.narrow is None else partial(str, self.narrow())
        return Drawing, (partial(str, self.wide()), narrow, self.pixels)


type Draw = Callable[[str, Callable[[], Figure]], Drawing]  # from a name, and what makes the figure


def drawn_when_asked(name: str, draw: Callable[[], Figure]) -> Drawing:
    """Return the drawing of a figure, written out when it is asked for and kept nowhere."""
    wide = draw()
    with one_column():
        narrow = draw()
    return Drawing(lambda: svg_text(wide, name), lambda: svg_text(narrow, f"{name}-narrow"))
