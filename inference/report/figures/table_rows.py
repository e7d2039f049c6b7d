"""Rows of an estimands table, chosen and named for a figure."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.forest import ForestRow, forest_figure
from inference.report.figures.wording import (
    POPULATION_NAMES,
    capitalised,
    estimate_of,
    interval,
    probability,
    words,
)

# What a reader must be told where a table holds more than one of them.
MODEL_COLUMNS = ("adjustment", "effect", "exposure", "prior_set")


def whole_cohort(estimands: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the rows of some estimands that are about everybody, not about a subgroup.

    Parameters
    ----------
    estimands : DataFrame
        The columns of estimands.csv; an empty subgroup may be "" or missing.
    names : sequence of str
        Values of the column ``estimand``.
    """
    everybody = estimands["subgroup"].fillna("").astype(str) == ""
    return estimands[everybody & estimands["estimand"].isin(list(names))]


def varying(table: pd.DataFrame) -> list[str]:
    """Return the columns in which the models of a table differ; the adjustment always counts."""
    return [
        column
        for column in MODEL_COLUMNS
        if column in table and (column == "adjustment" or table[column].nunique(dropna=False) > 1)
    ]


def model_label(row: pd.Series, columns: Sequence[str]) -> str:
    """Return the name of a row's model: its adjustment, and whatever else differs in the table."""
    return capitalised(", ".join(words(str(row[column])) for column in columns))


def population_name(row: pd.Series) -> str:
    """Return the population of a row in words."""
    return POPULATION_NAMES.get(str(row["population"]), str(row["population"]))


def forest_row(row: pd.Series, label: str, prefix: str = "", *, ratio: bool = True, **look: Any) -> ForestRow:
    """Return the line of a forest of an estimate, with the texts of its interval and of the probability of benefit.

    Parameters
    ----------
    row : Series
        median, lower, upper and probability_of_benefit.
    label : str
    prefix : str
        Stands before these names in the row.
    ratio : bool
        Whether the estimate is a ratio.
    **look
        Colour, marker and so on, as of `ForestRow`.
    """
    median, lower, upper = estimate_of(row, f"{prefix}median", prefix)
    benefit = probability(float(row[f"{prefix}probability_of_benefit"]))
    texts = (interval(median, lower, upper, ratio=ratio), benefit)
    return ForestRow(label, median, lower, upper, columns=texts, **look)


def forest_of_ratios(rows: Sequence[ForestRow], xlabel: str) -> Figure:
    """Return a forest of hazard ratios with the probabilities of benefit, on a log scale."""
    headers, widths = ("Hazard ratio (95 %)", "P(benefit)"), (112, 56)
    return forest_figure(
        rows, f"{xlabel} (log scale)", reference=1.0, log=True, headers=headers, widths=widths
    )


def first_unit(table: pd.DataFrame) -> str:
    """Return the unit of a table's first row, "" without rows."""
    return str(table["unit"].iloc[0]) if len(table) else ""
