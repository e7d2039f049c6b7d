"""The effect by how exposure is counted in time: ever or never, from the start of treatment on, or at a landmark."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.forest import ForestRow, heading
from inference.report.figures.style import COMPARATOR, CYCLE, POSTERIOR, style
from inference.report.figures.table_rows import forest_of_ratios, forest_row
from inference.report.figures.wording import capitalised, words

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
            adjustment = str(row["adjustment"])
            colour = COLOURS.get(adjustment, COMPARATOR)
            lines.append(forest_row(row, capitalised(words(adjustment)), colour=colour))
    return forest_of_ratios(lines, "Conditional hazard ratio, treated against control")
