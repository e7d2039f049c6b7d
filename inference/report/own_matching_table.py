"""The frequentist matched analysis of a study's patients, with the posterior of the pairs beneath."""

from typing import Any

import pandas as pd

from inference.frequentist.own_matching import AFTER, BEFORE, CALIPER, OWN_PAIRS, PAIRS
from inference.report.content import Report, estimand_row, fit_rows
from inference.report.exposure_words import exposure_name
from inference.report.table import NUMBER, PROBABILITY, RATIO, SENTENCE, TEXT, Column, Table, numbers_of

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
    columns = (
        Column("Analysis", SENTENCE, "analysis"),
        Column("Exposure", TEXT, "exposure"),
        Column("Pairs", NUMBER, "pairs"),
        Column("Largest standardised difference before", NUMBER, "before"),
        Column("After", NUMBER, "after"),
        Column("Hazard ratio (95 %)", RATIO, "ratio"),
        Column("p", PROBABILITY, "p"),
    )
    caption = (
        f"1:1 matching of these patients: frequentist, within {CALIPER:g} standard deviations of the logit of a logistic propensity score, "
        "marginal Cox model with a standard error robust to pairs (Austin 2014, doi 10.1002/sim.5984)"
    )
    if posteriors:
        caption += (
            "; and the posterior of the pairs, found within a narrower caliper. Both are averages over the pairs. A wider caliper keeps "
            "more patients and may leave more of the confounding"
        )
    return [Table("own-matching", caption, columns, pd.DataFrame(rows))]


def _frequentist(own: pd.DataFrame, exposure: str) -> dict[str, Any]:
    values = own.set_index("statistic")
    effect, found = values.loc["hazard_ratio"], values["estimate"]
    why = str(effect["method"]).rpartition("not estimable: ")[2] if pd.isna(effect["estimate"]) else ""
    return {
        "analysis": "Frequentist" + (f", not estimable: {why}" if why else ""),
        "exposure": exposure_name(exposure),
        "pairs": found.get(PAIRS),
        "before": found.get(BEFORE),
        "after": found.get(AFTER),
        **numbers_of(effect, "ratio", "estimate"),
        "p": effect["p"],
    }


def _posteriors(report: Report, exposure: str) -> list[dict[str, Any]]:
    """Return the rows of the adjustment by pairs under the main prior set, one a baseline."""
    main, checks = report.main, report.checks
    rows = []
    for baseline in report.estimands["baseline"].astype(str).unique():
        fit = {**main, "baseline": baseline, "adjustment": MATCHED, "exposure": exposure}
        effect = estimand_row(fit_rows(report.estimands, fit), "hazard_ratio", MATCHED)
        if effect is None:
            continue
        counted = "" if exposure == "naive" else f", {exposure}"
        of_fit = checks["fit"] == f"{baseline}, {MATCHED}, {main['prior_set']}{counted}"
        left = checks.loc[of_fit & (checks["subject"] == "balance after the design"), "value"]
        rows.append(
            {
                "analysis": f"Bayesian, {baseline.replace('_', ' ')}",
                "exposure": exposure_name(exposure),
                "after": left.iloc[0] if len(left) else None,
                **numbers_of(effect, "ratio"),
            }
        )
    return rows
