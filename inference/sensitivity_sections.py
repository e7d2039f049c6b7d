"""The page's sections on what the effect hangs on: adjustments, and how exposure is counted in time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from inference.figures import adjustments_figure, balance_by_adjustment_figure, exposures_figure
from inference.figures.captions import CAPTIONS
from inference.report.adjustment_section import adjustment_section, range_of_adjustments
from inference.report.content import FigureItem, ReportSection
from inference.report.exposure_section import (
    exposure_in_words,
    exposure_section,
    hazard_ratios_by_exposure,
    immortal_time,
)
from inference.results import Results
from inference.sensitivity.adjustments import compare_adjustments

Draw = Callable[[str, Callable[[], Figure]], str]


def sensitivity_sections(results: Results, draw: Draw) -> list[ReportSection]:
    """Return the sections; those that have nothing to compare are left out.

    Parameters
    ----------
    results : Results
    draw : callable
        Gives the SVG of a figure from its name and what draws it.
    """
    sections = []
    if len({one.request.adjustment for one in results.models}) > 2:
        sections.append(_adjustments(results, draw))
    if results.exposures:
        sections.append(_exposures(results, draw))
    return sections


def honest_sentences(results: Results) -> list[str]:
    """Return what stands beside the answer: the range over adjustments, and what the count of exposure does."""
    main = results.main.request.named
    compared = compare_adjustments(results.estimands, main)
    sentences = [range_of_adjustments(compared)]
    if results.exposures:
        sentences.append(immortal_time(hazard_ratios_by_exposure(results.estimands, main), main))
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


def _figure(name: str, title: str, draw: Draw, figure: Callable[[], Figure]) -> FigureItem:
    place = name.replace("_", "-")
    return FigureItem(place, title, CAPTIONS[name], draw(place, figure), "section")
