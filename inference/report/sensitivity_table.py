"""The effect under each prior set, with the power scaling of prior and likelihood."""

from __future__ import annotations

import numpy as np
import pandas as pd

from inference.report.content import Report
from inference.report.numbers import number, ratio
from inference.report.table import (
    Cell,
    Column,
    Row,
    Table,
    interval_cell,
    number_cell,
    probability_cell,
    text_cell,
)
from inference.report.vocabulary import vocabulary


def sensitivity_table(report: Report) -> Table | None:
    """Return the effect under each prior set, the main one marked; None where it was not computed."""
    frame = report.sensitivity
    if frame is None or frame.empty:
        return None
    unit, horizon = str(frame["unit"].iloc[0]), float(frame["horizon"].iloc[0])
    headings = (
        Column("Prior set"),
        Column("Prior of the log hazard ratio, and why", wide=True),
        Column("Hazard ratio, conditional (95 %)", numeric=True),
        Column("Without feedback (cut)", numeric=True),
        Column("P(benefit)", numeric=True),
        Column(f"RMST difference to {number(horizon)} {unit}, {unit} (95 %)", numeric=True),
        Column("Sensitivity to the prior", numeric=True),
        Column("Sensitivity to the likelihood", numeric=True),
        Column("Reading", wide=True),
    )
    rows = tuple(
        Row(
            (
                text_cell(row["prior_set"]),
                Cell(f"{row['prior']}. {row['reason']}"),
                interval_cell(_numbers(row, "hazard_ratio"), ratio),
                Cell("–")
                if np.isnan(row["cut_hazard_ratio"])
                else interval_cell(_numbers(row, "cut_hazard_ratio"), ratio),
                probability_cell(row["probability_of_benefit"]),
                interval_cell(_numbers(row, "rmst_difference")),
                number_cell(row["prior_sensitivity"], 2),
                number_cell(row["likelihood_sensitivity"], 2),
                Cell(str(row["diagnosis"])),
            ),
            "main" if row["prior_set"] == report.main["prior_set"] else "",
        )
        for _, row in frame.iterrows()
    )
    caption = (
        f"The main model under each prior set, with the same {vocabulary(report.study).patients}. Sensitivities are ArviZ's power "
        "scaling: how far the effect moves when the prior, or the likelihood, counts a little more or "
        "less (below 0.05: hardly)"
    )
    return Table("sensitivity", caption, headings, rows)


def sensitivity_in_words(report: Report) -> str:
    """Return in how many prior sets the prior of the effect matters, and how; empty where they were not computed."""
    frame = report.sensitivity
    if frame is None or len(frame) < 2:
        return ""
    counts = frame["diagnosis"].value_counts(sort=False)
    low, high = frame["hazard_ratio"].min(), frame["hazard_ratio"].max()
    said = "; ".join(f"{diagnosis}: {count} of {len(frame)}" for diagnosis, count in counts.items())
    return (
        f"Between the prior sets the hazard ratio lies between {number(low, 2)} and {number(high, 2)}. What power scaling says of "
        f"them: {said}."
    )


def _numbers(row: pd.Series, name: str) -> pd.Series:
    return pd.Series({"median": row[name], "lower": row[f"{name}_lower"], "upper": row[f"{name}_upper"]})
