"""The frequentist matched analysis of a study's patients, with the posterior of the pairs beneath."""

from __future__ import annotations

import pandas as pd

from inference.frequentist.own_matching import AFTER, BEFORE, CALIPER, OWN_PAIRS, PAIRS
from inference.report.content import Report, estimand_row, fit_rows
from inference.report.exposure_words import exposure_name
from inference.report.numbers import ratio
from inference.report.table import Cell, Column, Row, Table, interval_cell, number_cell, probability_cell

MATCHED = "matched"


def without_own_pairs(comparators: pd.DataFrame) -> pd.DataFrame:
    """Return the comparators that are not of a matching of one's own."""
    return comparators[~comparators["method"].astype(str).str.contains(OWN_PAIRS, regex=False)]


def own_matching_table(report: Report) -> list[Table]:
    """Return the table, or none where no pairs were made of the patients."""
    table = report.comparators
    own = table[table["method"].astype(str).str.contains(OWN_PAIRS, regex=False)]
    if own.empty:
        return []
    rows, posteriors = [], False
    for landmark in own["time"].unique():
        here = own[own["time"].isna() if pd.isna(landmark) else own["time"] == landmark]
        exposure = "naive" if pd.isna(landmark) else f"landmark_{landmark:g}"
        beside = _posteriors(report, exposure)
        rows += [_frequentist(here, exposure), *beside]
        posteriors |= bool(beside)
    headings = (
        Column("Analysis", wide=True),
        Column("Exposure"),
        Column("Pairs", numeric=True),
        Column("Largest standardised difference before", numeric=True),
        Column("After", numeric=True),
        Column("Hazard ratio (95 %)", numeric=True),
        Column("p", numeric=True),
    )
    caption = (
        f"1:1 matching of these patients: frequentist, within {CALIPER:g} standard deviations of the logit of a logistic propensity score, "
        "marginal Cox model with a standard error robust to pairs (Austin 2014, doi 10.1002/sim.5984)"
    )
    if posteriors:
        caption += (
            "; and the posterior of the pairs, found within a narrower caliper. Both are averages over the pairs. A wider caliper keeps "
            "more patients and leaves more of the confounding"
        )
    return [Table("own-matching", caption, headings, tuple(rows))]


def _frequentist(own: pd.DataFrame, exposure: str) -> Row:
    values = own.set_index("statistic")
    effect = values.loc["hazard_ratio"]
    why = str(effect["method"]).rpartition("not estimable: ")[2] if pd.isna(effect["estimate"]) else ""

    def one(statistic: str, digits: int = 3) -> Cell:
        return number_cell(values["estimate"].get(statistic), digits)

    return Row(
        (
            Cell("Frequentist" + (f", not estimable: {why}" if why else "")),
            Cell(exposure_name(exposure)),
            one(PAIRS, 6),
            one(BEFORE),
            one(AFTER),
            interval_cell(effect, ratio, "estimate"),
            probability_cell(effect["p"]),
        )
    )


def _posteriors(report: Report, exposure: str) -> list[Row]:
    """Return the rows of the adjustment by pairs under the main prior set, one a baseline."""
    main = report.main
    found = report.estimands["baseline"].astype(str).unique()
    rows = []
    for baseline in found:
        fit = {**main, "baseline": baseline, "adjustment": MATCHED, "exposure": exposure}
        effect = estimand_row(fit_rows(report.estimands, fit), "hazard_ratio", MATCHED)
        if effect is None:
            continue
        counted = "" if exposure == "naive" else f", {exposure}"
        checks = report.checks
        of_fit = checks["fit"] == f"{baseline}, {MATCHED}, {main['prior_set']}{counted}"
        left = checks.loc[of_fit & (checks["subject"] == "balance after the design"), "value"]
        cells = (
            Cell(f"Bayesian, {baseline.replace('_', ' ')}"),
            Cell(exposure_name(exposure)),
            number_cell(None),
            number_cell(None),
            number_cell(left.iloc[0] if len(left) else None),
            interval_cell(effect, ratio),
            probability_cell(None),
        )
        rows.append(Row(cells))
    return rows
