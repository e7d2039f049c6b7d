"""Tables of what the cited literature says."""

from __future__ import annotations

import pandas as pd

from data.published.evidence import Evidence
from inference.report.figures.wording import interval
from inference.report.table import Cell, Column, Row, Table, number_cell, sort_key, text_cell

NO_DRUG = ("no ", "without", "alone")


def implied_table(ratios: pd.DataFrame) -> Table:
    """Return comparisons of survival with the hazard ratio that each implies, not pooled."""
    rows = []
    for _, row in ratios.iterrows():
        against_none = any(word in row["comparator"] for word in NO_DRUG)
        kind = (
            "against no such drug, not randomised as far as printed"
            if against_none
            else "against another anti-HER2 treatment"
        )
        numbers = (float(row["hazard_ratio"]), float(row["lower"]), float(row["upper"]))
        if pd.isna(numbers[0]):
            implied = "not implied: no single numbers"
        elif pd.isna(numbers[1]):
            implied = f"{numbers[0]:.2f}"
        else:
            implied = interval(*numbers, ratio=True)
        rows.append(
            Row(
                (
                    text_cell(row["id"]),
                    text_cell(row["study"]),
                    text_cell(row["size"] or "not printed"),
                    Cell(f"{row['treatment']} against {row['comparator']}"),
                    Cell(
                        f"{row['endpoint']}: {row['value']} against {row['comparator_value']} {row['unit']}"
                    ),
                    text_cell(row["p"]),
                    Cell(implied, sort_key(numbers[0])),
                    Cell(kind),
                )
            )
        )
    headings = (
        Column("Id"),
        Column("Series"),
        Column("Patients"),
        Column("Compared", wide=True),
        Column("Printed", wide=True),
        Column("P"),
        Column("Implied hazard ratio (95 %)", numeric=True),
        Column("What it is", wide=True),
    )
    caption = (
        "Anti-HER2 treatment in patients with brain metastases: what is printed, and the hazard ratio of death that it implies "
        "if hazards are constant, with the interval that its P value implies. Not the effect of radiotherapy, and not pooled"
    )
    return Table("implied-ratios-table", caption, headings, tuple(rows))


def prognosis_table(evidence: Evidence) -> Table:
    """Return median survival after brain metastasis, by prognostic group."""
    rows = tuple(
        Row(
            (
                text_cell(item.id),
                text_cell(item.study),
                text_cell(item.population),
                number_cell(_number(item.value)),
                text_cell(item.unit),
                text_cell(item.note),
            )
        )
        for item in evidence.review
        if item.domain == "brain_survival"
    )
    headings = (
        Column("Id"),
        Column("Series"),
        Column("Patients", wide=True),
        Column("Median survival", numeric=True),
        Column("Unit"),
        Column("Note", wide=True),
    )
    caption = (
        "Median survival with brain metastases from breast cancer, as printed; Breast-GPA is a prognostic score, "
        "higher is better. Time counts from the brain metastasis, not from the treatment of advanced disease"
    )
    return Table("prognosis", caption, headings, rows)


def trials_table(evidence: Evidence) -> Table:
    """Return the review's trials of brain radiotherapy with drugs."""
    rows = tuple(
        Row(
            tuple(
                text_cell(value)
                for value in (
                    trial.table.partition(" ")[2] or trial.table,
                    trial.nct,
                    trial.phase,
                    trial.drug,
                    trial.radiation,
                    trial.other_therapy,
                    trial.size,
                    trial.outcome,
                    trial.note,
                )
            )
        )
        for trial in evidence.trials
    )
    headings = (
        Column("State"),
        Column("Number"),
        Column("Phase"),
        Column("Drug"),
        Column("Radiotherapy", wide=True),
        Column("Other therapy"),
        Column("Patients"),
        Column("Outcome or endpoint", wide=True),
        Column("Note", wide=True),
    )
    return Table(
        "trials", "Trials of brain radiotherapy with drugs, as the review lists them", headings, rows
    )


def notes_table(evidence: Evidence) -> Table:
    """Return the cited numbers that carry a note: misprints, wrong citations, what is missing."""
    rows = [
        Row(
            (
                text_cell(item.id),
                text_cell(item.source),
                text_cell(item.study),
                Cell(f"{item.endpoint}: {item.value}" if item.value else item.endpoint),
                text_cell(item.note),
            )
        )
        for item in evidence.review
        if item.note
    ]
    rows += [
        Row(
            (
                text_cell(trial.nct),
                Cell("trials table"),
                text_cell(trial.drug),
                text_cell(trial.outcome),
                text_cell(trial.note),
            )
        )
        for trial in evidence.trials
        if trial.note
    ]
    headings = (
        Column("Id"),
        Column("Cited by"),
        Column("Series or drug"),
        Column("Number", wide=True),
        Column("Note", wide=True),
    )
    return Table(
        "context-notes", "Notes on cited numbers: misprints and what is missing", headings, tuple(rows)
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
