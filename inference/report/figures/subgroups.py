"""The hazard ratio in each subgroup: shrunk towards the others, and by itself."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from inference.report.figures.forest import ForestRow, forest_figure, heading
from inference.report.figures.style import COMPARATOR, POSTERIOR, SMALL, style
from inference.report.figures.wording import estimate_of, interval

CAPTION = (
    "Hazard ratio of treatment in the average patient and in those who have each level, with 95 % intervals; none was picked beforehand. Filled: the posterior in "
    "which subgroup effects are shrunk to a common one, by as much as the patients say. Hollow: a Cox model with treatment by "
    "subgroup interactions, which shrinks nothing and gives chance its full part; n: patients. Where patients have several "
    "conditions at once, the rows are not of different patients."
)
GROUPS_CAPTION = (
    "Hazard ratio of each group of the treated against the untreated, covariates adjusted, with 95 % intervals. Filled: shrunk to a "
    "common effect, by as much as the pseudo-patients say. Hollow: each group by itself (Cox). Who belongs to a group is not "
    "published, nor how many (n): both differ from cohort to cohort (mean and range), and the intervals hold that."
)


@style()
def subgroups_figure(table: pd.DataFrame) -> Figure:
    """Return the forest plot.

    Parameters
    ----------
    table : DataFrame
        covariate, level, patients, hazard_ratio, lower, upper, alone, alone_lower, alone_upper, as of
        `inference.sensitivity.by_subgroup.effect_by_subgroup`; patients_low and patients_high, where the size of a group is
        uncertain.
    """
    rows = list(_rows(table))
    wide = 84 if "patients_low" in table else 48
    figure = forest_figure(
        rows,
        "Hazard ratio, conditional (below 1, the treated fare better)",
        reference=1.0,
        log=True,
        headers=("n", "Hazard ratio (95 %)"),
        widths=(wide, 110),
        around=1.0,
    )
    handles = [
        Line2D([], [], marker="o", color=POSTERIOR, label="shrunk (posterior)"),
        Line2D([], [], marker="o", color=COMPARATOR, markerfacecolor="white", label="by itself (Cox)"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=2, fontsize=SMALL)
    return figure


def _rows(table: pd.DataFrame) -> list[ForestRow]:
    rows: list[ForestRow] = []
    column = ""
    for _, row in table.iterrows():
        name = str(row["covariate"])
        if name and name != column:
            rows.append(heading(name))
        column = name
        shrunk = estimate_of(row, "hazard_ratio")
        alone = estimate_of(row, "alone", "alone_")
        label = f"   {row['level']}" if name else "Average"
        size = f"{row['patients']:.0f}"
        if "patients_low" in row:
            size += f" ({row['patients_low']:.0f} to {row['patients_high']:.0f})"
        rows.append(ForestRow(label, *shrunk, columns=(size, interval(*shrunk, ratio=True))))
        rows.append(
            ForestRow("", *alone, colour=COMPARATOR, filled=False, columns=("", interval(*alone, ratio=True)))
        )
    return rows
