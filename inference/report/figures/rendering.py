"""A figure as the text of an SVG, or as the bytes of a PNG: nothing is written to a file."""

import io
import re
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from inference.report.figures.style import COLUMN, ink, style
from inference.report.figures.wording import broken

LAYOUT_DPI = 160  # also of what an SVG holds as pixels
POINTS = 72  # an inch
LETTER = 5.0  # points: width of a letter of a label, on average
TITLE = 0.75  # as many letters of a title, which are larger and bold, fit where one of a label does
APART = 4  # pixels between the labels of ticks
PNG_DPI = 300  # as journals ask for
_NUMBER = re.compile(r"-?\d+\.\d+")


def svg_text(figure: Figure, name: str) -> str:
    """Return a figure as an SVG element that can stand in a page beside others.

    Parameters
    ----------
    figure : Figure
    name : str
        Makes the identifiers inside the SVG its own: two figures of one page may not share a clip path.
        Characters that an identifier may not hold become hyphens.

    Returns
    -------
    str
        Starts with ``<svg``. The same figure gives the same text: no date, no random identifiers.
    """
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
    written = io.StringIO()
    with style(), rc_context({"svg.hashsalt": name, "svg.id": name}), _scripts_without_glyphs():
        lay_out(figure)
        figure.savefig(written, format="svg", dpi=LAYOUT_DPI, metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    text = text[text.index("<svg") :]
    # Groups are numbered alike in every figure; an identifier may occur only once in a page.
    text = re.sub(r'(<g id=")', rf"\g<1>{name}-", text)
    # A tenth of a point is as fine as a screen shows, and takes a third of the room.
    return re.sub(r'(?<= d=")[^"]*(?=")', lambda path: _short(path[0]), text)


def png_bytes(figure: Figure, dpi: int = PNG_DPI) -> bytes:
    """Return a figure as a PNG image."""
    written = io.BytesIO()
    with style(), _scripts_without_glyphs():
        lay_out(figure)
        figure.savefig(written, format="png", dpi=dpi)
    return written.getvalue()


def lay_out(figure: Figure) -> None:
    """Give everything in a figure its place, once: what is added later goes where it is put, and moves nothing.

    Text in the colour of a thin line is darkened until it can be read. Left to itself, a layout engine does it twice for each format that is written. Text is up to a tenth wider at one resolution than
    at another, because its letters stand on whole pixels: places are those of the resolution at which the figure is written.
    """
    engine = figure.get_layout_engine()
    if engine is not None:
        figure.dpi = LAYOUT_DPI
        for text in figure.findobj(Text):
            text.set_color(ink(text.get_color()))
        one_column = figure.get_size_inches()[0] <= COLUMN
        labels = [(axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")) for axes in figure.axes]
        for _ in range(2 if one_column else 1):  # labels fit roughly, then places known
            if one_column:
                _wrap_labels(figure, labels)
            with warnings.catch_warnings():
                if one_column:  # before labels are broken to the room that there is, there may be none
                    warnings.filterwarnings("ignore", "constrained_layout not applied", UserWarning)
                engine.execute(figure)
        if one_column:
            _thin_ticks(figure)
        figure.set_layout_engine(None)


def _wrap_labels(figure: Figure, labels: Sequence[tuple[str, str, str]]) -> None:
    """Break titles and labels of axes that would not fit into one column where the axes have their places; as they were, of each axes."""
    points = POINTS * figure.get_size_inches()[0]
    for axes, (below, beside, title) in zip(figure.axes, labels, strict=True):
        place, spec = axes.get_position(), axes.get_subplotspec()
        alone = spec is None or spec.get_gridspec().ncols == 1
        room = int(points * (1.0 - place.x0 if alone else place.width) / LETTER)
        axes.xaxis.label.set_text(broken(below, max(room, 12)))
        axes.yaxis.label.set_text(broken(beside, 38))
        axes.set_title(broken(title, max(int(TITLE * room), 12)), loc="left")
        if (
            alone
        ):  # beside the axes there may be texts: a label in its middle would begin outside of the figure
            axes.xaxis.label.set(x=0.0, horizontalalignment="left")


def _thin_ticks(figure: Figure) -> None:
    """Keep every second, or third, of the labels below axes where they would lie on each other."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    for axes in figure.axes:
        low, high = sorted(axes.get_xlim())
        marks = [
            (label.get_position()[0], label.get_text(), label.get_window_extent(renderer))
            for label in axes.get_xticklabels()
            if low <= label.get_position()[0] <= high and label.get_text()
        ]
        step = 1
        while any(one[2].x1 + APART > other[2].x0 for one, other in pairwise(marks[::step])):
            step += 1
        if step > 1:
            axes.set_xticks([place for place, *_ in marks[::step]], [text for _, text, _ in marks[::step]])


def reword(figure: Figure, say: Callable[[str], str]) -> Figure:
    """Return a figure in which every text is said otherwise; before it is laid out, so that there is room for it."""
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        labels = [label.get_text() for label in axis.get_ticklabels()]
        said = [say(label) for label in labels]
        if said != labels:
            axis.set_ticks(axis.get_ticklocs(), labels=said)
    for text in figure.findobj(Text):
        text.set_text(say(text.get_text()))
    return figure


def _short(path: str) -> str:
    path = _NUMBER.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), path)
    return re.sub(r"\s+(?=[MLQCzZ])|\s+$|(?<=[MLQC])\s+", "", path)


@contextmanager
def _scripts_without_glyphs() -> Generator[None]:
    """Let labels in scripts that the font lacks pass: in an SVG the reader's own fonts draw them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font", category=UserWarning)
        yield
