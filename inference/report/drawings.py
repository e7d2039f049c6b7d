"""The drawings of a page: texts that may still be in the making while the page is put together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from matplotlib.figure import Figure

from inference.report.figures.rendering import svg_text

type Drawing = Callable[[], str]  # gives the SVG, and waits for it if need be
type Draw = Callable[[str, Callable[[], Figure]], Drawing]  # from a name, and what makes the figure


def drawn_when_asked(name: str, draw: Callable[[], Figure]) -> Drawing:
    """Return the drawing of a figure, written out when it is asked for and kept nowhere."""
    return partial(svg_text, draw(), name)
