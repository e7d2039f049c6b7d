"""Tables printed at the end of a run."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from data.study import Study

STATUS_STYLE = {"fail": "bold red", "warn": "yellow", "info": "cyan", "pass": "green"}
SHOWN = 12


def print_effects(shown: Console, study: Study, estimands: pd.DataFrame) -> None:
    """Print the effect under each model and adjustment."""
    horizon = estimands.loc[estimands["estimand"] == "rmst_difference", "time"].iloc[0]
    table = Table(
        title=f"{study.treatment.treated_label} against {study.treatment.control_label}", title_justify="left"
    )
    for column in ("baseline", "adjustment", "priors"):
        table.add_column(column)
    table.add_column("hazard ratio (95 %)", justify="right")
    table.add_column("P(benefit)", justify="right")
    table.add_column(f"RMST difference to {horizon:g} {study.time_unit} (95 %)", justify="right")
    for key, rows in estimands.groupby(["baseline", "adjustment", "prior_set"], sort=False):
        ratio = _row(rows, "hazard_ratio", "conditional")
        rmst = _row(rows, "rmst_difference", "all")
        table.add_row(
            *(str(part) for part in key),
            interval(ratio["median"], ratio["lower"], ratio["upper"], ".2f"),
            probability(ratio["probability_of_benefit"]),
            interval(rmst["mean"], rmst["lower"], rmst["upper"], ".3g" if abs(rmst["mean"]) < 100 else ".0f"),
        )
    shown.print(table)
    shown.print(
        "Hazard ratios are conditional on covariates; below 1 treatment helps. RMST is of all patients.\n"
    )


def print_checks(shown: Console, checks: pd.DataFrame) -> None:
    """Print how many checks passed, and those that did not, failures first."""
    counts = checks["status"].value_counts()
    parts = [f"{counts.get(status, 0)} {status}" for status in ("fail", "warn", "pass", "info")]
    shown.print("Checks: " + ", ".join(parts))
    doubtful = checks[checks["status"].isin(["fail", "warn"])].sort_values("status")
    for row in doubtful.head(SHOWN).itertuples():
        line = Text(f"  {row.status}  ", style=STATUS_STYLE[str(row.status)])
        shown.print(line + Text(f"{row.name}: {row.text}", style="default"))
    if len(doubtful) > SHOWN:
        shown.print(f"  ... and {len(doubtful) - SHOWN} more in checks.csv")


def print_sensitivity(shown: Console, table: pd.DataFrame) -> None:
    """Print the effect under each prior set, with its power scaling."""
    unit, horizon = table["unit"].iloc[0], table["horizon"].iloc[0]
    printed = Table(title="The main model under each prior set", title_justify="left")
    for column in ("prior set", "prior of the log hazard ratio", "hazard ratio (95 %)", "P(benefit)"):
        printed.add_column(column)
    printed.add_column(f"RMST difference to {horizon:g} {unit} (95 %)")
    printed.add_column("power scaling: prior, likelihood")
    for row in table.to_dict("records"):
        printed.add_row(
            row["prior_set"],
            row["prior"],
            interval(row["hazard_ratio"], row["hazard_ratio_lower"], row["hazard_ratio_upper"], ".2f"),
            probability(row["probability_of_benefit"]),
            interval(
                row["rmst_difference"], row["rmst_difference_lower"], row["rmst_difference_upper"], ".3g"
            ),
            f"{row['prior_sensitivity']:.3f}, {row['likelihood_sensitivity']:.3f}",
        )
    shown.print(printed)
    shown.print("Power scaling above 0.05 means that the effect is sensitive to that component.\n")


def interval(estimate: float, lower: float, upper: float, form: str) -> str:
    """Return an estimate with its interval."""
    return f"{estimate:{form}} ({lower:{form}} to {upper:{form}})"


def probability(value: float) -> str:
    """Return a probability, never rounded to 0 or 1."""
    if np.isnan(value):
        return ""
    return "> 0.999" if value > 0.999 else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _row(rows: pd.DataFrame, estimand: str, population: str) -> pd.Series:
    return rows[(rows["estimand"] == estimand) & (rows["population"] == population)].iloc[0]
