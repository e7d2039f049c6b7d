"""The section on covariates of which nobody says when they were recorded: the effect with and without them."""

from __future__ import annotations

import pandas as pd

from data.published.evidence import Evidence, load_evidence
from inference.frequentist.without import COMPLETE, NOTHING, TOGETHER
from inference.report.content import ReportSection
from inference.report.numbers import number
from inference.report.results import Results
from inference.report.section import Material, Section
from inference.report.sections.missing import with_sd
from inference.report.table import NUMBER, PRINTED, PROBABILITY, RATIO, TEXT, Column, Table
from inference.sensitivity import LEFT_OUT
from inference.sensitivity.left_out import untimed_table

ID, TITLE = "untimed", "Covariates of unknown timing"


def untimed_section(
    results: Results, evidence: Evidence, left_out: pd.DataFrame | None = None
) -> ReportSection | None:
    """Return the section; None where the evidence names no covariate of unknown timing.

    Parameters
    ----------
    results : Results
        Of a study that publishes no patients.
    evidence : Evidence
        Its ``evidence.toml`` names the covariates, in groups.
    left_out : DataFrame or None
        From `pooled_effect_without`; without it the table has the main model with all covariates only.
    """
    timing = evidence.names.timing
    if not timing.unknown:
        return None
    found = untimed_table(results.cohorts, timing.unknown, results.main.estimands, left_out)
    cox = found.set_index("left_out")["cox_hazard_ratio"]
    last = TOGETHER if TOGETHER in cox else next(iter(timing.unknown))
    finding = f"With all covariates Cox's hazard ratio is {number(cox[COMPLETE], 2)}, without those of unknown timing {number(cox[last], 2)}."
    return ReportSection(ID, TITLE, (_lead(evidence), _moves(found)), (_table(found),), finding=finding)


def limits_of_publication(evidence: Evidence) -> list[str]:
    """Return what stands among the limits of the page; nothing where no covariate is named."""
    timing = evidence.names.timing
    if not timing.unknown:
        return []
    return [
        f"The publication does not say when some covariates were recorded or began ({', '.join(timing.unknown)}). What came after time "
        "zero, perhaps because of treatment or instead of it, is no confounder to adjust for. The section on covariates of unknown timing "
        "shows the hazard ratio without them."
    ]


def _lead(evidence: Evidence) -> str:
    timing = evidence.names.timing
    named = "; ".join(f"{name} ({', '.join(columns)})" for name, columns in timing.unknown.items())
    return (
        f"{timing.reason} Of unknown timing are: {named}. If such a covariate was there at time zero and decided on treatment, leaving it "
        "out leaves confounding; if it came later, adjusting for it takes part of the effect away or adds what is none. Which of the two "
        "holds is not known, so both are shown."
    )


def _moves(found: pd.DataFrame) -> str:
    """Say from where to where the hazard ratio goes, and which group moves it most; by Cox, and by the main model if fitted."""
    by_name = found.set_index("left_out")
    cox, sampled = by_name["cox_hazard_ratio"], by_name["hazard_ratio"]
    full, alone = (
        cox[COMPLETE],
        cox.drop([COMPLETE, NOTHING, *([TOGETHER] if TOGETHER in cox else [])]),
    )
    most = (alone / full).map(lambda factor: max(factor, 1 / factor)).idxmax()
    last = TOGETHER if TOGETHER in cox else most
    found_by_cox = (
        f"With all covariates Cox's hazard ratio is {number(full, 2)}, with none of them {number(cox[NOTHING], 2)}, and without those of "
        f"unknown timing {number(cox[last], 2)}. Of the groups, “{most}” moves it most, to {number(cox[most], 2)} when left out alone."
    )
    if sampled.drop(NOTHING).isna().any():
        return found_by_cox
    return (
        f"{found_by_cox} The main model, fitted again without them, moves from {number(sampled[COMPLETE], 2)} to "
        f"{number(sampled[last], 2)} without all of these, and to {number(sampled[most], 2)} without “{most}” alone."
    )


def _table(found: pd.DataFrame) -> Table:
    names = {COMPLETE: "nothing: all covariates adjusted for", NOTHING: "every covariate: not adjusted"}
    fitted = found["hazard_ratio"].notna()
    frame = found.assign(
        named=[names.get(str(one), str(one)) for one in found["left_out"]],
        logarithm=[with_sd(row) for row in found.to_dict("records")],
        probability_of_benefit=found["probability_of_benefit"].astype(object).where(fitted, ""),
        hazard_ratio_note=["" if one else "not fitted" for one in fitted],
        mark=["main" if one == COMPLETE else "" for one in found["left_out"]],
    )
    columns = (
        Column("Left out", TEXT, "named"),
        Column("Columns left", NUMBER, "terms"),
        Column("Hazard ratio of treatment, Cox (95 %)", RATIO, "cox_hazard_ratio"),
        Column("Main model (95 %)", RATIO, "hazard_ratio"),
        Column("Log hazard ratio, main model (sd)", PRINTED, "logarithm", by="log_hazard_ratio"),
        Column("P(benefit)", PROBABILITY, "probability_of_benefit"),
    )
    caption = (
        "The hazard ratio of treatment, ever against never, with groups of covariates left out of treatment and outcome model: Cox "
        "(Efron ties), and the posterior of the main model (median and 95 % interval), over all cohorts of pseudo-patients"
    )
    return Table("untimed-effects", caption, columns, frame, "mark")


def _sections(material: Material) -> list[ReportSection]:
    publication = material.publication
    if publication is None:
        return []
    found = untimed_section(material.results, publication.evidence, material.computed.of(LEFT_OUT))
    return [] if found is None else [found]


def _tables(material: Material) -> dict[str, pd.DataFrame]:
    left_out, results = material.computed.of(LEFT_OUT), material.results
    if left_out is None:
        return {}
    groups = load_evidence(results.study).names.timing.unknown
    return {"untimed": untimed_table(results.cohorts, groups, results.main.estimands, left_out)}


SECTION = Section(_sections, _tables)
