"""The page's section on whether the effect changes over time, and whether it differs between subgroups."""

from __future__ import annotations

import math
from collections.abc import Sequence

from inference.report.content import FigureItem, ReportSection
from inference.report.numbers import number, ratio
from inference.report.table import Cell, Column, Row, Table, number_cell, probability_cell
from inference.sensitivity.by_subgroup import EffectBySubgroup, by_subgroup_in_words
from inference.sensitivity.over_time import EffectOverTime, over_time_in_words


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
        Column(f"From ({found.time_unit})", numeric=True),
        Column(f"To ({found.time_unit})", numeric=True),
        Column("Hazard ratio, conditional (95 %)", numeric=True),
        Column("P(benefit)", numeric=True),
    )
    rows = tuple(
        Row(
            (
                number_cell(row["start"]),
                number_cell(row["end"]),
                ratio_cell(row["hazard_ratio"], row["lower"], row["upper"]),
                probability_cell(row["probability_of_benefit"]),
            )
        )
        for row in found.table.to_dict("records")
    )
    return Table("effect-by-interval", "The hazard ratio in each interval of time", columns, rows)


def _subgroup_table(found: EffectBySubgroup) -> Table:
    printed = bool(found.table["median_treated"].notna().any())
    columns = (
        Column("Subgroup"),
        Column("Patients", numeric=True),
        Column("Hazard ratio, shrunk (95 %)", numeric=True),
        Column("P(benefit)", numeric=True),
        Column("Cox with interactions, not shrunk (95 %)", numeric=True),
        *([Column("Printed medians, treated / not (their ratio)", numeric=True)] if printed else []),
    )
    rows = tuple(
        Row(
            (
                Cell(f"{row['covariate']}: {row['level']}" if row["subgroup"] else "Average patient"),
                Cell(f"{row['patients']:.0f}", float(row["patients"])),
                ratio_cell(row["hazard_ratio"], row["lower"], row["upper"]),
                probability_cell(row["probability_of_benefit"]),
                ratio_cell(row["alone"], row["alone_lower"], row["alone_upper"]),
                *([_medians_cell(row["median_treated"], row["median_control"])] if printed else []),
            )
        )
        for row in found.table.to_dict("records")
    )
    caption = "The hazard ratio in each subgroup, with 95 % intervals; patients count in every subgroup that they belong to"
    if printed:
        caption += (
            ". Beside it the medians that the publication prints, with the median of the untreated over that of the treated: the "
            "hazard ratio that they would imply if hazards were constant and nothing confounded"
        )
    return Table("effect-by-subgroup", caption, columns, rows)


def _contrasts_table(found: EffectBySubgroup) -> Table:
    columns = (
        Column("With against without"),
        Column("Ratio of hazard ratios, shrunk", numeric=True),
        Column("Missing information", numeric=True),
        Column("Its Monte Carlo error", numeric=True),
    )
    rows = tuple(
        Row(
            (
                Cell(f"{row['covariate']}: {row['level']}"),
                number_cell(row["ratio"]),
                number_cell(row["missing_information"], 2),
                number_cell(row["missing_error"], 2),
            )
        )
        for row in found.contrasts.to_dict("records")
    )
    cohorts = int(found.contrasts["cohorts"].iloc[0])
    caption = (
        f"What of each contrast is not known because the publication does not say it: the share of its variance that lies between {cohorts} "
        "cohorts, given the model that reconstructs them"
    )
    return Table("subgroup-contrasts", caption, columns, rows)


def _medians_cell(treated: float, control: float) -> Cell:
    if math.isnan(treated) or math.isnan(control):
        return Cell("")
    return Cell(f"{treated:g} / {control:g} ({control / treated:.2f})", control / treated)


def ratio_cell(middle: float, lower: float, upper: float) -> Cell:
    """Return a cell with a ratio and its interval, sorted by the ratio."""
    return Cell(ratio(middle, lower, upper), float(middle))
