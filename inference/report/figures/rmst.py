"""The difference in restricted mean survival time under every baseline, adjustment and population."""

import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.forest import ForestRow, forest_figure, heading
from inference.report.figures.style import CYCLE, POSTERIOR, style
from inference.report.figures.table_rows import (
    first_unit,
    forest_row,
    model_label,
    population_name,
    varying,
    whole_cohort,
)
from inference.report.figures.wording import words, wrapped

CAPTION = (
    "Mean survival time that treatment adds (right of the dashed line) or costs (left of it) before the "
    "horizon, with 95 % intervals: averaged over all patients, over those who were treated, and over "
    "those who might have had either treatment, where a model gives them. P is the posterior probability that the difference is "
    "above 0."
)

POPULATIONS = {"all": (POSTERIOR, "o"), "treated": (CYCLE[2], "D"), "overlap": (CYCLE[4], "s")}


@style()
def rmst_figure(estimands: pd.DataFrame) -> Figure:
    """Return a forest of RMST differences, treated minus control, in the study's time unit.

    Parameters
    ----------
    estimands : DataFrame
        Columns of estimands.csv; used is ``rmst_difference``.
    """
    chosen = whole_cohort(estimands, ["rmst_difference"])
    columns = varying(chosen)
    rows: list[ForestRow] = []
    for baseline, group in chosen.groupby("baseline", sort=False):
        rows.append(heading(f"{words(str(baseline))} baseline"))
        for _, row in group.iterrows():
            colour, marker = POPULATIONS.get(str(row["population"]), (CYCLE[3], "^"))
            label = wrapped(f"{model_label(row, columns)}: {population_name(row)}", 52)
            rows.append(forest_row(row, label, ratio=False, colour=colour, marker=marker))
    unit = first_unit(chosen)
    horizons = sorted({float(time) for time in chosen["time"].dropna()})
    to = f" to {horizons[0]:g} {unit}" if len(horizons) == 1 else ""
    return forest_figure(
        rows,
        f"Difference in restricted mean survival{to}, treated minus control ({unit})",
        reference=0.0,
        headers=(f"Difference, {unit} (95 %)", "P(benefit)"),
        widths=(122, 56),
    )
