"""The tables of an unmeasured confounder: how strong it must be, and the recorded covariates as yardsticks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from inference.report.table import Cell, Column, Row, Table, number_cell, probability_cell, sort_key
from inference.sensitivity.confounding import (
    BELOW,
    PROBABILITIES,
    REACHED,
    SYMMETRIC,
    ConfoundingGrid,
)
from inference.sensitivity.e_values import EValues


def needed_table(grid: ConfoundingGrid, needed: pd.DataFrame) -> Table:
    """Return how strong the condition must be, by its difference in prevalence."""
    held, largest = grid.strengths.prevalence_treated, grid.strengths.hazard_ratios[-1]
    rows = []
    for difference, part in needed[needed["line"] != SYMMETRIC].groupby("difference"):
        states, untreated = part.set_index("probability"), held + float(difference)
        cells = [Cell(whole_percent(held), held), Cell(whole_percent(untreated), untreated)]
        for wanted in PROBABILITIES:
            row = states.loc[wanted]
            if row["state"] == REACHED:
                cells.append(number_cell(row["hazard_ratio"]))
            elif row["state"] == BELOW:
                cells.append(Cell("none needed", 0.0))
            else:
                cells.append(Cell(f"more than {largest:g}", sort_key(None)))
        rows.append(Row(tuple(cells)))
    headings = (
        Column("Prevalence among the treated", numeric=True),
        Column("Prevalence among the untreated", numeric=True),
        *(
            Column(f"Hazard ratio needed for P(benefit) = {wanted:g}", numeric=True)
            for wanted in PROBABILITIES
        ),
    )
    caption = "How much an overlooked condition must multiply the hazard, by how much more common it is among the untreated"
    return Table("confounding-needed", caption, headings, tuple(rows))


def measured_table(grid: ConfoundingGrid, beside: pd.DataFrame, found: EValues) -> Table:
    """Return the recorded covariates as yardsticks, the strongest first."""
    rows = tuple(
        Row(
            (
                Cell(str(row["label"])),
                Cell(whole_percent(row["prevalence_treated"]), float(row["prevalence_treated"])),
                Cell(whole_percent(row["prevalence_control"]), float(row["prevalence_control"])),
                Cell(f"{row['hazard_ratio']:.2f}", float(row["hazard_ratio"])),
                probability_cell(row["left"])
                if pd.notna(row["left"])
                else Cell("beyond the grid", sort_key(None)),
                number_cell(row["e_value"]),
                probability_cell(found.probability_above.get(row["term"], np.nan)),
            )
        )
        for _, row in beside.iterrows()
    )
    headings = (
        Column("Recorded covariate, as it harms"),
        Column("Among the treated", numeric=True),
        Column("Among the untreated", numeric=True),
        Column("Hazard ratio", numeric=True),
        Column("P(benefit), another such overlooked", numeric=True),
        Column("Strength as an E-value", numeric=True),
        Column("P(E-value is larger)", numeric=True),
    )
    caption = (
        "The recorded covariates as yardsticks, the strongest first. P(benefit): had another condition been overlooked with "
        "the same hazard ratio and the same difference in prevalence, more common among the untreated, "
        f"{whole_percent(grid.strengths.prevalence_treated)} of the treated having it"
    )
    return Table("confounding-measured", caption, headings, rows)


def whole_percent(share: float) -> str:
    """Return a share in percent, without decimals."""
    return f"{100 * share:.0f} %"
