"""Tables of what the cited literature says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import pandas as pd

from data.published.evidence import Evidence
from inference.report.numbers import ratio
from inference.report.table import NUMBER, PRINTED, SENTENCE, TEXT, Column, Table

NO_DRUG = ("no ", "without", "alone")


def implied_table(ratios: pd.DataFrame) -> Table:
    """Return comparisons of survival with the hazard ratio that each implies, not pooled."""
    against_none = [any(word in comparator for word in NO_DRUG) for comparator in ratios["comparator"]]
    frame = ratios.assign(
        size=ratios["size"].replace("", "not printed"),
        compared=ratios["treatment"] + " against " + ratios["comparator"],
        said=[
            f"{row['endpoint']}: {row['value']} against {row['comparator_value']} {row['unit']}"
            for row in ratios.to_dict("records")
        ],
        implied=[
            ratio(*numbers) if pd.notna(numbers[0]) else "not implied: no single numbers"
            for numbers in ratios[["hazard_ratio", "lower", "upper"]].astype(float).itertuples(index=False)
        ],
        kind=[
            "against no such drug, not randomised as far as printed"
            if none
            else "against another anti-HER2 treatment"
            for none in against_none
        ],
    )
    columns = (
        Column("Id", TEXT, "id"),
        Column("Series", TEXT, "study"),
        Column("Patients", TEXT, "size"),
        Column("Compared", SENTENCE, "compared"),
        Column("Printed", SENTENCE, "said"),
        Column("P", TEXT, "p"),
        Column("Implied hazard ratio (95 %)", PRINTED, "implied", by="hazard_ratio"),
        Column("What it is", SENTENCE, "kind"),
    )
    caption = (
        "Anti-HER2 treatment in patients with brain metastases: what is printed, and the hazard ratio of death that it implies "
        "if hazards are constant, with the interval that its P value implies. Not the effect of radiotherapy, and not pooled"
    )
    return Table("implied-ratios-table", caption, columns, frame)


def prognosis_table(evidence: Evidence) -> Table:
    """Return median survival after brain metastasis, by prognostic group."""
    frame = _frame(item for item in evidence.review if item.domain == "brain_survival")
    columns = (
        Column("Id", TEXT, "id"),
        Column("Series", TEXT, "study"),
        Column("Patients", SENTENCE, "population"),
        Column("Median survival", NUMBER, "median"),
        Column("Unit", TEXT, "unit"),
        Column("Note", SENTENCE, "note"),
    )
    caption = (
        "Median survival with brain metastases from breast cancer, as printed; Breast-GPA is a prognostic score, "
        "higher is better. Time counts from the brain metastasis, not from the treatment of advanced disease"
    )
    median = pd.to_numeric(frame["value"], errors="coerce") if len(frame) else []
    return Table("prognosis", caption, columns, frame.assign(median=median))


def trials_table(evidence: Evidence) -> Table:
    """Return the review's trials of brain radiotherapy with drugs."""
    frame = _frame(evidence.trials)
    state = [name.partition(" ")[2] or name for name in frame["table"]] if len(frame) else []
    columns = (
        Column("State", TEXT, "state"),
        Column("Number", TEXT, "nct"),
        Column("Phase", TEXT, "phase"),
        Column("Drug", TEXT, "drug"),
        Column("Radiotherapy", SENTENCE, "radiation"),
        Column("Other therapy", TEXT, "other_therapy"),
        Column("Patients", TEXT, "size"),
        Column("Outcome or endpoint", SENTENCE, "outcome"),
        Column("Note", SENTENCE, "note"),
    )
    caption = "Trials of brain radiotherapy with drugs, as the review lists them"
    return Table("trials", caption, columns, frame.assign(state=state))


def notes_table(evidence: Evidence) -> Table:
    """Return the cited numbers that carry a note: misprints, wrong citations, what is missing."""
    rows = [
        (
            item.id,
            item.source,
            item.study,
            f"{item.endpoint}: {item.value}" if item.value else item.endpoint,
            item.note,
        )
        for item in evidence.review
    ]
    rows += [(trial.nct, "trials table", trial.drug, trial.outcome, trial.note) for trial in evidence.trials]
    frame = pd.DataFrame(
        [row for row in rows if row[-1]], columns=pd.Index(["id", "source", "of", "number", "note"])
    )
    columns = (
        Column("Id", TEXT, "id"),
        Column("Cited by", TEXT, "source"),
        Column("Series or drug", TEXT, "of"),
        Column("Number", SENTENCE, "number"),
        Column("Note", SENTENCE, "note"),
    )
    caption = "Notes on cited numbers: misprints and what is missing"
    return Table("context-notes", caption, columns, frame)


def _frame(rows: Iterable) -> pd.DataFrame:
    return pd.DataFrame([asdict(row) for row in rows])
