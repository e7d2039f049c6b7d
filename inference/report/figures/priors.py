"""What was believed before and what is believed after: prior against posterior, parameter by parameter."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from inference.report.figures.style import DASHED, POSTERIOR, PRIOR, SMALL, WIDTH, canvas, quiet, style
from inference.report.figures.wording import ratio_ticks, wrapped

CAPTION = (
    "Grey is the prior density of a parameter, blue the posterior; axes are cut to where the posterior "
    "lies, so a wide prior looks flat. A posterior that lies far in the tail of its prior, or that equals "
    "it, deserves a question: the first says that prior and cohort disagree, the second that the cohort "
    "has no say."
)

COLUMNS = 3


@style()
def prior_posterior_figure(
    prior: Mapping[str, ArrayLike],
    posterior: Mapping[str, ArrayLike],
    labels: Mapping[str, str],
    log_ratios: Sequence[str] = ("treatment_effect",),
) -> Figure:
    """Return prior and posterior densities of the main parameters.

    Parameters
    ----------
    prior, posterior : mapping of str to (draw,) array
        Draws by parameter; only those in both are shown, in the order of the posterior.
    labels : mapping of str to str
        What to print for a parameter, by default its name.
    log_ratios : sequence of str
        Parameters that are log hazard ratios: they get a second axis above, in hazard ratios.
    """
    names = [name for name in posterior if name in prior]
    columns = 2 if len(names) == 4 else min(COLUMNS, max(1, len(names)))
    rows = max(1, math.ceil(len(names) / columns))
    width = WIDTH if columns == COLUMNS else 2.6 * columns
    figure = canvas(1.9 * rows + 0.3, width)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for position, (axes, name) in enumerate(zip(panels, names, strict=False)):
        before, after = _finite(prior[name]), _finite(posterior[name])
        low, high = shown_range(before, after)
        heights = []
        for draws, colour, label in ((before, PRIOR, "prior"), (after, POSTERIOR, "posterior")):
            grid, density = _density(draws, low, high)
            axes.fill_between(grid, density, color=colour, alpha=0.25, linewidth=0)
            axes.plot(grid, density, color=colour, linewidth=1.2, label=label)
            heights.append(float(density.max(initial=0.0)))
        axes.set_xlim(low, high)
        axes.set_ylim(0, 1.15 * max(heights))
        axes.set_yticks([])
        axes.set_xlabel(wrapped(labels.get(name, name), 34))
        quiet(axes, left=False)
        if name in log_ratios:
            _ratio_axis(axes, low, high)
        if position == 0:
            name_the_densities(axes)
    return figure


def _finite(draws: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(draws, dtype=float).ravel()
    return values[np.isfinite(values)]


def shown_range(prior: NDArray, posterior: NDArray) -> tuple[float, float]:
    """Return limits that hold the posterior and as much of the prior as leaves the posterior readable."""
    low, high = np.quantile(posterior, [0.0005, 0.9995])
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    prior_low, prior_high = np.quantile(prior, [0.01, 0.99])
    room = 2.5 * (high - low)
    return max(min(low, prior_low), low - room), min(max(high, prior_high), high + room)


def _density(draws: NDArray, low: float, high: float) -> tuple[NDArray, NDArray]:
    """Return a kernel density of draws between two limits, which a positive support bounds at 0."""
    if np.ptp(draws) == 0:
        return np.array([draws[0]] * 2), np.array([0.0, 1.0])
    inside = draws[(draws >= low - (high - low)) & (draws <= high + (high - low))]
    share = inside.size / draws.size
    if inside.size < 20:
        return np.array([low, high]), np.zeros(2)
    from arviz_stats.base import array_stats  # as in `inference.fits.datatree`

    grid, height, _ = array_stats.kde(inside, bw="silverman")
    shown = np.linspace(max(low, grid[0]), min(high, grid[-1]), 160)
    return shown, share * np.interp(shown, grid, height)


def _ratio_axis(axes: Axes, low: float, high: float) -> None:
    above = axes.secondary_xaxis("top", functions=(np.exp, np.log))
    above.set_xscale("log")
    ticks = ratio_ticks(math.exp(low), math.exp(high))
    while len(ticks) > 6:
        ticks = [tick for tick in ticks if tick == 1 or ticks.index(tick) % 2 == ticks.index(1) % 2]
    above.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    above.set_xticks([], minor=True)
    above.set_xlabel("Hazard ratio", fontsize=SMALL)
    axes.axvline(0, **DASHED, zorder=0)


def name_the_densities(axes: Axes) -> None:
    """Print "prior" and "posterior" in their colours in the upper right corner."""
    for row, (label, colour) in enumerate((("prior", PRIOR), ("posterior", POSTERIOR))):
        axes.annotate(
            label,
            (0.99, 0.98),
            xytext=(0, -1.3 * SMALL * row),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="top",
            color=colour,
            fontsize=SMALL,
            fontweight="bold",
        )
