"""The page's section on whether the effect changes over time, and whether it differs between subgroups."""

from collections.abc import Sequence
from functools import lru_cache, partial

import pandas as pd

from data.published.evidence import load_evidence
from inference.fits.fits import FitSummary
from inference.fits.requests import cohorts_of
from inference.report.content import FigureItem, ReportSection
from inference.report.figures.effect_over_time import effect_over_time_figure
from inference.report.figures.subgroups import subgroups_figure
from inference.report.figures.wording import estimate_of
from inference.report.numbers import number
from inference.report.results import Results
from inference.report.section import Material, Section
from inference.report.table import COUNT, NUMBER, PRINTED, PROBABILITY, RATIO, SHORT, TEXT, Column, Table
from inference.sensitivity.by_subgroup import (
    EffectBySubgroup,
    by_subgroup_in_words,
    cox_by_subgroup,
    effect_by_subgroup,
)
from inference.sensitivity.over_time import EffectOverTime, effect_over_time, over_time_in_words
from models.effects import ByInterval, BySubgroup


def effect_section(
    over_time: EffectOverTime | None, by_subgroup: EffectBySubgroup | None, figures: Sequence[FigureItem]
) -> ReportSection:
    """Return the section, of whichever of the two there is.

    Parameters
    ----------
    over_time : EffectOverTime or None
    by_subgroup : EffectBySubgroup or None
    figures : sequence of FigureItem
    """
    paragraphs: list[str] = []
    tables: list[Table] = []
    if over_time is not None:
        paragraphs.append(_about_time(over_time))
        tables.append(_time_table(over_time))
    if by_subgroup is not None:
        paragraphs.append(_about_subgroups(by_subgroup))
        tables.append(_subgroup_table(by_subgroup))
        if len(by_subgroup.contrasts):
            tables.append(_contrasts_table(by_subgroup))
    return ReportSection(
        "effect-shapes",
        "Is the effect the same at all times and in all patients",
        tuple(paragraphs),
        tuple(tables),
        tuple(figures),
        "" if over_time is None else over_time_in_words(over_time).partition(". ")[0].rstrip(".") + ".",
    )


def _about_time(found: EffectOverTime) -> str:
    text = (
        "The main model has one hazard ratio for all times. Here it may change from interval to interval, by steps of which the "
        f"size is estimated. {over_time_in_words(found)}"
    )
    if not found.step_sd:
        return text
    return (
        f"{text} The standard deviation of a step of the log hazard ratio, 0 where hazards are proportional, is "
        f"{_limits(found.step_sd)}; its prior said {_limits(found.step_sd_prior)}."
    )


def _about_subgroups(found: EffectBySubgroup) -> str:
    text = (
        "Here the effect may differ by subgroup: it adds up over the conditions that a patient has, and is shrunk to a common one. "
        f"{by_subgroup_in_words(found)}{_picked(found)}"
    )
    if not found.spread:
        return text
    return f"{text} The standard deviation of the subgroup effects on the log hazard ratio is {_limits(found.spread)}."


def _picked(found: EffectBySubgroup) -> str:
    """Return that two subgroups were compared because they came out as the extremes; empty where there are only two."""
    count = int((found.table["subgroup"] != "").sum())
    if count < 3:
        return ""
    return (
        f" The two were picked after the fact, as the lowest and the highest of {count}: of two that were named beforehand, such a "
        "probability would say more. Here it overstates how far subgroups are apart."
    )


def _limits(values: Sequence[float]) -> str:
    middle, low, high = (number(value, 2) for value in values)
    return f"{middle} ({low} to {high})"


def _time_table(found: EffectOverTime) -> Table:
    columns = (
        Column(f"From ({found.time_unit})", NUMBER, "start"),
        Column(f"To ({found.time_unit})", NUMBER, "end"),
        Column("Hazard ratio, conditional (95 %)", RATIO, "hazard_ratio"),
        Column("P(benefit)", PROBABILITY, "probability_of_benefit"),
    )
    return Table("effect-by-interval", "The hazard ratio in each interval of time", columns, found.table)


def _subgroup_table(found: EffectBySubgroup) -> Table:
    table = found.table
    implied = table["median_control"] / table["median_treated"]
    columns = (
        Column("Subgroup", TEXT, "named"),
        Column("Patients", COUNT, "patients"),
        Column("Hazard ratio, shrunk (95 %)", RATIO, "hazard_ratio"),
        Column("P(benefit)", PROBABILITY, "probability_of_benefit"),
        Column("Cox with interactions, not shrunk (95 %)", RATIO, "alone"),
    )
    frame = table.assign(
        named=[
            f"{row['covariate']}: {row['level']}" if row["subgroup"] else "Average patient"
            for row in table.to_dict("records")
        ],
        implied=implied,
        medians=[
            "" if pd.isna(ratio) else f"{treated:g} / {control:g} ({ratio:.2f})"
            for treated, control, ratio in zip(
                table["median_treated"], table["median_control"], implied, strict=True
            )
        ],
    )
    caption = "The hazard ratio in each subgroup, with 95 % intervals; patients count in every subgroup that they belong to"
    if table["median_treated"].notna().any():
        columns += (Column("Printed medians, treated / not (their ratio)", PRINTED, "medians", by="implied"),)
        caption += (
            ". Beside it the medians that the publication prints, with the median of the untreated over that of the treated: the "
            "hazard ratio that they would imply if hazards were constant and nothing confounded"
        )
    return Table("effect-by-subgroup", caption, columns, frame)


def _contrasts_table(found: EffectBySubgroup) -> Table:
    columns = (
        Column("With against without", TEXT, "named"),
        Column("Ratio of hazard ratios, shrunk", NUMBER, "ratio"),
        Column("Missing information", SHORT, "missing_information"),
        Column("Its Monte Carlo error", SHORT, "missing_error"),
    )
    contrasts = found.contrasts
    frame = contrasts.assign(named=contrasts["covariate"] + ": " + contrasts["level"].astype(str))
    caption = (
        f"What of each contrast is not known because the publication does not say it: the share of its variance that lies between {int(contrasts['cohorts'].iloc[0])} "
        "cohorts, given the model that reconstructs them"
    )
    return Table("subgroup-contrasts", caption, columns, frame)


def _sections(material: Material) -> list[ReportSection]:
    results = material.results
    if not results.effects:
        return []
    figures, unit = [], results.cohort.time_unit
    by_interval, over_time = material.with_effect(ByInterval.name), None
    if by_interval is not None:
        over_time = effect_over_time(by_interval, unit)
        drawn = partial(effect_over_time_figure, over_time.table, unit, _constant_ratio(results, by_interval))
        figures.append(material.figure("effect_over_time", "The hazard ratio over time", drawn))
    by_subgroup = _by_subgroup(material)
    if by_subgroup is not None:
        drawn = partial(subgroups_figure, by_subgroup.table)
        figures.append(material.figure("subgroups", "The hazard ratio by subgroup", drawn))
    return [effect_section(over_time, by_subgroup, figures)]


def _tables(material: Material) -> dict[str, pd.DataFrame]:
    by_subgroup = _by_subgroup(material)
    return {} if by_subgroup is None else {"subgroups": by_subgroup.table}


@lru_cache(maxsize=1)  # for the section and its table
def _by_subgroup(material: Material) -> EffectBySubgroup | None:
    """Return the effects by subgroup, where they were fitted, with the medians that a publication prints beside them."""
    summary, results = material.with_effect(BySubgroup.name), material.results
    if summary is None:
        return None
    study = results.study
    pseudo = study.cohort.source == "reconstruction"
    printed = load_evidence(study).subgroup_medians if pseudo else {}
    cohorts = cohorts_of(summary.request, (*results.cohorts, *results.further))
    alone = cox_by_subgroup(material.kept, study, cohorts, summary.request)
    return effect_by_subgroup(study, summary, alone, printed)


def _constant_ratio(results: Results, changing: FitSummary) -> tuple[float, float, float] | None:
    """Return the hazard ratio, with its limits, of the model that differs in nothing but that it is the same at all times."""
    wanted = {**changing.request.named, "effect": results.main.request.effect}
    for summary in results.models:
        if summary.request.named == wanted:
            table = summary.estimands
            of_effect = (table["estimand"] == "hazard_ratio") & (table["population"] == "conditional")
            return estimate_of(table[of_effect].iloc[0])
    return None


SECTION = Section(_sections, _tables, of_patients=True)
