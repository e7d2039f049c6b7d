"""What the publications that a study cites say beside it: toxicity, drugs after brain metastasis, prognosis, trials."""

from __future__ import annotations

import pandas as pd

from data.published.evidence import Evidence
from inference.published.implied_hazard_ratios import implied_ratios
from inference.published.toxicity import MAIN, Toxicity
from inference.report.content import ReportSection
from inference.report.context_tables import implied_table, notes_table, prognosis_table, trials_table
from inference.report.drawings import Draw, drawn_when_asked
from inference.report.figures.implied_ratios import implied_ratios_figure
from inference.report.figures.toxicity import toxicity_figure
from inference.report.figures.wording import estimate_of
from inference.report.numbers import probability, share
from inference.report.section import Material, Section, figure_of
from inference.report.toxicity_tables import (
    contrasts_table,
    risks_table,
    toxicity_priors_table,
    toxicity_scenarios_table,
)

EXPOSURE_WORDS = {
    "none": "without T-DM1",
    "any": "with T-DM1",
    "sequential": "T-DM1 in sequence",
    "concurrent": "T-DM1 at the same time",
}
DRUGS, PATIENTS = "antiher2_survival", "BCBM"


def context_sections(
    evidence: Evidence, toxicity: Toxicity | None, draw: Draw = drawn_when_asked
) -> tuple[ReportSection, ...]:
    """Return the sections on what the study's citations say; none where it has no review.

    Parameters
    ----------
    evidence : Evidence
    toxicity : Toxicity or None
        Of `inference.published.toxicity.toxicity_of`.
    draw : callable
        Gives a drawing from a name and what makes the figure; `inference.report.drawing.Drawer` keeps it on disk.
    """
    if not evidence.review:
        return ()
    sections = [toxicity_section(toxicity, draw)] if toxicity is not None else []
    return (*sections, literature_section(evidence, draw))


def toxicity_section(toxicity: Toxicity, draw: Draw = drawn_when_asked) -> ReportSection:
    """Return the section on radionecrosis with and without T-DM1."""
    historical = toxicity.evidence.historical
    figure = figure_of(
        draw,
        "toxicity",
        "Radionecrosis with and without T-DM1",
        lambda: toxicity_figure(toxicity.risks, (historical.lower, historical.upper), EXPOSURE_WORDS),
    )
    return ReportSection(
        "toxicity",
        "Radionecrosis after stereotactic radiotherapy with T-DM1",
        (*_findings(toxicity), *_readings(toxicity)),
        (
            contrasts_table(toxicity),
            risks_table(toxicity, EXPOSURE_WORDS),
            toxicity_scenarios_table(toxicity),
            toxicity_priors_table(toxicity),
        ),
        (figure,),
        _finding(toxicity),
        "paper",
        opens_with=None,
    )


def _finding(toxicity: Toxicity) -> str:
    main = toxicity.contrasts[toxicity.contrasts["scenario"] == MAIN].set_index(["contrast", "quantity"])
    drug = main.loc[("drug", "risk_difference")]
    return (
        f"In small series that were not randomised, T-DM1 goes with a share of radionecrosis that is higher by {share(*estimate_of(drug))}; "
        f"probability that it is higher at all {probability(drug['probability_of_harm'])}."
    )


def _findings(toxicity: Toxicity) -> list[str]:
    main = toxicity.contrasts[toxicity.contrasts["scenario"] == MAIN].set_index(["contrast", "quantity"])
    drug, timing = main.loc[("drug", "risk_difference")], main.loc[("timing", "risk_difference")]
    needed = main.loc[("drug", "number_needed_to_harm")]
    said = (
        f"One more radionecrosis for every {needed['median']:.1f} patients given the drug "
        f"({needed['lower']:.1f} to {needed['upper']:.1f})."
        if pd.notna(needed["median"])
        else "The interval of the difference holds 0, so no number needed to harm is given."
    )
    return [
        "In a typical series T-DM1 goes with a risk of radionecrosis that is higher by "
        f"{share(*estimate_of(drug))} (95 %; difference of shares); the probability that it is higher at all is "
        f"{probability(drug['probability_of_harm'])}. {said} Whether drug and radiotherapy are given together or in "
        f"sequence: a difference of {share(*estimate_of(timing))}, probability of more harm when together "
        f"{probability(timing['probability_of_harm'])}"
        + ("; the series are too small to tell." if timing["lower"] < 0 < timing["upper"] else "."),
        "These are unadjusted comparisons of small retrospective series: who got the drug was not drawn by lot, and patients "
        "who live longer, perhaps because of it, have more time to develop radionecrosis. The model is a binomial "
        "one in which each series shifts both of its arms alike, because series define radionecrosis differently; the risk "
        f"without the drug elsewhere ({toxicity.evidence.historical.id}) is its prior.",
    ]


def _readings(toxicity: Toxicity) -> list[str]:
    """Say how percentages became counts, and where that is doubtful."""
    said = []
    for series in toxicity.evidence.series:
        reading = series.readings[0]
        if all(arm.exposure != "none" for arm in reading.arms):
            said.append(
                f"Both groups of {series.study} had the drug: it speaks of the drug only against other series, and of timing."
            )
        counts = " and ".join(
            f"{arm.cases} of {arm.size} ({arm.percent.text} %, {arm.treatment})" for arm in reading.arms
        )
        if series.certain:
            said.append(
                f"{series.study} ({series.id}): the printed percentages of {series.total} patients mean {counts}, "
                "the only whole numbers that fit."
            )
            continue
        verb = "is" if reading.left_out == 1 else "are"
        missing = f"{reading.left_out} of {series.total} patients {verb} then in neither group"
        others = len(series.readings) - 1
        said.append(
            f"{series.study} ({series.id}): group sizes are not printed. Taken is {counts}; {missing}. "
            f"{others} other reading{'s' if others != 1 else ''} would also fit, and leave out more: see the table of readings."
        )
    note = toxicity.evidence.historical.note
    said.append(
        f"The range without the drug ({toxicity.evidence.historical.id}) is of {toxicity.evidence.historical.endpoint}; "
        "whether the series with the drug count only symptomatic cases is not printed"
        + (f". Note on it: {note}." if note else ".")
    )
    return said


def _longer(ratios: pd.DataFrame) -> str:
    """Return in how many of the comparisons those with the drug live longer."""
    known = ratios["hazard_ratio"].dropna()
    longer = int((known < 1).sum())
    said = f"Anti-HER2 drugs after brain metastasis go with longer survival in {longer} of {len(known)} comparisons that the review cites"
    left = len(ratios) - len(known)
    return said + (f"; {left} more {'gives' if left == 1 else 'give'} no numbers" if left else "")


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
        tables.append(implied_table(ratios))
        if ratios["hazard_ratio"].notna().any():
            title = "Anti-HER2 drugs after brain metastasis"
            figures.append(figure_of(draw, "implied_ratios", title, lambda: implied_ratios_figure(ratios)))
    tables += [table for table in (prognosis_table(evidence), trials_table(evidence)) if table.rows]
    notes = notes_table(evidence)
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


def _sections(material: Material) -> list[ReportSection]:
    publication, companions = material.publication, material.companions
    if publication is None or companions is None:
        return []
    return list(context_sections(publication.evidence, companions.toxicity, material.draw))


SECTION = Section(_sections)
