"""Observed and imputed values of each covariate that has missing cells."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference.report.figures.style import CYCLE, OBSERVED, canvas, quiet, style

CAPTION = (
    "Each covariate that has missing cells: values that were observed, and those that were imputed (all imputations together). "
    "They may differ where the patients whose cell is missing differ in what was observed of them; a difference that nothing observed "
    "explains is not imputed, and only a shift of the imputed values shows what it would do."
)
PER_ROW, BINS = 3, 20


@style()
def imputed_figure(observed: pd.DataFrame, imputed: list[pd.DataFrame], labels: dict[str, str]) -> Figure:
    """Return a panel for each covariate.

    Parameters
    ----------
    observed : DataFrame (patient, covariate)
        As recorded, with missing cells.
    imputed : list of DataFrame (patient, covariate)
        Complete.
    labels : dict of str to str
        Of the covariates.
    """
    names = [str(name) for name in observed if observed[name].isna().any()]
    rows = -(-len(names) // PER_ROW)
    figure = canvas(0.5 + 2.1 * rows)
    panels = figure.subplots(rows, PER_ROW, squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        missing = observed[name].isna().to_numpy()
        drawn = pd.concat([one.loc[missing, name] for one in imputed])
        _panel(axes, observed[name].dropna(), drawn)
        axes.set_title(labels.get(name, name))
        quiet(axes)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    handles, texts = panels[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside upper left", ncols=2, frameon=False)
    return figure


def _panel(axes: Axes, observed: pd.Series, imputed: pd.Series) -> None:
    """Draw shares of levels side by side, or densities of a continuous covariate over each other."""
    both = {"observed": (observed, OBSERVED), "imputed": (imputed, CYCLE[1])}
    if isinstance(observed.dtype, pd.CategoricalDtype):
        levels = [str(level) for level in observed.cat.categories]
        for number, (label, (values, colour)) in enumerate(both.items()):
            shares = values.value_counts(normalize=True).reindex(observed.cat.categories).fillna(0)
            places = np.arange(len(levels)) + 0.4 * number - 0.2
            axes.bar(places, shares, 0.38, color=colour, label=label)
        axes.set_xticks(range(len(levels)), levels)
        axes.set_ylabel("Share")
        return
    edges = np.histogram_bin_edges(observed.to_numpy(float), BINS)
    for label, (values, colour) in both.items():
        axes.hist(
            values.to_numpy(float), edges.tolist(), density=True, histtype="step", color=colour, label=label
        )
    axes.set_ylabel("Density")
