"""Rows of an estimands table, chosen and named for a figure."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from inference.report.figures.wording import POPULATION_NAMES, words

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
    parts = [words(str(row[column])) for column in columns]
    label = ", ".join(parts)
    return label[:1].upper() + label[1:]


def population_name(row: pd.Series) -> str:
    """Return the population of a row in words."""
    return POPULATION_NAMES.get(str(row["population"]), str(row["population"]))


def first_unit(table: pd.DataFrame) -> str:
    """Return the unit of a table's first row, "" without rows."""
    return str(table["unit"].iloc[0]) if len(table) else ""
