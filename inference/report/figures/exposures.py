"""The effect by how exposure is counted in time: ever or never, from the start of treatment on, or at a landmark."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.forest import ForestRow, forest_figure, heading
from inference.report.figures.style import COMPARATOR, CYCLE, POSTERIOR, style
from inference.report.figures.wording import interval, probability, words

CAPTION = (
    "Conditional hazard ratios with 95 % intervals, on a log scale, by how exposure is counted. Ever or never counts the time "
    "before treatment as treated, in which by definition none of the treated had the event, and so favours treatment; split at the start, that "
    "time is untreated; at a landmark, only those still followed count, in the arm that they were in by then."
)
COLOURS = {"joint": POSTERIOR, "cut": CYCLE[2]}


@style()
def exposures_figure(rows: pd.DataFrame, order: Sequence[tuple[str, str]]) -> Figure:
    """Return a forest of conditional hazard ratios by exposure.

    Parameters
    ----------
    rows : DataFrame
        Rows of estimands.csv: hazard_ratio, one for each exposure and adjustment.
    order : sequence of (str, str)
        Exposures with their names in words, in the order in which they stand.
    """
    lines: list[ForestRow] = []
    for exposure, named in order:
        lines.append(heading(named))
        for _, row in rows[rows["exposure"] == exposure].iterrows():
            label = words(str(row["adjustment"]))
            numbers = tuple(float(row[name]) for name in ("median", "lower", "upper"))
            lines.append(
                ForestRow(
                    label[:1].upper() + label[1:],
                    *numbers,
                    colour=COLOURS.get(str(row["adjustment"]), COMPARATOR),
                    columns=(
                        interval(*numbers, ratio=True),
                        probability(float(row["probability_of_benefit"])),
                    ),
                )
            )
    return forest_figure(
        lines,
        "Conditional hazard ratio, treated against control (log scale)",
        reference=1.0,
        log=True,
        headers=("Hazard ratio (95 %)", "P(benefit)"),
        widths=(112, 56),
    )
