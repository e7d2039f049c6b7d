"""The section on treatment that begins after time zero, for studies that say when."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from inference.report.content import FigureItem, ReportSection
from inference.report.figures.exposures import exposures_figure
from inference.report.figures.wording import estimate_of, words
from inference.report.numbers import lone_ratio, number, probability, ratio
from inference.report.section import Material, Section
from inference.report.table import PROBABILITY, RATIO, SPAN, TEXT, Column, Table, numbers_of

NAMES = {
    "naive": "Ever against never treated (naive)",
    "time_split": "Split at the start of treatment",
}


def exposure_in_words(exposure: str, unit: str) -> str:
    """Return how exposure is counted, as a heading."""
    if exposure.startswith("landmark_"):
        return f"Landmark at {exposure.removeprefix('landmark_')} {unit}, those still followed only"
    return NAMES[exposure]


def hazard_ratios_by_exposure(estimands: pd.DataFrame, main: dict[str, str]) -> pd.DataFrame:
    """Return the conditional hazard ratios of the main baseline and prior set, one for each exposure and adjustment."""
    chosen = (estimands["estimand"] == "hazard_ratio") & (estimands["population"] == "conditional")
    chosen &= _of_all(estimands)
    for column in ("baseline", "effect", "prior_set"):
        chosen &= estimands[column].astype(str) == main[column]
    return estimands[chosen & estimands["adjustment"].isin(["joint", "cut"])]


def _of_all(estimands: pd.DataFrame) -> pd.Series:
    """Return which rows are of no subgroup."""
    return estimands["subgroup"].fillna("").astype(str) == ""


def immortal_time(ratios: pd.DataFrame, main: dict[str, str]) -> str:
    """Return what the naive count would have claimed beside the split one, in one sentence; empty without both."""
    own = ratios[ratios["adjustment"] == main["adjustment"]].set_index("exposure")
    if not {"naive", "time_split"} <= set(own.index):
        return ""
    naive, split = own.loc["naive"], own.loc["time_split"]
    factor = float(np.exp(np.log(split["median"]) - np.log(naive["median"])))
    return (
        f"Counted as ever against never treated, the hazard ratio would be {_ratio(naive)}; with the time before treatment "
        f"counted as untreated it is {_ratio(split)}: a factor of {lone_ratio(factor)} is owed to the count alone."
    )


def exposure_section(
    estimands: pd.DataFrame,
    main: dict[str, str],
    order: Sequence[str],
    starts: np.ndarray,
    unit: str,
    figures: Sequence[FigureItem],
) -> ReportSection:
    """Return the section.

    Parameters
    ----------
    estimands : DataFrame
        The contract's estimands.csv.
    main : dict
        Names the main fit.
    order : sequence of str
        Exposures, as they stand in the table.
    starts : ndarray (treated,)
        When treatment began, of the treated.
    unit : str
        Of time.
    figures : sequence of FigureItem
    """
    ratios = hazard_ratios_by_exposure(estimands, main)
    low, middle, high = np.quantile(starts, [0.25, 0.5, 0.75])
    paragraphs = [
        immortal_time(ratios, main),
        (
            f"Treatment began {number(middle)} {unit} after time zero in the median patient treated (half of them between "
            f"{number(low)} and {number(high)} {unit}). Who had the event before could not be treated any more: counted as ever "
            "against never, that alone makes treatment look better, whatever it does."
        ),
        (
            "A landmark compares those still followed then by what they had had until then; it drops the early events and speaks of "
            "those alone. No way of counting removes confounding by what changed between time zero and the start of treatment."
        ),
    ]
    return ReportSection(
        "exposures",
        "When treatment began",
        tuple(one for one in paragraphs if one),
        (_table(estimands, ratios, order, unit),),
        tuple(figures),
    )


def _table(estimands: pd.DataFrame, ratios: pd.DataFrame, order: Sequence[str], unit: str) -> Table:
    rows = []
    for exposure in order:
        for row in ratios[ratios["exposure"] == exposure].to_dict("records"):
            same = estimands["estimand"].eq("rmst_difference") & estimands["population"].eq("all")
            same &= _of_all(estimands)
            for column in ("baseline", "adjustment", "effect", "exposure", "prior_set"):
                same &= estimands[column].astype(str) == str(row[column])
            rows.append(
                {
                    **row,
                    "exposure": exposure_in_words(exposure, unit),
                    "adjustment": words(str(row["adjustment"])),
                    **numbers_of(estimands[same].iloc[0], "mean"),
                }
            )
    columns = (
        Column("Exposure", TEXT, "exposure"),
        Column("Adjustment", TEXT, "adjustment"),
        Column("Hazard ratio, conditional (95 %)", RATIO, "median"),
        Column("P(benefit)", PROBABILITY, "probability_of_benefit"),
        Column(f"RMST difference, {unit} (95 %)", SPAN, "mean"),
    )
    caption = "The effect by how exposure is counted; the RMST difference of a landmark is of those still followed then"
    return Table("exposures-effects", caption, columns, pd.DataFrame(rows))


def _ratio(row: pd.Series) -> str:
    said = ratio(*estimate_of(row))
    return f"{said.removesuffix(')')}; P(benefit) {probability(float(row['probability_of_benefit']))})"


def _sections(material: Material) -> list[ReportSection]:
    results = material.results
    if not results.exposures:
        return []
    main, cohort = results.main.request.named, results.cohort
    assert cohort.treatment_start is not None, "exposures are compared where start times are known"
    order = list(dict.fromkeys(["naive", *(one.request.exposure for one in results.summaries)]))
    named = [(exposure, exposure_in_words(exposure, cohort.time_unit)) for exposure in order]
    ratios = hazard_ratios_by_exposure(results.estimands, main)
    figure = material.figure(
        "exposures", "The effect by count of exposure", lambda: exposures_figure(ratios, named)
    )
    starts = cohort.treatment_start[np.isfinite(cohort.treatment_start)]
    return [exposure_section(results.estimands, main, order, starts, cohort.time_unit, [figure])]


def _immortal_time(material: Material) -> str:
    results = material.results
    if not results.exposures:
        return ""
    main = results.main.request.named
    return immortal_time(hazard_ratios_by_exposure(results.estimands, main), main)


def _doubt(material: Material) -> str:
    """Return what counting exposure from time zero would have done; without starts, the section on timing says it."""
    results = material.results
    if results.cohort.treatment_start is None:
        return ""
    main = results.main.request.named
    own = hazard_ratios_by_exposure(results.estimands, main).set_index(["exposure", "adjustment"])
    naive, split = (own["median"].get((exposure, main["adjustment"])) for exposure in ("naive", "time_split"))
    if naive is None or split is None:
        return "What timing alone could produce was not computed."
    return f"Timing alone turns a hazard ratio of {lone_ratio(split)} into {lone_ratio(naive)}, where ever treated is compared with never."


SECTION = Section(_sections, beside_the_answer=_immortal_time, doubt=_doubt, of_patients=True)
