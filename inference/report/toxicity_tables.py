"""Tables of harm with and without a drug."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from inference.published.toxicity import MAIN, Toxicity
from inference.report.numbers import MISSING, percent, ratio, share
from inference.report.table import Cell, Column, Row, Table, probability_cell, sort_key, text_cell

QUANTITIES = {
    "risk_difference": "risk difference",
    "risk_ratio": "risk ratio",
    "odds_ratio": "odds ratio",
    "number_needed_to_harm": "number needed to harm",
}
CONTRASTS = {
    "drug": "with T-DM1 against without",
    "timing": "T-DM1 at the same time against in sequence",
}


def contrasts_table(toxicity: Toxicity) -> Table:
    """Return differences and ratios of the risk in a typical series."""
    main = toxicity.contrasts[toxicity.contrasts["scenario"] == MAIN]
    rows = tuple(
        Row(
            (
                Cell(CONTRASTS[row["contrast"]]),
                Cell(QUANTITIES[row["quantity"]]),
                _contrast_cell(row),
                probability_cell(row["probability_of_harm"]),
            ),
            "main" if row["quantity"] == "risk_difference" else "",
        )
        for _, row in main.iterrows()
    )
    headings = (
        Column("Contrast", wide=True),
        Column("Quantity"),
        Column("Median (95 %)", numeric=True),
        Column("P(more harm)", numeric=True),
    )
    caption = (
        "Radionecrosis in a typical series. The number needed to harm is the inverse of the risk difference; where "
        "the interval of the difference holds 0 it is undefined, and the probability says what is known"
    )
    return Table("toxicity-contrasts", caption, headings, rows)


def _contrast_cell(row: pd.Series) -> Cell:
    numbers = (float(row["median"]), float(row["lower"]), float(row["upper"]))
    if row["quantity"] == "number_needed_to_harm":
        if pd.isna(numbers[0]):
            return Cell("undefined: the difference may be 0", sort_key(None))
        return Cell("{:.1f} ({:.1f} to {:.1f})".format(*numbers), sort_key(numbers[0]))
    style = share if row["quantity"] == "risk_difference" else ratio
    return Cell(style(*numbers), sort_key(numbers[0]))


def risks_table(toxicity: Toxicity, words: Mapping[str, str]) -> Table:
    """Return the risk in every arm, as counted and as modelled."""
    rows = []
    for _, arm in toxicity.risks.iterrows():
        counted = not pd.isna(arm["crude"])
        crude = (
            percent(arm["crude"], arm["crude_lower"], arm["crude_upper"]).replace("−", "")
            if counted
            else MISSING
        )
        cells = (
            Cell(str(arm["series"]) or "a typical series"),
            Cell(words[arm["exposure"]]),
            Cell(f"{arm['cases']:.0f} of {arm['size']:.0f}" if counted else MISSING),
            Cell(crude, sort_key(arm["crude"])),
            Cell(percent(arm["median"], arm["lower"], arm["upper"]), sort_key(arm["median"])),
        )
        rows.append(Row(cells, "" if arm["series"] else "main"))
    headings = (
        Column("Series"),
        Column("Arm"),
        Column("Radionecrosis"),
        Column("As counted, percent (exact 95 %)", numeric=True),
        Column("Model, percent (95 %)", numeric=True),
    )
    return Table("toxicity-risks", "Risk of radionecrosis by series and arm", headings, tuple(rows))


def toxicity_scenarios_table(toxicity: Toxicity) -> Table:
    """Return the risk difference under every reading of the printed percentages."""
    chosen = toxicity.contrasts[
        (toxicity.contrasts["quantity"] == "risk_difference") & (toxicity.contrasts["contrast"] == "drug")
    ]
    rows = tuple(
        Row(
            (
                text_cell(row["text"]),
                Cell(share(row["median"], row["lower"], row["upper"]), sort_key(row["median"])),
                probability_cell(row["probability_of_harm"]),
            ),
            "main" if row["scenario"] == MAIN else "",
        )
        for _, row in chosen.iterrows()
    )
    headings = (
        Column("Reading", wide=True),
        Column("Risk difference (95 %)", numeric=True),
        Column("P(more harm)", numeric=True),
    )
    caption = "With T-DM1 against without, under other readings of what is printed, and other priors"
    return Table("toxicity-readings", caption, headings, rows)


def toxicity_priors_table(toxicity: Toxicity) -> Table:
    """Return the priors of the toxicity model."""
    rows = tuple(
        Row(tuple(text_cell(row[name]) for name in ("parameter", "prior", "reason", "meaning")))
        for _, row in toxicity.priors.iterrows()
    )
    headings = (
        Column("Parameter"),
        Column("Prior"),
        Column("Reason", wide=True),
        Column("Meaning", wide=True),
    )
    return Table("toxicity-priors", "Priors of the toxicity model", headings, rows)
