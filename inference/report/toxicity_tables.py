"""Tables of harm with and without a drug."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from inference.published.toxicity import MAIN, Toxicity
from inference.report.table import (
    PERCENT,
    PROBABILITY,
    RATIO,
    SENTENCE,
    SHARE,
    TEXT,
    Column,
    Kind,
    Table,
    frame_table,
)

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
TENTHS = Kind("{:.1f} ({:.1f} to {:.1f})".format, limits=True)
KINDS = {"risk_difference": SHARE, "number_needed_to_harm": TENTHS}


def contrasts_table(toxicity: Toxicity) -> Table:
    """Return differences and ratios of the risk in a typical series."""
    main = toxicity.contrasts[toxicity.contrasts["scenario"] == MAIN]
    undefined = (main["quantity"] == "number_needed_to_harm") & main["median"].isna()
    frame = main.assign(
        contrast=main["contrast"].map(CONTRASTS),
        named=main["quantity"].map(QUANTITIES),
        kind=[KINDS.get(quantity, RATIO) for quantity in main["quantity"]],
        note=["undefined: the difference may be 0" if one else "" for one in undefined],
        mark=["main" if quantity == "risk_difference" else "" for quantity in main["quantity"]],
    )
    columns = (
        Column("Contrast", SENTENCE, "contrast"),
        Column("Quantity", TEXT, "named"),
        Column("Median (95 %)", RATIO, "median", kinds="kind"),
        Column("P(more harm)", PROBABILITY, "probability_of_harm"),
    )
    caption = (
        "Radionecrosis in a typical series. The number needed to harm is the inverse of the risk difference; where "
        "the interval of the difference holds 0 it is undefined, and the probability says what is known"
    )
    return Table("toxicity-contrasts", caption, columns, frame, "mark")


def risks_table(toxicity: Toxicity, words: Mapping[str, str]) -> Table:
    """Return the risk in every arm, as counted and as modelled."""
    risks = toxicity.risks
    counted = [
        None if pd.isna(row["crude"]) else f"{row['cases']:.0f} of {row['size']:.0f}"
        for row in risks.to_dict("records")
    ]
    frame = risks.assign(
        named=[name or "a typical series" for name in risks["series"]],
        arm=risks["exposure"].map(words),
        counted=counted,
        mark=["" if name else "main" for name in risks["series"]],
    )
    columns = (
        Column("Series", TEXT, "named"),
        Column("Arm", TEXT, "arm"),
        Column("Radionecrosis", TEXT, "counted"),
        Column("As counted, percent (exact 95 %)", PERCENT, "crude"),
        Column("Model, percent (95 %)", PERCENT, "median"),
    )
    return Table("toxicity-risks", "Risk of radionecrosis by series and arm", columns, frame, "mark")


def toxicity_scenarios_table(toxicity: Toxicity) -> Table:
    """Return the risk difference under every reading of the printed percentages."""
    contrasts = toxicity.contrasts
    chosen = contrasts[(contrasts["quantity"] == "risk_difference") & (contrasts["contrast"] == "drug")]
    columns = (
        Column("Reading", SENTENCE, "text"),
        Column("Risk difference (95 %)", SHARE, "median"),
        Column("P(more harm)", PROBABILITY, "probability_of_harm"),
    )
    caption = "With T-DM1 against without, under other readings of what is printed, and other priors"
    marks = ["main" if name == MAIN else "" for name in chosen["scenario"]]
    return Table("toxicity-readings", caption, columns, chosen.assign(mark=marks), "mark")


def toxicity_priors_table(toxicity: Toxicity) -> Table:
    """Return the priors of the toxicity model."""
    columns = ("parameter", "prior", "reason", "meaning")
    return frame_table(
        "toxicity-priors", "Priors of the toxicity model", toxicity.priors, columns, columns[2:]
    )
