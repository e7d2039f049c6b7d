"""The tables of an unmeasured confounder: how strong it must be, and the recorded covariates as yardsticks."""

import pandas as pd

from inference.report.table import HUNDREDTHS, NUMBER, PERCENTAGE, PROBABILITY, TEXT, Column, Table
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
        states = part.set_index("probability")
        row = {"treated": held, "untreated": held + float(difference)}
        rows.append(row | {f"{wanted:g}": _needed(states.loc[wanted], largest) for wanted in PROBABILITIES})
    columns = (
        Column("Prevalence among the treated", PERCENTAGE, "treated"),
        Column("Prevalence among the untreated", PERCENTAGE, "untreated"),
        *(
            Column(f"Hazard ratio needed for P(benefit) = {one:g}", NUMBER, f"{one:g}")
            for one in PROBABILITIES
        ),
    )
    caption = "How much an overlooked condition must multiply the hazard, by how much more common it is among the untreated"
    return Table("confounding-needed", caption, columns, pd.DataFrame(rows))


def _needed(row: pd.Series, largest: float) -> float | str:
    if row["state"] == REACHED:
        return float(row["hazard_ratio"])
    return "none needed" if row["state"] == BELOW else f"more than {largest:g}"


def measured_table(grid: ConfoundingGrid, beside: pd.DataFrame, found: EValues) -> Table:
    """Return the recorded covariates as yardsticks, the strongest first."""
    columns = (
        Column("Recorded covariate, as it harms", TEXT, "label"),
        Column("Among the treated", PERCENTAGE, "prevalence_treated"),
        Column("Among the untreated", PERCENTAGE, "prevalence_control"),
        Column("Hazard ratio", HUNDREDTHS, "hazard_ratio"),
        Column("P(benefit), another such overlooked", PROBABILITY, "left"),
        Column("Strength as an E-value", NUMBER, "e_value"),
        Column("P(E-value is larger)", PROBABILITY, "above"),
    )
    frame = beside.assign(
        left=[one if pd.notna(one) else "beyond the grid" for one in beside["left"]],
        above=beside["term"].map(found.probability_above),
    )
    caption = (
        "The recorded covariates as yardsticks, the strongest first. P(benefit): had another condition been overlooked with "
        "the same hazard ratio and the same difference in prevalence, more common among the untreated, "
        f"{whole_percent(grid.strengths.prevalence_treated)} of the treated having it"
    )
    return Table("confounding-measured", caption, columns, frame)


def whole_percent(share: float) -> str:
    """Return a share in percent, without decimals."""
    return f"{100 * share:.0f} %"
