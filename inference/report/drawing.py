"""Figures on disk as SVG and PNG, drawn again only when what they show has changed."""

from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any, Self

import xarray as xr
from matplotlib.figure import Figure

from data.processes import end_workers
from inference.adjustments import ADJUSTMENTS
from inference.fits.worker_server import worker_pool
from inference.report.drawings import Drawing, Text
from inference.report.figures.diagnostics import DIAGNOSTICS, REVIEWED
from inference.report.figures.rendering import png_bytes, reword, svg_text
from inference.report.figures.style import one_column
from inference.storage.atomic import atomic_path, remove_parts, write_text
from inference.storage.checksums import digest
from inference.storage.closure import LAYERS, digest_of, reached

type Say = Callable[[str], str]  # from the words of a figure to what it says instead

FIGURES = Path(__file__).parent / "figures"  # whose source decides how a figure looks
DRAWERS = 2  # worker processes


def drawn(
    name: str,
    folder: Path,
    mark: str,
    draw: Callable[[], Figure],
    say: Say | None = None,
    *,
    pixels: bool = True,
) -> str:
    """Return a figure as SVG, taken from the folder where it was drawn under the same mark, else drawn and written.

    Parameters
    ----------
    name : str
        Of the files, without ending.
    folder : Path
        Where `name.svg` and `name.png` are.
    mark : str
        Digest of what the figure shows; it is the last line of the SVG.
    draw : callable
        Makes the figure.
    say : callable, optional
        Says its words otherwise.
    pixels : bool
        Whether it is a PNG file too.
    """
    line = last_line(mark, say)
    kept = _kept(name, folder, line, pixels=pixels)
    return _write(draw(), name, folder, line, say, pixels=pixels) if kept is None else kept


class DrawingWorkers:
    """Worker processes that draw into a folder, while the caller goes on.

    A context: left well, all is drawn; left by an error or an interrupt, what is not drawn is given up.

    Parameters
    ----------
    folder : Path
        Where the files are.
    workers : int
        How many.
    """

    def __init__(self, folder: Path, workers: int = DRAWERS) -> None:
        self.folder, self.workers = folder, workers
        self._drawings: list[Future[Any]] = []
        self._pool: ProcessPoolExecutor | None = None

    def submit[**P, T](self, draw: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
        """Return what is to come of a function that draws or writes; it and its arguments can be pickled."""
        if self._pool is None:
            self._pool = worker_pool(self.workers)
        drawing = self._pool.submit(draw, *arguments, **named)
        self._drawings.append(drawing)
        return drawing

    def finish(self, progress: Callable[[str, int, int], None]) -> None:
        """Wait until all is drawn."""
        for number, drawing in enumerate(self._drawings):
            progress("figures", number, len(self._drawings))
            drawing.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            # all are waited for before one that failed ends the workers: ending them while another is handed over may never return
            wait(self._drawings if kind is None else ())
            for drawing in self._drawings if kind is None else ():
                drawing.result()
        finally:
            if self._pool is not None:
                remove_parts(self.folder, end_workers([self._pool]))


class Drawer(DrawingWorkers):
    """Makes figures, while worker processes lay out and write those made before; those that are there are not made again.

    To make a figure takes a quarter of the time, to lay it out and to write it the rest.

    Parameters
    ----------
    folder : Path
        Where the files are.
    mark : str
        Digest of what the figures show.
    say : callable, optional
        Says their words otherwise.
    """

    def __init__(self, folder: Path, mark: str, say: Say | None = None) -> None:
        super().__init__(folder)
        self.line, self.say = last_line(mark, say), say

    def __call__(self, name: str, draw: Callable[[], Figure]) -> Drawing:
        """Return the drawing of a figure, wide and narrow, from its name and what makes it."""
        wide = self._text(name, draw)
        with one_column():
            narrow = self._text(f"{name}-narrow", draw)
        return Drawing(wide, narrow, self.folder / f"{name}.png")

    def _text(self, name: str, draw: Callable[[], Figure]) -> Text:
        kept = _kept(name, self.folder, self.line)
        if kept is not None:
            return lambda: kept
        return self.submit(_write, draw(), name, self.folder, self.line, self.say).result


def last_line(mark: str, say: Say | None) -> str:
    """Return the last line of the SVG of a figure: a digest of what it shows, of the source that draws it, and whether it is reworded."""
    return f"<!-- {digest([mark, source_of_figures(), say is not None])} -->\n"


@cache
def source_of_figures() -> str:
    """Return a digest of the source of every figure, and of what it reaches by imports."""
    return digest_of(reached(FIGURES.rglob("*.py"), LAYERS))


def _kept(name: str, folder: Path, line: str, *, pixels: bool = True) -> str | None:
    """Return the SVG of a figure that was drawn before and ends in the same line, None where there is none."""
    vector = folder / f"{name}.svg"
    if not (vector.is_file() and (not pixels or vector.with_suffix(".png").is_file())):
        return None
    kept = vector.read_text(encoding="utf-8")
    return kept.removesuffix(line) if kept.endswith(line) else None


def _write(
    figure: Figure, name: str, folder: Path, line: str, say: Say | None, *, pixels: bool = True
) -> str:
    """Write a figure as SVG, and as PNG if it is to have pixels, and return the SVG."""
    if say is not None:
        figure = reword(figure, say)
    svg = svg_text(figure, name)
    if pixels:
        with atomic_path(folder / f"{name}.png") as temporary:
            temporary.write_bytes(png_bytes(figure))
    write_text(folder / f"{name}.svg", svg + line)
    return svg


def diagnostics_for(adjustment: str, counts: bool = False) -> list[str]:
    """Return which diagnostic plots a fit has: none where nothing was sampled; of counts, none of single patients."""
    return (
        []
        if ADJUSTMENTS[adjustment].maximises
        else [one for one in DIAGNOSTICS if not counts or one != "loo"]
    )


def draw_diagnostic(
    name: str,
    fit: Callable[[], xr.DataTree],
    folder: Path,
    mark: str,
    say: Say | None,
    *,
    narrow: bool = False,
) -> str:
    """Return one of ArviZ's diagnostic plots of a fit as SVG; the fit is read only if the plot is missing.

    The narrow one is for the page on a narrow screen, and has no PNG file.
    """
    file = f"{name.replace('_', '-')}{'-narrow' if narrow else ''}"
    with one_column() if narrow else nullcontext():
        return drawn(file, folder, mark, lambda: REVIEWED[name](fit(), None), say, pixels=not narrow)
