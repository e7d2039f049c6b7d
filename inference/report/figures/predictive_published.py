"""The printed numbers among those that replicated studies would have printed."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data.published.audit.finding import analysis_words
from inference.report.figures.axes import ratio_axis
from inference.report.figures.style import OBSERVED, POSTERIOR, WARNING, canvas, narrow, quiet, style
from inference.report.figures.wording import capitalised, wrapped

CAPTION = (
    "Black marks are what the publication prints; bars hold 95 % of what it would have printed had the fitted model "
    "made the lifetimes of its pseudo-patients, with their own censoring, the tick being the median. A purple mark lies "
    "outside its bar: the model does not reproduce that number. Among so many numbers, up to one in twenty does so by chance."
)
PANELS = {
    "survival": "Survival probability",
    "median": "Median survival",
    "hazard ratio": "Hazard ratio (Cox)",
    "subgroup median": "Median survival by site",
}
ROW = 0.2  # inches
LINE = 0.14  # inches of a line of a label


@style()
def predictive_published_figure(published: xr.Dataset, time_unit: str) -> Figure:
    """Return printed numbers beside their replicated distributions, one panel for each kind of number.

    Parameters
    ----------
    published : Dataset
        `replicated` (replicate, target) and, by target, `printed` and `family`.
    time_unit : str
        Of the medians.
    """
    family = published["family"].to_numpy().astype(str)
    shown = {name: np.flatnonzero(family == name) for name in PANELS if (family == name).any()}
    names = {name: _labels(published.isel(target=rows), name) for name, rows in shown.items()}
    lines = [max(label.count("\n") + 1 for label in labels) for labels in names.values()]
    heights = [
        len(rows) * max(1.0, LINE * own / ROW) + 2.2 for rows, own in zip(shown.values(), lines, strict=True)
    ]
    figure = canvas(ROW * sum(heights) + 0.5)
    panels = figure.subplots(len(shown), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axes, (name, rows) in zip(panels, shown.items(), strict=True):
        _draw(axes, published.isel(target=rows), name, time_unit)
    return figure


def _draw(axes: Axes, numbers: xr.Dataset, name: str, time_unit: str) -> None:
    draws = numbers["replicated"].to_numpy()
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975], axis=0, method="inverted_cdf")
    printed = numbers["printed"].to_numpy().astype(float)
    place = np.arange(len(printed))
    axes.hlines(place, low, high, color=POSTERIOR, linewidth=5, alpha=0.35)
    axes.plot(middle, place, "|", color=POSTERIOR, markersize=7)
    outside = (printed < low) | (printed > high)
    for mark, colour in ((~outside, OBSERVED), (outside, WARNING)):
        axes.plot(printed[mark], place[mark], "D", color=colour, markersize=4)
    axes.set_yticks(
        place,
        labels=_labels(numbers, name),
    )
    axes.set_ylim(len(place) - 0.4, -0.6)
    axes.set_title(PANELS[name] + (f", {time_unit}" if "median" in name else ""))
    if name == "hazard ratio":
        axes.axvline(1.0, color="#999999", linewidth=0.7, zorder=0)
        ratio_axis(axes, "x", float(low.min()), float(high.max()))
    quiet(axes, left=False)


def _labels(numbers: xr.Dataset, name: str) -> list[str]:
    return [
        wrapped(_short(str(label), name), 22 if narrow() else 60) for label in numbers["target"].to_numpy()
    ]


def _short(label: str, name: str) -> str:
    """Return a target's name without what the title of its panel says."""
    for said in (f"{name} of ", "survival at ", "median of ", " hazard ratio"):
        label = label.replace(said, "")
    return capitalised(analysis_words(label))
