"""Tables printed at the end of a run."""

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from data.study.study import Study
from inference.report.figures.wording import interval, probability

STATUS_STYLE = {"fail": "bold red", "warn": "yellow", "info": "cyan", "pass": "green"}
SHOWN = 12


def print_effects(shown: Console, study: Study, estimands: pd.DataFrame) -> None:
    """Print the effect under each model and adjustment."""
    unit, horizon = study.time_unit, estimands.loc[estimands["estimand"] == "rmst_difference", "time"].iloc[0]
    shown.print(f"{study.treatment.treated_label} against {study.treatment.control_label}")
    pseudo = study.cohort.source == "reconstruction"
    if pseudo:
        shown.print(
            "of pseudo-patients, reconstructed from published numbers: this study publishes no patients"
        )
    shown.print()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("model")
    table.add_column("HR (95 %)", no_wrap=True)
    table.add_column("P(benefit)", no_wrap=True)
    table.add_column(f"RMST, {unit} (95 %)", no_wrap=True)
    first, counted, shape = estimands[["prior_set", "exposure", "effect"]].iloc[0]
    alike = estimands[estimands["effect"] == shape]  # others are no single number: the page shows them
    for baseline, of_baseline in alike.groupby("baseline", sort=False):
        table.add_row(Text(str(baseline).replace("_", " "), style="italic"))
        for _, rows in of_baseline.groupby(["adjustment", "exposure", "prior_set"], sort=False):
            adjustment, exposure, priors = rows[["adjustment", "exposure", "prior_set"]].iloc[0]
            ratio = _row(rows, "hazard_ratio", "conditional")
            named = [
                "" if exposure == counted else f", {exposure}",
                "" if priors == first else f", {priors} priors",
            ]
            until = "" if pd.isna(ratio["time"]) else f", HR to {ratio['time']:g} {unit}"
            whom = "" if ratio["population"] in ("conditional", "all") else f" ({ratio['population']})"
            model = f"  {adjustment}{whom}{''.join(named)}{until}"
            if "rmst_difference" not in set(rows["estimand"]):
                table.add_row(model, "not estimable")  # the reason is a check
                continue
            rmst = _row(rows, "rmst_difference", "all")
            table.add_row(
                model,
                interval(ratio["median"], ratio["lower"], ratio["upper"], ratio=True),
                probability(ratio["probability_of_benefit"]),
                ", ".join(
                    filter(None, [interval(rmst["median"], rmst["lower"], rmst["upper"]), rmst["note"]])
                ),
            )
    shown.print(table)
    shown.print(
        f"\nHR: hazard ratio, conditional on covariates, or that of the population of a design (iptw, overlap, matched); below 1 "
        f"treatment helps. RMST: difference in restricted mean survival time to {horizon:g} {unit}, over all "
        f"{'pseudo-' if pseudo else ''}patients unless another population is named. Exposure: {counted}; priors: {first}, unless said.\n"
    )


def print_patients(shown: Console, study: Study, patients: pd.DataFrame) -> None:
    """Print the effect in the patients whom the pseudo-patients stand for, of the main model."""
    ratio, rmst = _row(patients, "hazard_ratio", "conditional"), _row(patients, "rmst_difference", "all")
    shown.print(
        f"The real cohort ({ratio['study']}), {ratio['adjustment']}: "
        f"HR {interval(ratio['median'], ratio['lower'], ratio['upper'], ratio=True)}, "
        f"P(benefit) {probability(ratio['probability_of_benefit'])}, RMST {interval(rmst['median'], rmst['lower'], rmst['upper'])} "
        f"{study.time_unit} to {rmst['time']:g} {study.time_unit}.\n"
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


def print_sensitivity(shown: Console, study: Study, table: pd.DataFrame) -> None:
    """Print the effect under each prior set, with its power scaling."""
    unit, horizon = table["unit"].iloc[0], table["horizon"].iloc[0]
    people = "pseudo-patients" if study.cohort.source == "reconstruction" else "patients"
    shown.print("The main model under each prior set\n")
    printed = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    headings = (
        "prior set",
        "of the log HR",
        "HR (95 %)",
        "P(benefit)",
        f"RMST difference, {unit}",
        "power scaling",
    )
    for column in headings:
        printed.add_column(column)
    for row in table.to_dict("records"):
        rmst = row["rmst_difference"]
        printed.add_row(
            row["prior_set"],
            row["prior"],
            interval(row["hazard_ratio"], row["hazard_ratio_lower"], row["hazard_ratio_upper"], ratio=True),
            probability(row["probability_of_benefit"]),
            interval(rmst, row["rmst_difference_lower"], row["rmst_difference_upper"]),
            f"{row['prior_sensitivity']:.2f}, {row['likelihood_sensitivity']:.2f}",
        )
    shown.print(printed)
    shown.print(
        f"\nRMST is to {horizon:g} {unit}, over all {people}. Power scaling says how sensitive the effect is to its prior, "
        "and to the likelihood: above 0.05 it is.\n"
    )


def _row(rows: pd.DataFrame, estimand: str, population: str) -> pd.Series:
    """Return an estimand in a population, or in the one that a design makes."""
    found = rows[rows["estimand"] == estimand]
    wanted = found[found["population"] == population]
    return (wanted if len(wanted) else found).iloc[0]
