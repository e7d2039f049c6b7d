"""How every figure looks: colours, sizes, fonts and thin axes, in one place."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

# Okabe and Ito's colours, told apart with every common colour blindness and in grey print.
TREATED = "#0072B2"
CONTROL = "#D55E00"
POSTERIOR = "#0072B2"
MARGINAL = "#009E73"
PRIOR = "#8A8A8A"
OBSERVED = "#111111"
COMPARATOR = "#555555"
WARNING = "#CC79A7"
REFERENCE_LINE = "#777777"
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
ARM_COLOURS = {"treated": TREATED, "control": CONTROL}

WIDTH = 7.2
COLUMN = 3.35  # inches: one column of a journal, 85 mm
SMALL = 7.5
READABLE = 4.5  # contrast of text, WCAG 2.2, level AA
BAND_ALPHA = 0.2
DASHED: dict[str, Any] = {"color": REFERENCE_LINE, "linewidth": 0.8, "linestyle": (0, (4, 3))}
"""Of a line of no difference, or of a limit."""
BACKED = {
    "facecolor": "white",
    "edgecolor": "none",
    "pad": 0.6,
}  # box of a label behind which lines pass
WHOLE_ALPHA = 0.1  # of a band that is simultaneous over all times

SETTINGS: dict[Any, Any] = {
    "font.family": "sans-serif",
    # The first is part of matplotlib and measures the text; the others stand in where a reader lacks it,
    # and are not wider.
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": "#555555",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "white",
    "axes.prop_cycle": f"cycler('color', {list(CYCLE)})",
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": False,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    # Labels come from study files, where a dollar sign is a dollar sign and no formula.
    "text.parse_math": False,
    "text.usetex": False,
    # Text stays text: a page is smaller and can be searched.
    "svg.fonttype": "none",
    "savefig.facecolor": "white",
    "savefig.bbox": None,  # other packages, PreliZ among them, set it when they are imported
}


@contextmanager
def style() -> Generator[None]:
    """Draw, or save, in the style of the project; matplotlib's own settings come back afterwards."""
    with rc_context(SETTINGS):
        yield


_NARROW: ContextVar[bool] = ContextVar("narrow", default=False)


@contextmanager
def one_column() -> Generator[None]:
    """Make figures for one column of a journal, or a narrow screen, inside the block."""
    token = _NARROW.set(True)
    try:
        yield
    finally:
        _NARROW.reset(token)


def narrow() -> bool:
    """Return whether figures are made for one column."""
    return _NARROW.get()


def across(width: float = WIDTH) -> float:
    """Return a width in inches, no wider than one column where figures are made for one."""
    return min(width, COLUMN) if narrow() else width


def canvas(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure, so many inches high and `across` a width."""
    return Figure(figsize=(across(width), height), layout="constrained")


def beside(height: float, count: int, width: float = WIDTH, **subplots: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels beside each other; one below the other where figures are made for one column.

    Parameters
    ----------
    height, width : float
        Of the figure with panels beside each other, in inches.
    count : int
        Number of panels.
    **subplots
        As of `matplotlib.figure.Figure.subplots`; relative widths have no meaning in one column.
    """
    if not narrow():
        figure = canvas(height, width)
        return figure, list(figure.subplots(1, count, squeeze=False, **subplots)[0])
    figure = canvas((0.9 * height if count > 1 else height) * count)
    options = {name: value for name, value in subplots.items() if name not in ("width_ratios", "sharey")}
    drawn = figure.subplots(count, 1, squeeze=False, **options)
    return figure, list(np.ravel(drawn))


def contrast(colour: ColorType) -> float:
    """Return the contrast of a colour with white, between 1 and 21 (WCAG 2.2, relative luminance)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)
    )
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def ink(colour: ColorType) -> ColorType:
    """Return a colour in which text can be read on white: the same, or as much darker as that takes."""
    while contrast(colour) < READABLE:
        red, green, blue = to_rgb(colour)
        colour = (0.95 * red, 0.95 * green, 0.95 * blue)
    return colour


def quiet(axes: Axes, *, left: bool = True) -> None:
    """Take away the lines of an axes that say nothing.

    Parameters
    ----------
    axes : Axes
    left : bool
        Keep the vertical axis.
    """
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(which="minor", length=0)
    if not left:
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
