"""The page's section on groups of the treated whose sizes are not printed, such as the modality of radiotherapy."""

from collections.abc import Sequence

import pandas as pd

from data.published.evidence import Evidence
from inference.report.content import FigureItem, ReportSection
from inference.report.figures.subgroups import GROUPS_CAPTION, subgroups_figure
from inference.report.section import Material, Section
from inference.report.table import NUMBER, PRINTED, PROBABILITY, RATIO, TEXT, Column, Table
from inference.sensitivity.modalities import EffectByGroup, by_group_in_words, sizes_in_words


def modality_section(
    found: EffectByGroup, name: str, unit: str, figures: Sequence[FigureItem]
) -> ReportSection:
    """Return the section on one division of the treated.

    Parameters
    ----------
    found : EffectByGroup
    name : str
        What divides the treated, in words.
    unit : str
        Of time.
    figures : sequence of FigureItem
    """
    return ReportSection(
        f"groups-{found.analysis.replace('_', '-')}",
        f"Does the effect differ by {name}",
        (
            f"The publication prints a median for each group and one P value for all of them, and neither who belongs to a group "
            f"nor how many. {sizes_in_words(found)} Nothing is known of what the patients of a group have in common, so that no "
            "adjustment between groups is possible.",
        ),
        (_table(found, name, unit),),
        tuple(figures),
        by_group_in_words(found),
        part="paper",
    )


def _table(found: EffectByGroup, name: str, unit: str) -> Table:
    columns = (
        Column("Group", TEXT, "group"),
        Column("Pseudo-patients, mean (range)", PRINTED, "size", by="patients"),
        Column(f"Printed median, {unit}", NUMBER, "median"),
        Column("Hazard ratio against untreated, shrunk (95 %)", RATIO, "hazard_ratio"),
        Column("P(benefit)", PROBABILITY, "probability_of_benefit"),
        Column("By itself, Cox (95 %)", RATIO, "alone"),
    )
    size = [
        f"{row['patients']:.0f} ({row['patients_low']:.0f} to {row['patients_high']:.0f})"
        for row in found.table.to_dict("records")
    ]
    caption = f"The effect by {name}, with 95 % intervals over all cohorts of pseudo-patients"
    return Table(
        f"effect-by-{found.analysis.replace('_', '-')}", caption, columns, found.table.assign(size=size)
    )


def _sections(material: Material) -> list[ReportSection]:
    publication, companions = material.publication, material.companions
    if publication is None or companions is None:
        return []
    return [_of(found, publication.evidence, material) for found in companions.modalities]


def _of(found: EffectByGroup, evidence: Evidence, material: Material) -> ReportSection:
    name = f"effect_by_{found.analysis}"
    arm = evidence.names.arms.treated
    words = " ".join(arm if part == arm.lower() else part for part in found.analysis.split("_"))
    shown = found.table.rename(columns={"group": "level"}).assign(covariate=words)
    title = f"The hazard ratio by {words}"
    figure = material.figure(name, title, lambda: subgroups_figure(shown), GROUPS_CAPTION)
    return modality_section(found, words, material.results.study.time_unit, [figure])


def _tables(material: Material) -> dict[str, pd.DataFrame]:
    companions = material.companions
    listed = () if companions is None else companions.modalities
    return {f"effect_by_{found.analysis}": found.table for found in listed}


SECTION = Section(_sections, _tables, of_patients=True)
