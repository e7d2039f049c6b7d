"""The section on covariates of which nobody says when they were recorded: the effect with and without them."""

from functools import lru_cache

import pandas as pd

from data.published.evidence import Evidence, load_evidence
from data.study.study import Study
from inference.frequentist.cox_of_cohorts import COMPLETE, NOTHING, TOGETHER, effect_without
from inference.report.content import ReportSection
from inference.report.numbers import lone_ratio, ratio
from inference.report.section import Material, Section
from inference.report.sections.missing import with_sd
from inference.report.table import NUMBER, PRINTED, PROBABILITY, RATIO, TEXT, Column, Table
from inference.sensitivity import LEFT_OUT
from inference.sensitivity.left_out import untimed_table

ID, TITLE = "untimed", "Covariates of unknown timing"


def untimed_section(found: pd.DataFrame, evidence: Evidence, study: Study) -> ReportSection:
    """Return the section.

    Parameters
    ----------
    found : DataFrame
        From `untimed_table`.
    evidence : Evidence
        Its ``evidence.toml`` names the covariates of unknown timing, in groups.
    study : Study
    """
    timing = evidence.names.timing
    rows = found.set_index("left_out")
    last = TOGETHER if TOGETHER in rows.index else next(iter(timing.unknown))
    full, without = (
        ratio(*rows.loc[name, ["cox_hazard_ratio", "cox_lower", "cox_upper"]]) for name in (COMPLETE, last)
    )
    finding = f"With all covariates Cox's hazard ratio is {full}, without those of unknown timing {without}."
    return ReportSection(
        ID, TITLE, (_lead(evidence, study), _moves(found)), (_table(found),), finding=finding
    )


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


def _lead(evidence: Evidence, study: Study) -> str:
    timing = evidence.names.timing
    named = "; ".join(
        f"{name} ({', '.join(study.covariates[column].label or column for column in columns)})"
        for name, columns in timing.unknown.items()
    )
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
        f"With all covariates Cox's hazard ratio is {lone_ratio(full)}, with none of them {lone_ratio(cox[NOTHING])}, and without those of "
        f"unknown timing {lone_ratio(cox[last])}. Of the groups, “{most}” moves it most, to {lone_ratio(cox[most])} when left out alone."
    )
    if sampled.drop(NOTHING).isna().any():
        return found_by_cox
    return (
        f"{found_by_cox} The main model, fitted again without them, moves from {lone_ratio(sampled[COMPLETE])} to "
        f"{lone_ratio(sampled[last])} without all of these, and to {lone_ratio(sampled[most])} without “{most}” alone."
    )


def _table(found: pd.DataFrame) -> Table:
    names = {COMPLETE: "nothing: all covariates adjusted for", NOTHING: "every covariate: not adjusted"}
    fitted = found["hazard_ratio"].notna()
    frame = found.rename(
        columns={f"cox_{end}": f"cox_hazard_ratio_{end}" for end in ("lower", "upper")}
    ).assign(
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


@lru_cache(maxsize=1)  # for the section and its table
def _untimed(material: Material) -> pd.DataFrame | None:
    """Return the effects with covariates of unknown timing left out, where a publication names some."""
    results = material.results
    pseudo = results.study.cohort.source == "reconstruction"
    groups = load_evidence(results.study).names.timing.unknown if pseudo else {}
    if not groups:
        return None
    cox = effect_without(material.kept, results.cohorts, groups)
    return untimed_table(cox, results.main.estimands, len(results.cohorts), material.computed.of(LEFT_OUT))


def _sections(material: Material) -> list[ReportSection]:
    found, publication = _untimed(material), material.publication
    return (
        []
        if found is None or publication is None
        else [untimed_section(found, publication.evidence, material.results.study)]
    )


def _tables(material: Material) -> dict[str, pd.DataFrame]:
    found = _untimed(material)
    return {} if found is None or material.computed.of(LEFT_OUT) is None else {"untimed": found}


SECTION = Section(_sections, _tables)
