"""Tables of effects: by model and adjustment, by population, by arm, and of every estimand."""

from __future__ import annotations

import math

import pandas as pd

from inference.report.content import FIT_COLUMNS, Report, companion, estimand_row, fit_rows, fits
from inference.report.exposure_words import since
from inference.report.figures.wording import POPULATION_NAMES, words
from inference.report.numbers import number, percent, ratio, share, span
from inference.report.sentences import horizon_of
from inference.report.table import (
    Cell,
    Column,
    Row,
    Table,
    heading,
    interval_cell,
    number_cell,
    probability_cell,
    text_cell,
)
from inference.report.vocabulary import capitalised, vocabulary

POPULATIONS = ("all", "treated", "overlap", "matched")


def arm_name(arm: object, report: Report) -> str:
    """Return the label of an arm as the study file names it."""
    treatment = report.study.treatment
    labels = {"treated": treatment.treated_label, "control": treatment.control_label}
    return labels.get(str(arm), "Both arms" if pd.isna(arm) or not str(arm) else str(arm))


def arms_table(report: Report) -> Table:
    """Return patients, events and follow-up by arm."""
    unit, said = report.study.time_unit, vocabulary(report.study)
    columns = {
        "patients": capitalised(said.patients),
        "events": capitalised(said.events),
        "median_follow_up": f"Median follow-up, {unit} (reverse Kaplan-Meier)",
    }
    shown = [column for column in columns if column in report.arms]
    rows = tuple(
        Row((Cell(arm_name(row["arm"], report)), *(number_cell(row[column]) for column in shown)))
        for _, row in report.arms.iterrows()
    )
    headings = (Column("Arm"), *(Column(columns[column], numeric=True) for column in shown))
    return Table("arms", f"The {said.patients}", headings, rows)


def effects_table(report: Report) -> Table:
    """Return the effect under each fit, the main one first: hazard ratios and difference in restricted mean."""
    estimands = report.estimands
    naming = [c for c in FIT_COLUMNS if c in ("baseline", "adjustment") or estimands[c].nunique() > 1]
    unit, to = report.study.time_unit, _to_horizon(report)
    headings = (
        *(Column(heading(column)) for column in naming),
        Column("Hazard ratio, conditional (95 %)", numeric=True),
        Column("P(benefit)", numeric=True),
        Column(f"Average hazard ratio{to} (95 %)", numeric=True),
        Column("P(benefit)", numeric=True),
        Column(f"RMST difference{to}, {unit} (95 %)", numeric=True),
        Column("P(benefit)", numeric=True),
    )
    rows = []
    for fit in fits(estimands, report.main):
        of_fit = fit_rows(estimands, fit)
        hazard = estimand_row(of_fit, "hazard_ratio", "conditional")
        average = estimand_row(of_fit, "marginal_hazard_ratio", "all")
        mean = estimand_row(of_fit, "rmst_difference", "all")
        first = interval_cell(hazard, ratio)
        if hazard is None and (of_fit["estimand"] == "hazard_ratio").any():
            first = Cell("varies, see every estimand", math.inf)
        cells = (
            *(Cell(heading(words(fit[column]))) for column in naming),
            first,
            _benefit(hazard),
            interval_cell(average, ratio),
            _benefit(average),
            interval_cell(mean),
            _benefit(mean),
        )
        main = all(fit[column] == str(report.main[column]) for column in FIT_COLUMNS)
        rows.append(Row(cells, "main" if main else ""))
    caption = (
        "Effect of treatment under each baseline hazard and adjustment; averages are over all patients, and the main "
        "fit is marked"
    )
    return Table("effects", caption, headings, tuple(rows))


def _to_horizon(report: Report) -> str:
    horizon = horizon_of(report.estimands)
    return f" to {number(horizon)} {report.study.time_unit}" if horizon else ""


def _benefit(row: pd.Series | None) -> Cell:
    return probability_cell(None if row is None else row["probability_of_benefit"])


def populations_table(report: Report) -> Table:
    """Return the difference in restricted mean of every fit, averaged over each population."""
    estimands = report.estimands
    populations = [name for name in POPULATIONS if name in set(estimands["population"])]
    unit, horizon = report.study.time_unit, horizon_of(estimands)
    to = f" to {number(horizon)} {unit}" if horizon else ""
    headings = (
        Column("Fit"),
        *(Column(heading(POPULATION_NAMES[name]), numeric=True) for name in populations),
    )
    rows = tuple(
        Row(
            (
                Cell(fit_name(fit, estimands)),
                *(
                    interval_cell(estimand_row(fit_rows(estimands, fit), "rmst_difference", name))
                    for name in populations
                ),
            ),
            "main" if position == 0 else "",
        )
        for position, fit in enumerate(fits(estimands, report.main))
    )
    caption = f"Difference in restricted mean{to}, by population, in {unit} (95 % interval)"
    return Table("populations", caption, headings, rows)


def fit_name(fit: dict[str, str], estimands: pd.DataFrame) -> str:
    """Return a fit in words: baseline and adjustment, and whatever else differs between the fits."""
    shown = [c for c in FIT_COLUMNS if c in ("baseline", "adjustment") or estimands[c].nunique() > 1]
    return heading(", ".join(words(fit[column]) for column in shown))


def outcomes_table(report: Report) -> Table:
    """Return survival, restricted mean and median by arm, of the main fit and its companion."""
    unit, said = report.study.time_unit, vocabulary(report.study)
    shown = [dict(report.main), *(fit for fit in [companion(report)] if fit)]
    rows = []
    for fit in shown:
        of_fit = fit_rows(report.estimands, fit)
        for quantity in ("survival", "rmst", "median"):
            listed = of_fit[(of_fit["estimand"] == f"{quantity}_treated") & (of_fit["population"] == "all")]
            for time in listed["time"]:
                at = None if pd.isna(time) else float(time)
                parts = [
                    estimand_row(of_fit, f"{quantity}_{part}", "all", at)
                    for part in ("treated", "control", "difference")
                ]
                cells = (
                    Cell(quantity_name(quantity, at, unit, said.outcome)),
                    Cell(heading(words(fit["adjustment"]))),
                    *(interval_cell(part, percent if quantity == "survival" else span) for part in parts),
                    _benefit(parts[2]),
                )
                rows.append(Row(cells, "main" if fit == shown[0] else ""))
    treatment = report.study.treatment
    headings = (
        Column("Quantity"),
        Column("Adjustment"),
        Column(f"{treatment.treated_label} (95 %)", numeric=True),
        Column(f"{treatment.control_label} (95 %)", numeric=True),
        Column("Difference (95 %)", numeric=True),
        Column("P(benefit)", numeric=True),
    )
    caption = (
        f"Averages over all {said.patients}, had everybody been in the one arm{since(report.main['exposure'], unit)} or in the other; "
        f"means are restricted{_to_horizon(report)}, differences of percentages are percentage points"
    )
    return Table("outcomes", caption, headings, tuple(rows))


def quantity_name(quantity: str, time: float | None, unit: str, outcome: str = "survival") -> str:
    """Return a quantity in words with its time and unit; `outcome` is what is survived."""
    at = "" if time is None or pd.isna(time) else f"{number(time)} {unit}"
    names = {
        "survival": f"{capitalised(outcome)} at {at}, %",
        "rmst": f"Mean {outcome}, {unit}",
        "rmst_difference": f"Difference in mean {outcome}, {unit}",
        "median": f"Median {outcome}, {unit}",
    }
    return names.get(quantity, heading(quantity) + (f" at {at}" if at else ""))


def estimands_tables(report: Report) -> list[Table]:
    """Return every estimand of every fit, one table a fit, with Monte Carlo errors and convergence."""
    return [
        _estimands_of(fit, position, report)
        for position, fit in enumerate(fits(report.estimands, report.main))
    ]


def _estimands_of(fit: dict[str, str], position: int, report: Report) -> Table:
    of_fit = fit_rows(report.estimands, fit)
    subgroups = of_fit["subgroup"].fillna("").astype(str)
    by_subgroup = bool((subgroups != "").any())
    numbers = ("Median (95 %)", "Mean", "SD", "P(benefit)", "MCSE", "Bulk ESS", "Tail ESS", "R-hat")
    headings = (
        Column("Estimand"),
        Column("Population"),
        *([Column("Subgroup")] if by_subgroup else []),
        Column("Time", numeric=True),
        Column("Unit"),
        *(Column(label, numeric=True) for label in numbers),
    )
    styles = {"ratio": ratio, "probability": share}
    rows = tuple(
        Row(
            (
                Cell(heading(row["estimand"])),
                Cell(POPULATION_NAMES.get(str(row["population"]), str(row["population"]))),
                *([Cell(subgroup)] if by_subgroup else []),
                number_cell(row["time"]),
                text_cell(row["unit"]),
                interval_cell(row, styles.get(str(row["unit"]), span)),
                number_cell(row["mean"]),
                number_cell(row["sd"], 2),
                _benefit(row),
                number_cell(row["mcse"], 2),
                number_cell(round(row["ess_bulk"]) if pd.notna(row["ess_bulk"]) else None),
                number_cell(round(row["ess_tail"]) if pd.notna(row["ess_tail"]) else None),
                number_cell(row["rhat"], 4),
            )
        )
        for (_, row), subgroup in zip(of_fit.iterrows(), subgroups, strict=True)
    )
    caption = f"Every estimand of the fit {fit_name(fit, report.estimands)}"
    return Table(f"estimands-{position}", caption, headings, rows)
