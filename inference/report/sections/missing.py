"""The section on missing covariates: which cells, what they cost, and what would change the effect."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from data.study.imputed_cohorts import Imputation
from inference.report.content import ReportSection
from inference.report.figures.imputed import imputed_figure
from inference.report.numbers import number, percentage
from inference.report.results import Results
from inference.report.section import Material, Section
from inference.report.table import NUMBER, PRINTED, PROBABILITY, RATIO, TEXT, Column, Kind, Table
from inference.sensitivity import MISSING
from inference.sensitivity.missing_cells import COMPLETE, SHIFTED
from inference.sensitivity.sampled_effect import main_effect

ID, TITLE = "missing", "Missing covariates"
ESTIMANDS = {"log_hazard_ratio": "log hazard ratio", "rmst_difference": "restricted mean survival"}
TENTHS = Kind(partial(percentage, decimals=1))
IMPUTED = "all patients, imputed"


def missing_section(
    results: Results, imputed: Imputation, others: pd.DataFrame | None, material: Material
) -> ReportSection:
    """Return the section.

    Parameters
    ----------
    results : Results
        Of the imputed cohorts.
    imputed : Imputation
    others : DataFrame or None
        From `inference.sensitivity.missing_cells.pooled_by_patients`; None where nothing of it was sampled.
    material : Material
        Draws the figure.
    """
    labels = {name: one.label or name for name, one in results.study.covariates.items()}
    figure = material.figure(
        "imputed",
        "Observed and imputed values",
        partial(imputed_figure, imputed.observed, [one.covariates for one in results.cohorts], labels),
    )
    tables = [_cells(imputed, labels)]
    if others is not None:
        tables.append(_effects(effects_table(results, others)))
    return ReportSection(
        ID,
        TITLE,
        (_lead(len(results.cohorts)), _cost(results)),
        tuple(tables),
        (figure,),
        f"Of {len(imputed.observed)} patients {imputed.incomplete} lack a cell of a covariate.",
    )


def effects_table(results: Results, others: pd.DataFrame) -> pd.DataFrame:
    """Return the effect in all patients, imputed, above that in complete cases and with shifted values."""
    main = main_effect(results.main.estimands, len(results.cohorts)).assign(patients=IMPUTED)
    return pd.concat([main, others], ignore_index=True)[others.columns]


def _lead(cohorts: int) -> str:
    return (
        "The missing cells were imputed "
        f"{cohorts} times by chained equations, given the other covariates, treatment, event and the cumulative hazard at the patient's "
        "time; every model was fitted to each of the completed cohorts and pooled with equal weights. This takes cells to be missing at "
        "random given what was observed, which nothing in the data can show."
    )


def _cost(results: Results) -> str:
    """Return how much of the variance of the main estimates comes from the missing cells."""
    pooling = results.main.pooling
    of_main = pooling[(pooling["population"] != "parameter") & (pooling["subgroup"] == "")]
    shares = [
        f"{_share(float(rows['fraction_of_missing_information'].iloc[0]))} of the variance of the {words}"
        for name, words in ESTIMANDS.items()
        if len(rows := of_main[of_main["estimand"] == name])
    ]
    return f"What the missing cells cost, under the main model: {' and '.join(shares)} (fraction of missing information)."


def _share(fraction: float) -> str:
    return "less than 1 %" if fraction < 0.01 else f"{100 * fraction:.0f} %"


def _cells(imputed: Imputation, labels: dict[str, str]) -> Table:
    columns = (
        Column("Covariate", TEXT, "name"),
        Column("Missing cells", NUMBER, "count"),
        Column("Share", TENTHS, "share"),
    )
    cells, size = imputed.cells, len(imputed.observed)
    frame = pd.DataFrame([(labels[name], count, count / size) for name, count in cells.items()])
    frame.columns = ["name", "count", "share"]
    return Table("missing-cells", "Cells that are missing, by covariate", columns, frame)


def _effects(found: pd.DataFrame) -> Table:
    words = {
        SHIFTED: "all patients, imputed values shifted as the study file says",
        COMPLETE: "complete cases",
    }
    columns = (
        Column("Patients", TEXT, "whom"),
        Column("Hazard ratio, conditional (95 %)", RATIO, "hazard_ratio"),
        Column("Log hazard ratio (sd)", PRINTED, "logarithm", by="log_hazard_ratio"),
        Column("P(benefit)", PROBABILITY, "probability_of_benefit"),
    )
    frame = found.assign(
        whom=[words.get(one, one) for one in found["patients"]],
        logarithm=[with_sd(row) for row in found.to_dict("records")],
        mark=["main" if one == IMPUTED else "" for one in found["patients"]],
    )
    caption = (
        "The effect of the main model in all patients, in those without a missing cell (unbiased only where these are like all others given "
        "the covariates), and with imputed values shifted"
    )
    return Table("missing-effects", caption, columns, frame, "mark")


def with_sd(row: Mapping[Any, Any]) -> str:
    """Return a log hazard ratio with its standard deviation; "" where it was not estimated."""
    if pd.isna(row["log_hazard_ratio"]):
        return ""
    return f"{number(row['log_hazard_ratio'], 2)} ({number(row['sd'], 2)})"


def _sections(material: Material) -> list[ReportSection]:
    imputed = material.results.imputation
    if imputed is None:
        return []
    return [missing_section(material.results, imputed, material.computed.of(MISSING), material)]


def _tables(material: Material) -> dict[str, pd.DataFrame]:
    others = material.computed.of(MISSING)
    return {} if others is None else {"missing": effects_table(material.results, others)}


SECTION = Section(_sections, _tables)
