"""Figures on disk as SVG and PNG, drawn again only when what they show has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from inference.adjustments import ADJUSTMENTS
from inference.atomic import atomic_path, write_text
from inference.figures import DIAGNOSTICS, png_bytes, svg_text
from inference.store import digest


def drawn(name: str, folder: Path, mark: str, draw: Callable[[], Figure]) -> str:
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
    """
    vector, pixels = folder / f"{name}.svg", folder / f"{name}.png"
    line = f"<!-- {digest([mark, figures_source()])} -->"
    if vector.is_file() and pixels.is_file():
        kept = vector.read_text(encoding="utf-8")
        if kept.endswith(f"{line}\n"):
            return kept.removesuffix(f"{line}\n")
    figure = draw()
    svg = svg_text(figure, name)
    with atomic_path(pixels) as temporary:
        temporary.write_bytes(png_bytes(figure))
    write_text(vector, f"{svg}{line}\n")
    return svg


def diagnostics_for(adjustment: str) -> list[str]:
    """Return which diagnostic plots a fit has: none where nothing was sampled, no `loo` without a likelihood of all patients."""
    kind = ADJUSTMENTS[adjustment]
    return [] if kind.maximises else [name for name in DIAGNOSTICS if name != "loo" or not kind.population]


def draw_diagnostics(
    names: Sequence[str],
    fit: Callable[[], xr.DataTree],
    folder: Path,
    mark: str,
    told: Callable[[str, int, int], None],
) -> dict[str, str]:
    """Return some of ArviZ's diagnostic plots of a fit as SVG by name; the fit is asked for only where one is missing."""
    plots = {}
    for number, name in enumerate(names):
        told(f"diagnostic plot: {name}", number, len(names))
        plots[name] = draw_diagnostic(name, fit, folder, mark)
    return plots


def draw_diagnostic(name: str, fit: Callable[[], xr.DataTree], folder: Path, mark: str) -> str:
    """Return one of ArviZ's diagnostic plots of a fit as SVG; the fit is asked for only if the plot is missing."""
    return drawn(name.replace("_", "-"), folder, mark, lambda: DIAGNOSTICS[name](fit(), None))


@cache
def figures_source() -> str:
    """Return a digest of the source that draws."""
    seen = sha256()
    for file in sorted((Path(__file__).parent / "figures").rglob("*.py")):
        seen.update(file.read_bytes())
    return seen.hexdigest()[:16]
