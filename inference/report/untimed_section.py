"""The section on covariates of which nobody says when they were recorded: the effect with and without them."""

from __future__ import annotations

import pandas as pd

from data.evidence import Evidence
from inference.comparators.without import NOTHING, TOGETHER, effect_without
from inference.report.content import ReportSection
from inference.report.numbers import number, ratio
from inference.report.table import Cell, Column, Row, Table
from inference.results import Results

ID, TITLE = "untimed", "Covariates of unknown timing"


def untimed_section(results: Results, evidence: Evidence) -> ReportSection | None:
    """Return the section; None where the evidence names no covariate of unknown timing.

    Parameters
    ----------
    results : Results
        Of a study that publishes no patients.
    evidence : Evidence
        Its ``evidence.toml`` names the covariates, in groups.
    """
    timing = evidence.names.timing
    if not timing.unknown:
        return None
    found = effect_without(results.cohorts, timing.unknown)
    return ReportSection(ID, TITLE, (_lead(evidence), _moves(found)), (_table(found),))


def limits_of_publication(evidence: Evidence) -> list[str]:
    """Return what stands among the limits of the page; nothing where no covariate is named."""
    timing = evidence.names.timing
    if not timing.unknown:
        return []
    return [
        f"The publication does not say when some covariates were recorded or began ({', '.join(timing.unknown)}). What came after time "
        "zero, perhaps because of treatment or instead of it, is no confounder to adjust for. The section on covariates of unknown timing "
        "shows the hazard ratio without them."
    ]


def _lead(evidence: Evidence) -> str:
    timing = evidence.names.timing
    named = "; ".join(f"{name} ({', '.join(columns)})" for name, columns in timing.unknown.items())
    return (
        f"{timing.reason} Of unknown timing are: {named}. If such a covariate was there at time zero and decided on treatment, leaving it "
        "out leaves confounding; if it came later, adjusting for it takes part of the effect away or adds what is none. Which of the two "
        "holds is not known, so both are shown."
    )


def _moves(found: pd.DataFrame) -> str:
    """Say from where to where the hazard ratio goes, and which group moves it most."""
    by_name = found.set_index("left_out")["hazard_ratio"]
    full, alone = (
        by_name["none"],
        by_name.drop(["none", NOTHING, *([TOGETHER] if TOGETHER in by_name else [])]),
    )
    most = (alone / full).map(lambda factor: max(factor, 1 / factor)).idxmax()
    last = by_name.get(TOGETHER, by_name[most])
    return (
        f"With all covariates Cox's hazard ratio is {number(full, 2)}, with none of them {number(by_name[NOTHING], 2)}, and without those of "
        f"unknown timing {number(last, 2)}. Of the groups, “{most}” moves it most, to {number(by_name[most], 2)} when left out alone."
    )


def _table(found: pd.DataFrame) -> Table:
    names = {"none": "nothing: all covariates adjusted for", NOTHING: "every covariate: not adjusted"}
    rows = tuple(
        Row(
            (
                Cell(names.get(str(row["left_out"]), str(row["left_out"]))),
                Cell(f"{row['terms']}", float(row["terms"])),
                Cell(ratio(row["hazard_ratio"], row["lower"], row["upper"]), float(row["hazard_ratio"])),
            ),
            "main" if row["left_out"] == "none" else "",
        )
        for row in found.to_dict("records")
    )
    columns = (
        Column("Left out"),
        Column("Columns left", numeric=True),
        Column("Hazard ratio of treatment, Cox (95 %)", numeric=True),
    )
    caption = (
        "The hazard ratio of treatment, ever against never, with groups of covariates left out (Cox, Efron ties, over all cohorts of "
        "pseudo-patients)"
    )
    return Table("untimed-effects", caption, columns, rows)
