"""The section on what the publications that a study cites say beside it: drugs after brain metastasis, prognosis, trials."""

from collections.abc import Iterable
from dataclasses import asdict

import pandas as pd

from data.published.evidence import Evidence
from inference.published.implied_hazard_ratios import implied_ratios
from inference.report.content import ReportSection
from inference.report.drawings import Draw, drawn_when_asked
from inference.report.figures.implied_ratios import implied_ratios_figure
from inference.report.numbers import ratio
from inference.report.section import Material, Section, figure_of
from inference.report.table import NUMBER, PRINTED, SENTENCE, TEXT, Column, Table

DRUGS, PATIENTS = "antiher2_survival", "BCBM"
NO_DRUG = ("no ", "without", "alone")


def literature_section(evidence: Evidence, draw: Draw = drawn_when_asked) -> ReportSection:
    """Return the section on drugs after brain metastasis, prognosis, trials and misprints of what is cited."""
    ratios = implied_ratios(evidence, DRUGS, PATIENTS)
    paragraphs: list[str] = []
    tables, figures = [], []
    if len(ratios):
        paragraphs += [
            f"This is not the effect of radiotherapy. {_longer(ratios)}, and patients of both arms of the study had such drugs.",
            "The comparisons are not pooled. They ask different questions (a drug against none, or one drug against another); group sizes are "
            "mostly not printed, so an interval rests on the P value alone; hazards would have to be constant; some "
            "citations are doubtful (see the notes); and in comparisons of a drug against none, only those who lived "
            "long enough got the drug. A pooled number would look like knowledge.",
        ]
        tables.append(_implied(ratios))
        if ratios["hazard_ratio"].notna().any():
            title = "Anti-HER2 drugs after brain metastasis"
            figures.append(figure_of(draw, "implied_ratios", title, lambda: implied_ratios_figure(ratios)))
    tables += [table for table in (_prognosis(evidence), _trials(evidence)) if table.rows]
    notes = _notes(evidence)
    if notes.rows:
        paragraphs.append(
            f"{len(notes.rows)} of the cited numbers and trials carry a note: a misprint, a wrong citation, or something that "
            "is missing. Numbers are shown as printed."
        )
        tables.append(notes)
    return ReportSection(
        "context",
        "What the cited literature adds",
        tuple(paragraphs),
        tuple(tables),
        tuple(figures),
        f"{_longer(ratios)}; none of these is the effect of radiotherapy." if len(ratios) else "",
        "paper",
        opens_with=None,
    )


def _longer(ratios: pd.DataFrame) -> str:
    """Return in how many of the comparisons those with the drug live longer."""
    known = ratios["hazard_ratio"].dropna()
    longer = int((known < 1).sum())
    said = f"Anti-HER2 drugs after brain metastasis go with longer survival in {longer} of {len(known)} comparisons that the review cites"
    left = len(ratios) - len(known)
    return said + (f"; {left} more {'gives' if left == 1 else 'give'} no numbers" if left else "")


def _implied(ratios: pd.DataFrame) -> Table:
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


def _prognosis(evidence: Evidence) -> Table:
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


def _trials(evidence: Evidence) -> Table:
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


def _notes(evidence: Evidence) -> Table:
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


def _sections(material: Material) -> list[ReportSection]:
    publication = material.publication
    if publication is None or material.companions is None or not publication.evidence.review:
        return []
    return [literature_section(publication.evidence, material.draw)]


SECTION = Section(_sections)
