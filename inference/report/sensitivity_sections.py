"""The page's sections on what the effect hangs on: adjustments, time, subgroups, feedback, start times, confounding."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from data.published.evidence import load_evidence
from inference.fits.fits import Reading
from inference.fits.requests import cohorts_of
from inference.report.adjustment_section import adjustment_section, range_of_adjustments
from inference.report.confounding_section import confounding_section, surface_of
from inference.report.content import FigureItem, ReportSection
from inference.report.drawings import Draw
from inference.report.effect_section import effect_section
from inference.report.exposure_section import (
    exposure_in_words,
    exposure_section,
    hazard_ratios_by_exposure,
    immortal_time,
)
from inference.report.feedback_section import feedback_section
from inference.report.figures import (
    adjustments_figure,
    balance_by_adjustment_figure,
    effect_over_time_figure,
    exposures_figure,
    feedback_figure,
    subgroups_figure,
)
from inference.report.figures.captions import CAPTIONS
from inference.report.pseudo import section_of_pseudo_patients
from inference.report.results import Results
from inference.report.timing_and_confounding_section import timing_and_confounding_section
from inference.report.timing_section import timing_in_short, timing_section
from inference.sensitivity import CONFOUNDING, FEEDBACK, LEFT_OUT, SURFACE, TIMING
from inference.sensitivity.adjustments import compare_adjustments
from inference.sensitivity.by_subgroup import EffectBySubgroup, effect_by_subgroup
from inference.sensitivity.computed import Computed
from inference.sensitivity.confounding import ConfoundingGrid
from inference.sensitivity.e_values import benchmarks, e_values
from inference.sensitivity.left_out import untimed_table
from inference.sensitivity.over_time import effect_over_time
from models.effects import ByInterval, BySubgroup


def sensitivity_sections(results: Results, computed: Computed, draw: Draw) -> list[ReportSection]:
    """Return the sections; those that have nothing to compare are left out.

    Parameters
    ----------
    results : Results
    computed : Computed
        What took a while.
    draw : callable
        Gives a drawing from a name and what makes the figure.
    """
    sections = []
    if len({one.request.adjustment for one in results.models}) > 2:
        sections.append(_adjustments(results, draw))
    if results.exposures:
        sections.append(_exposures(results, draw))
    if results.effects:
        sections.append(_effects(results, draw))
    if (feedback := computed.of(FEEDBACK)) is not None:
        sections.append(_feedback(feedback, draw))
    timing = computed.of(TIMING)
    if timing is not None or computed.why_no_timing:
        sections.append(timing_section(timing, results.study, computed.why_no_timing, draw))
    if (confounding := computed.of(CONFOUNDING)) is not None:
        sections.append(_confounding(results, confounding, draw))
    if (surface := computed.of(SURFACE)) is not None:
        sections.append(timing_and_confounding_section(surface, results.study, draw))
    if results.study.cohort.source == "reconstruction":
        return [section_of_pseudo_patients(section) for section in sections]
    return sections


def sensitivity_tables(results: Results, computed: Computed) -> dict[str, pd.DataFrame]:
    """Return the tables behind the sections, by the name of their file."""
    tables = {"adjustments": compare_adjustments(results.estimands, results.main.request.named)}
    if (feedback := computed.of(FEEDBACK)) is not None:
        tables["feedback"] = feedback
    if (left_out := computed.of(LEFT_OUT)) is not None:
        groups = load_evidence(results.study).names.timing.unknown
        tables["untimed"] = untimed_table(results.cohorts, groups, results.main.estimands, left_out)
    if (timing := computed.of(TIMING)) is not None:
        tables |= {"timing": timing.scenarios, "delays": timing.delays}
    if (confounding := computed.of(CONFOUNDING)) is not None:
        tables["confounding"] = surface_of(confounding)
    if (surface := computed.of(SURFACE)) is not None:
        tables["timing_and_confounding"] = surface.cells
    by_subgroup = subgroups_of(results)
    if by_subgroup is not None:
        tables["subgroups"] = by_subgroup.table
    return tables


def subgroups_of(results: Results) -> EffectBySubgroup | None:
    """Return the effects by subgroup, where they were fitted, with the medians that a publication prints beside them."""
    reading, study = _with_effect(results, BySubgroup.name), results.study
    if reading is None:
        return None
    pseudo = study.cohort.source == "reconstruction"
    printed = load_evidence(study).subgroup_medians if pseudo else {}
    cohorts = cohorts_of(reading.request, (*results.cohorts, *results.further))
    return effect_by_subgroup(study, cohorts, reading, printed)


def _with_effect(results: Results, effect: str) -> Reading | None:
    return next((one for one in results.effects if one.request.effect == effect), None)


def honest_sentences(results: Results, computed: Computed) -> list[str]:
    """Return what stands beside the answer: the range over adjustments, and what timing alone could explain."""
    main = results.main.request.named
    compared = compare_adjustments(results.estimands, main)
    sentences = [range_of_adjustments(compared)]
    if results.exposures:
        sentences.append(immortal_time(hazard_ratios_by_exposure(results.estimands, main), main))
    if (timing := computed.of(TIMING)) is not None:
        sentences.append(timing_in_short(timing, results.study))
    return [sentence for sentence in sentences if sentence]


def _adjustments(results: Results, draw: Draw) -> ReportSection:
    main = results.main.request.named
    compared = compare_adjustments(results.estimands, main)
    figures = [_figure("adjustments", "Every adjustment", draw, lambda: adjustments_figure(compared))]
    balances = {
        one.request.adjustment: one.balance
        for one in results.models
        if len(one.balance) and one.request.baseline == main["baseline"]
    }
    if balances:
        figures.append(
            _figure(
                "balance_by_adjustment",
                "Balance under each adjustment",
                draw,
                lambda: balance_by_adjustment_figure(balances),
            )
        )
    return adjustment_section(compared, results.checks, main, figures)


def _exposures(results: Results, draw: Draw) -> ReportSection:
    main, cohort = results.main.request.named, results.cohort
    assert cohort.treatment_start is not None, "exposures are compared where start times are known"
    order = list(dict.fromkeys(["naive", *(one.request.exposure for one in results.readings)]))
    named = [(exposure, exposure_in_words(exposure, cohort.time_unit)) for exposure in order]
    ratios = hazard_ratios_by_exposure(results.estimands, main)
    figure = _figure(
        "exposures", "The effect by count of exposure", draw, lambda: exposures_figure(ratios, named)
    )
    starts = cohort.treatment_start[np.isfinite(cohort.treatment_start)]
    return exposure_section(results.estimands, main, order, starts, cohort.time_unit, [figure])


def _effects(results: Results, draw: Draw) -> ReportSection:
    figures, unit = [], results.cohort.time_unit
    by_interval, over_time = _with_effect(results, ByInterval.name), None
    if by_interval is not None:
        over_time = effect_over_time(by_interval, unit)
        drawn = partial(effect_over_time_figure, over_time.table, unit, _constant_ratio(results, by_interval))
        figures.append(_figure("effect_over_time", "The hazard ratio over time", draw, drawn))
    by_subgroup = subgroups_of(results)
    if by_subgroup is not None:
        drawn = partial(subgroups_figure, by_subgroup.table)
        figures.append(_figure("subgroups", "The hazard ratio by subgroup", draw, drawn))
    return effect_section(over_time, by_subgroup, figures)


def _constant_ratio(results: Results, changing: Reading) -> tuple[float, float, float] | None:
    """Return the hazard ratio, with its limits, of the model that differs in nothing but that it is the same at all times."""
    wanted = {**changing.request.named, "effect": results.main.request.effect}
    for reading in results.models:
        if reading.request.named == wanted:
            table = reading.estimands
            row = table[(table["estimand"] == "hazard_ratio") & (table["population"] == "conditional")].iloc[
                0
            ]
            return float(row["median"]), float(row["lower"]), float(row["upper"])
    return None


def _confounding(results: Results, grid: ConfoundingGrid, draw: Draw) -> ReportSection:
    measured = benchmarks(results.cohorts, outcome_coefficients(results))
    main = results.main
    row = int(np.flatnonzero(main.estimands["estimand"] == "log_hazard_ratio")[0])
    found = e_values(np.exp(main.draws["estimand"].to_numpy()[row].astype(float)), measured)
    return confounding_section(results.study, grid, measured, found, draw)


def outcome_coefficients(results: Results) -> np.ndarray:
    """Return the posterior means of the covariates' log hazard ratios (term,), by outcome regression where it was fitted.

    With a propensity score in the outcome the covariates share their effect with it.
    """
    plain = [one for one in results.models if one.request.adjustment == "none"]
    draws = (plain[0] if plain else results.main).draws
    names = draws["parameter_name"].to_numpy().astype(str)
    wanted = [f"outcome_coefficients[{term}]" for term in results.cohort.outcome.terms]
    means = draws["parameter"].to_numpy().astype(float).reshape(len(names), -1).mean(axis=1)
    return means[[int(np.flatnonzero(names == name)[0]) for name in wanted]]


def _feedback(table: pd.DataFrame, draw: Draw) -> ReportSection:
    figure = _figure(
        "feedback", "The effect by power of the outcome's likelihood", draw, lambda: feedback_figure(table)
    )
    return feedback_section(table, [figure])


def _figure(name: str, title: str, draw: Draw, figure: Callable[[], Figure]) -> FigureItem:
    place = name.replace("_", "-")
    return FigureItem(place, title, CAPTIONS[name], draw(place, figure), "section")
