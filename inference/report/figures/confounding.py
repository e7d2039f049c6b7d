"""How strong an unmeasured confounder must be: the probability of benefit over its strength, beside measured covariates."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter
from matplotlib.transforms import Bbox

from inference.report.figures.rendering import lay_out
from inference.report.figures.style import (
    BAND_ALPHA,
    COMPARATOR,
    OBSERVED,
    POSTERIOR,
    REFERENCE_LINE,
    SMALL,
    WARNING,
    beside,
    quiet,
    style,
)
from inference.report.figures.wording import ratio_ticks, wrapped

CAPTION = (
    "First panel: the probability that treatment helps, had a harmful condition been overlooked that multiplies the "
    "hazard by the number on the vertical axis and is more common among the untreated by the number on the horizontal one. "
    "The further a line lies to the upper right, the more is needed. Points are measured covariates that were "
    "adjusted for, at their own strength: filled where they are more common among the untreated, as the overlooked "
    "condition would have to be, open where more common among the treated, which works the other way. Second panel: the "
    "hazard ratio of treatment that is left (median and 95 %) along the dashed line of the first panel, where the condition "
    "multiplies the hazard by as much as it is more common among the untreated."
)
LEVELS = (0.5, 0.8, 0.95, 0.99)
SHADES = ("#F6DCEB", "#F2EDF3", "#E6EEF5", "#CFE1EF", "#B5D2E8")
LABELLED = 6
SHORTEST = 0.25  # of the axes: a contour on which its probability can be written
BEHIND = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.6}
OFFSETS = ((6, 0), (-6, 0), (0, 7), (0, -7), (6, 7), (-6, 7), (6, -7), (-6, -7), (6, 14), (-6, 14), (6, -14))


@style()
def confounding_figure(surface: pd.DataFrame, line: pd.DataFrame, measured: pd.DataFrame) -> Figure:
    """Return the probability of benefit over strengths, and the hazard ratio along the symmetric line.

    Parameters
    ----------
    surface : DataFrame
        hazard_ratio, difference (share), probability_of_benefit; every pair of a grid.
    line : DataFrame
        hazard_ratio, difference, median, lower, upper, probability_of_benefit along the symmetric line, rising.
    measured : DataFrame
        label, hazard_ratio (at least 1), difference (share, untreated minus treated), e_value; may be empty. The strongest
        are labelled; those beyond the grid stand at its edge.
    """
    figure, (left, right) = beside(3.9, 2, width_ratios=[1.55, 1.0])
    _draw_surface(left, surface)
    left.plot(line["difference"], line["hazard_ratio"], color=OBSERVED, linewidth=0.9, linestyle=(0, (4, 3)))
    _draw_line(right, line)
    # Positions on the page are known only after the layout: labels are put last, where they are free.
    lay_out(figure)
    _draw_measured(left, measured)
    return figure


def _draw_surface(axes: Axes, surface: pd.DataFrame) -> None:
    table = surface.pivot(index="hazard_ratio", columns="difference", values="probability_of_benefit")
    differences, ratios = table.columns.to_numpy(dtype=float), table.index.to_numpy(dtype=float)
    values = table.to_numpy(dtype=float)
    axes.contourf(differences, ratios, values, levels=[-0.1, *LEVELS, 1.1], colors=SHADES, zorder=0)
    axes.set_yscale("log")
    ticks = _strength_ticks(ratios[-1])
    axes.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(differences[0], differences[-1])
    axes.set_ylim(ratios[0], ratios[-1])
    inside = [level for level in LEVELS if values.min() < level < values.max()]
    if inside:
        lines = axes.contour(
            differences, ratios, values, levels=inside, colors=POSTERIOR, linewidths=1.0, zorder=1
        )
        _label_lines(axes, lines)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=""))
    axes.set_xlabel("More common among the untreated by (percentage points)")
    axes.set_ylabel("Hazard ratio of the overlooked condition")
    axes.set_title("Probability that treatment helps")
    quiet(axes)


def _label_lines(axes: Axes, lines: ContourSet) -> None:
    """Write the probability on every contour that is long enough to carry it, to the right, where few covariates are."""
    to_page = axes.transData - axes.transAxes
    written, places = [], []
    for level, parts in zip(lines.levels, lines.allsegs, strict=True):
        longest = max(parts, key=len)
        longest = longest if longest[0, 0] < longest[-1, 0] else longest[::-1]
        steps = np.linalg.norm(np.diff(to_page.transform(longest), axis=0), axis=1)
        if steps.sum() > SHORTEST:
            written.append(level)
            places.append(longest[np.searchsorted(np.cumsum(steps), 0.75 * steps.sum())])
    if written:
        axes.clabel(lines, written, manual=places, fmt="%g", fontsize=SMALL, inline_spacing=3)


def _strength_ticks(largest: float) -> list[float]:
    """Return round ratios from 1 to the largest, which need not be exact."""
    return [tick for tick in (1, 1.5, 2, 3, 4, 6, 10, 20) if tick <= largest * 1.001]


def _draw_line(axes: Axes, line: pd.DataFrame) -> None:
    """Draw what is left of the effect; vertical marks where the probability of benefit falls to 0.95 and 0.5."""
    strength = line["hazard_ratio"].to_numpy(dtype=float)
    low, middle, high = (line[name].to_numpy(dtype=float) for name in ("lower", "median", "upper"))
    axes.fill_between(strength, low, high, color=POSTERIOR, alpha=BAND_ALPHA, linewidth=0)
    axes.plot(strength, middle, color=POSTERIOR)
    axes.axhline(1.0, color=REFERENCE_LINE, linewidth=0.8, linestyle=(0, (1, 2)))
    benefit = line["probability_of_benefit"].to_numpy(dtype=float)
    for level in (0.95, 0.5):
        fallen = np.flatnonzero(benefit <= level)
        if len(fallen) and fallen[0] > 0:
            pair = slice(fallen[0], fallen[0] - 2 if fallen[0] > 1 else None, -1)  # rising probabilities
            at = np.exp(np.interp(level, benefit[pair], np.log(strength[pair])))
            axes.axvline(at, color=WARNING, linewidth=0.8)
            axes.annotate(
                f"P = {level:g}",
                (at, 1.0),
                xycoords=axes.get_xaxis_transform(),
                xytext=(-2, -3),
                textcoords="offset points",
                rotation=90,
                ha="right",
                va="top",
                fontsize=SMALL,
                color=WARNING,
            )
    for scale, place in ((axes.set_xscale, axes.xaxis), (axes.set_yscale, axes.yaxis)):
        scale("log")
        place.set_minor_locator(NullLocator())
    bottom, top = min(0.9, low.min() / 1.05), max(1.1, high.max() * 1.05)
    axes.set_xlim(strength[0], strength[-1])
    axes.set_ylim(bottom, top)
    for ticks, put in (
        (_strength_ticks(strength[-1]), axes.set_xticks),
        (ratio_ticks(bottom, top), axes.set_yticks),
    ):
        put(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.set_xlabel("Hazard ratio = prevalence ratio (dashed)")
    axes.set_ylabel("Hazard ratio of treatment")
    axes.set_title("What is left of the effect")
    quiet(axes)


def _draw_measured(axes: Axes, measured: pd.DataFrame) -> None:
    """Draw measured covariates, the strongest with a label where nothing else lies."""
    if measured.empty:
        return
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    ordered = measured.sort_values("e_value", ascending=False, kind="stable")
    across = ordered["difference"].abs().clip(left, right).to_numpy(dtype=float)
    up = ordered["hazard_ratio"].clip(bottom, top).to_numpy(dtype=float)
    filled = ordered["difference"].to_numpy(dtype=float) >= 0
    for x, height, full in zip(across, up, filled, strict=True):
        axes.plot(
            x,
            height,
            "o",
            color=COMPARATOR,
            markerfacecolor=COMPARATOR if full else "white",
            markersize=4.5,
            clip_on=False,
            zorder=4,
        )
    pixels = axes.transData.transform(np.column_stack([across, up]))
    taken = [Bbox.from_bounds(x - 5, height - 5, 10, 10) for x, height in pixels]
    taken += [text.get_window_extent() for text in axes.texts]
    labels = ordered["label"].astype(str).to_numpy()[:LABELLED]
    for number, text in enumerate(labels):
        _put_label(axes, wrapped(text, 30), (across[number], up[number]), taken)


def _put_label(axes: Axes, text: str, at: tuple[float, float], taken: list[Bbox]) -> None:
    """Put a label beside its point where it lies over no other point or label; without such a place it is left out."""
    figure = axes.get_figure()
    assert figure is not None
    renderer = FigureCanvasAgg(figure.figure).get_renderer()
    for right, up in OFFSETS:
        label = axes.annotate(
            text,
            at,
            xytext=(right, up),
            textcoords="offset points",
            ha="left" if right > 0 else "right" if right < 0 else "center",
            va="center",
            fontsize=SMALL,
            color=OBSERVED,
            zorder=5,
            bbox=BEHIND,
        )
        box = label.get_window_extent(renderer)
        frame = axes.get_window_extent(renderer)
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        if inside and not any(box.overlaps(other) for other in taken):
            taken.append(box)
            return
        label.remove()
