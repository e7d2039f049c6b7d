"""The sections of the page between the checks and the diagnostic plots, one file each, in the page's order."""

import pandas as pd

from inference.report.content import ReportSection
from inference.report.pseudo import section_of_pseudo_patients
from inference.report.section import Material, Section
from inference.report.sections import (
    adjustments,
    audit,
    confounding,
    counts,
    effects,
    exposures,
    feedback,
    literature,
    live_prior,
    missing,
    modalities,
    models,
    published,
    reconstruction,
    replication,
    timing,
    timing_and_confounding,
    toxicity,
    untimed,
)

SECTIONS: dict[str, Section] = {
    "live_prior": live_prior.SECTION,
    "adjustments": adjustments.SECTION,
    "counts": counts.SECTION,
    "missing": missing.SECTION,
    "exposures": exposures.SECTION,
    "effects": effects.SECTION,
    "feedback": feedback.SECTION,
    "timing": timing.SECTION,
    "confounding": confounding.SECTION,
    "timing_and_confounding": timing_and_confounding.SECTION,
    "published": published.SECTION,
    "untimed": untimed.SECTION,
    "reconstruction": reconstruction.SECTION,
    "audit": audit.SECTION,
    "replication": replication.SECTION,
    "modalities": modalities.SECTION,
    "toxicity": toxicity.SECTION,
    "literature": literature.SECTION,
    "models": models.SECTION,
}


def sections_of(material: Material) -> list[ReportSection]:
    """Return the sections of an analysis; those that have nothing to show are left out."""
    pseudo = material.results.study.cohort.source == "reconstruction"
    return [
        section_of_pseudo_patients(made) if pseudo and section.of_patients else made
        for section in SECTIONS.values()
        for made in section.make(material)
    ]


def tables_of(material: Material) -> dict[str, pd.DataFrame]:
    """Return the tables behind the sections, by the name of their file."""
    return {name: table for section in SECTIONS.values() for name, table in section.tables(material).items()}


def sentences_beside_the_answer(material: Material) -> list[str]:
    """Return what stands beside the answer: the range over adjustments, and what timing alone could explain."""
    said = [section.beside_the_answer(material) for section in SECTIONS.values()]
    return [sentence for sentence in said if sentence]


def doubts(material: Material) -> list[str]:
    """Return what matters most against the answer, each in one short sentence with its number."""
    said = [section.doubt(material) for section in SECTIONS.values()]
    return [sentence for sentence in said if sentence]
