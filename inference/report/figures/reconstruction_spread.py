"""What differs between reconstructed cohorts: quantities of which the publication says nothing."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference.report.figures.axes import ratio_axis
from inference.report.figures.style import POSTERIOR, REFERENCE_LINE, SMALL, canvas, narrow, quiet, style
from inference.report.figures.wording import wrapped

CAPTION = (
    "Each dot is one cohort of pseudo-patients, the bar the mean of all. None of these quantities is printed: where "
    "dots spread, the publication does not settle the quantity, and every interval of the analysis carries "
    "that spread. Hazard ratios are Cox's, without covariates. Of the correlations between covariates (Spearman's), those that differ most are shown."
)
TITLES = {
    "deaths": "Deaths",
    "hazard ratio of treatment": "Hazard ratio of treatment",
    "correlation": "Correlation between covariates",
    "size of group": "Size of groups without printed size",
}
RATIO = "hazard ratio of treatment"
REFERENCE = {RATIO: 1.0, "correlation": 0.0}


@style()
def reconstruction_spread_figure(spread: pd.DataFrame) -> Figure:
    """Return the values of quantities that are not printed, over cohorts.

    Parameters
    ----------
    spread : DataFrame
        ``panel, quantity, cohort, value``, from `inference.published.cohort_differences.ensemble_spread`.
    """
    known = spread[np.isfinite(spread["value"])]
    names = [panel for panel in TITLES if (known["panel"] == panel).any()]
    if not names:
        raise ValueError("spread must hold quantities with a value, but found none")
    rows = [known.loc[known["panel"] == name, "quantity"].nunique() for name in names]
    columns = [list(range(len(rows)))] if narrow() else _columns(rows)
    height = max(sum(0.2 * rows[place] + 0.75 for place in column) for column in columns)
    figure = canvas(height + 0.2)
    halves = figure.subfigures(1, len(columns), squeeze=False)[0]
    for half, column in zip(halves, columns, strict=True):
        panels = half.subplots(
            len(column), 1, squeeze=False, height_ratios=[rows[place] + 2.5 for place in column]
        )
        for axes, place in zip(panels[:, 0], column, strict=True):
            _draw(axes, known[known["panel"] == names[place]], names[place])
    return figure


def _columns(rows: list[int]) -> list[list[int]]:
    """Return the panels of each column, about equally high."""
    if len(rows) == 1:
        return [[0]]
    columns: list[list[int]] = [[], []]
    filled = [0, 0]
    for place in sorted(range(len(rows)), key=lambda place: -rows[place]):
        shorter = int(filled[1] < filled[0])
        columns[shorter].append(place)
        filled[shorter] += rows[place] + 3
    return [sorted(column) for column in columns]


def _draw(axes: Axes, rows: pd.DataFrame, panel: str) -> None:
    quantities = list(rows["quantity"].drop_duplicates())
    for place, quantity in enumerate(quantities):
        values = rows.loc[rows["quantity"] == quantity, "value"].to_numpy()
        centre = float(np.exp(np.log(values).mean())) if panel == RATIO else float(values.mean())
        axes.plot(values, np.full(len(values), place), "o", color=POSTERIOR, markersize=3, alpha=0.45, mew=0)
        axes.plot(centre, place, "|", color="black", markersize=9)
    if panel == RATIO:
        ratio_axis(axes, "x", float(rows["value"].min()), float(rows["value"].max()))
    if panel in REFERENCE:
        inside = rows["value"].min() <= REFERENCE[panel] <= rows["value"].max()
        if inside:
            axes.axvline(REFERENCE[panel], color=REFERENCE_LINE, linewidth=0.6, zorder=0)
    axes.set_yticks(range(len(quantities)), labels=[wrapped(name, 38) for name in quantities])
    axes.tick_params(axis="y", labelsize=SMALL - 1)
    axes.set_ylim(len(quantities) - 0.4, -0.6)
    axes.set_title(TITLES[panel], fontsize=SMALL)
    quiet(axes, left=False)
