"""The page's section that sets the posterior beside the printed analysis."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from inference.report.content import FigureItem, ReportSection
from inference.report.figures.predictive_published import predictive_published_figure
from inference.report.figures.wording import capitalised, words
from inference.report.numbers import number, ratio
from inference.report.results import Results
from inference.report.section import Material, Section
from inference.report.table import NUMBER, RATIO, TEXT, Column, Table, numbers_of


def beside_section(
    results: Results, figures: Sequence[FigureItem], patients: pd.DataFrame | None = None
) -> ReportSection:
    """Return the section that sets the posterior beside the printed analysis.

    Parameters
    ----------
    results : Results
        Of a study that publishes no patients.
    figures : sequence of FigureItem
        Printed numbers among replicated ones.
    patients : DataFrame, optional
        Estimands of the main model on the patients themselves.
    """
    cox = results.comparators[results.comparators["statistic"] == "hazard_ratio"]
    rows = [
        {
            "analysis": row["method"],
            "printed": row["published"],
            "mark": "",
            **numbers_of(row, "ratio", "estimate"),
        }
        for _, row in cox.iterrows()
    ]
    ratios = results.estimands[
        (results.estimands["estimand"] == "hazard_ratio") & (results.estimands["population"] == "conditional")
    ]
    own = results.main.request
    stated = ratios[(ratios["prior_set"] == own.priors.name) & (ratios["effect"] == own.effect)]
    stated = stated.assign(
        main=(stated[["baseline", "adjustment"]] == [own.baseline, own.adjustment]).all(axis=1)
    )
    rows += [
        {
            "analysis": f"Posterior: {words(row['baseline'])}, {words(row['adjustment']).lower()}",
            "printed": "",
            "mark": "main" if row["main"] else "",
            **numbers_of(row, "ratio"),
        }
        for _, row in stated.iterrows()
    ]
    if patients is not None:
        own_ratio = patients[
            (patients["estimand"] == "hazard_ratio") & (patients["population"] == "conditional")
        ]
        rows += [
            {
                "analysis": f"Posterior from the real cohort ({row['study']}): {words(row['adjustment']).lower()}, "
                f"{row['prior_set']} priors",
                "printed": "",
                "mark": "",
                **numbers_of(row, "ratio"),
            }
            for _, row in own_ratio.iterrows()
        ]
    columns = (
        Column("Analysis", TEXT, "analysis"),
        Column("Printed", NUMBER, "printed"),
        Column("On pseudo-patients (95 %)", RATIO, "ratio"),
    )
    caption = (
        "Hazard ratio of treatment: as printed, as recomputed on the pseudo-patients, and as a posterior"
    )
    table = Table("beside-published", caption, columns, pd.DataFrame(rows), "mark")
    return ReportSection(
        "beside",
        "Beside the published analysis",
        (
            "Rows are what the publication prints and what its own analysis gives on the pseudo-patients, then the posterior, which "
            "conditions on the covariates of the study over all pseudo-patients. Neither knows when treatment began.",
        ),
        (table,),
        tuple(figures),
        _as_printed(cox, stated[stated["main"]]),
        part="paper",
        opens_with="beside-published",
    )


def _as_printed(cox: pd.DataFrame, main: pd.DataFrame) -> str:
    """Return the printed hazard ratios, as recomputed and beside the posterior of the main model, in a sentence."""
    said = [
        f"{row['method'].partition(';')[0]}: printed {number(row['published'])}, on pseudo-patients "
        f"{ratio(row['estimate'], row['lower'], row['upper'])}"
        for row in cox[cox["published"].notna()].to_dict("records")
    ]
    said += [
        f"posterior of the main model {ratio(row['median'], row['lower'], row['upper'])}"
        for row in main.to_dict("records")
    ]
    return capitalised("; ".join(said)) + "." if said else ""


def _sections(material: Material) -> list[ReportSection]:
    results = material.results
    if material.publication is None:
        return []
    drawn = partial(predictive_published_figure, results.main.published, results.study.time_unit)
    figure = material.figure("predictive_published", "Printed numbers among replicated ones", drawn)
    companions = material.companions
    return [beside_section(results, [figure], None if companions is None else companions.patients)]


SECTION = Section(_sections)
