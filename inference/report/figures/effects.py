"""The hazard ratio under every baseline and adjustment, with Cox's beneath."""

import pandas as pd
from matplotlib.figure import Figure

from inference.frequentist.own_matching import OWN_PAIRS
from inference.frequentist.table import SPLIT_AT_START
from inference.report.figures.forest import ForestRow, heading
from inference.report.figures.style import COMPARATOR, MARGINAL, POSTERIOR, style
from inference.report.figures.table_rows import (
    forest_of_ratios,
    forest_row,
    model_label,
    population_name,
    varying,
    whole_cohort,
)
from inference.report.figures.wording import capitalised, estimate_of, interval, words, wrapped

CAPTION = (
    "Hazard ratios of treatment with 95 % intervals on a log scale; left of the dashed line at 1 the "
    "treated fare better. Filled circles compare two patients with the same covariates, open diamonds "
    "average over a population; the two answer different questions and need not agree. Grey squares are "
    "Cox models of the same patients, each with the count of exposure that its name says. P is the posterior probability that the hazard ratio is below 1."
)
DIFFER = {
    "naive": " Cox models of exposure split at the start of treatment, where there are any, answer another question.",
    "time_split": " The posterior and the Cox models of treatment split at its start ask the same question; those without that count ever "
    "against never treated, favour treatment even where it does nothing, and are not to be compared with it.",
    "landmark": " No Cox model here but that of pairs made at the landmark counts exposure so; the others are not to be compared with the posterior.",
}
"""Which Cox models can be compared with the posterior, by how exposure is counted."""

KINDS = {"hazard_ratio": "conditional", "marginal_hazard_ratio": "marginal"}


@style()
def effects_figure(estimands: pd.DataFrame, comparators: pd.DataFrame) -> Figure:
    """Return a forest of hazard ratios: models by baseline, then the Cox models.

    Parameters
    ----------
    estimands : DataFrame
        Columns of estimands.csv; used are ``hazard_ratio`` and, for the population all,
        ``marginal_hazard_ratio``.
    comparators : DataFrame
        `inference.frequentist.table.COLUMNS`; used is ``hazard_ratio``.
    """
    chosen = whole_cohort(estimands, list(KINDS))
    marginal = chosen["estimand"] == "marginal_hazard_ratio"
    chosen = chosen[~marginal | (chosen["population"] == "all")]
    rows: list[ForestRow] = []
    columns = varying(chosen)
    for baseline, group in chosen.groupby("baseline", sort=False):
        rows.append(heading(f"{words(str(baseline))} baseline"))
        for _, rows_of_model in group.groupby(columns, sort=False, dropna=False):
            rows += [_model_row(row, columns) for _, row in rows_of_model.iterrows()]
    cox = comparators[comparators["statistic"] == "hazard_ratio"]
    if len(cox):
        rows.append(heading("Cox model"))
        both = cox["method"].str.contains(SPLIT_AT_START, regex=False).any()
        rows += [_cox_row(row, both) for _, row in cox.iterrows()]
    return forest_of_ratios(rows, "Hazard ratio, treated against control")


def _model_row(row: pd.Series, columns: list[str]) -> ForestRow:
    marginal = row["estimand"] == "marginal_hazard_ratio"
    whom = "" if row["population"] == "conditional" else f", {population_name(row)}"
    kind = "weighted" if whom and not marginal else KINDS[str(row["estimand"])]
    label = f"{model_label(row, columns)}: {kind}{whom}"
    if row["estimand"] == "hazard_ratio" and pd.notna(row["time"]):
        label += f", to {row['time']:g}"
    colour, marker = (MARGINAL, "D") if marginal else (POSTERIOR, "o")
    return forest_row(row, wrapped(label, 52), colour=colour, marker=marker, filled=not marginal)


def _cox_row(row: pd.Series, both: bool) -> ForestRow:
    """Return the row of a Cox model; where exposure is counted in both ways, the naive ones say so."""
    method = str(row["method"]).split(";")[0].removeprefix("Cox, ")
    if both and SPLIT_AT_START not in method and OWN_PAIRS not in method:
        method = f"ever against never, {method}"
    numbers = estimate_of(row, "estimate")
    columns = (interval(*numbers, ratio=True), "")
    return ForestRow(capitalised(method), *numbers, colour=COMPARATOR, marker="s", columns=columns)
