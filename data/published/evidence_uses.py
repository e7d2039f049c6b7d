"""What each table of a publication is used for, and what keeps pseudo-patients from being drawn from them."""

from collections.abc import Iterator
from dataclasses import dataclass

from data.errors import InputError
from data.published.evidence import Evidence
from data.published.reconstruction.margins import strata_of
from data.study.cells import canonical
from data.study.study import Study


@dataclass(frozen=True)
class TableUse:
    """A table, how many rows it has (of curves: points and numbers at risk), and what they are used for."""

    table: str
    rows: int
    use: str


def table_uses(evidence: Evidence) -> tuple[TableUse, ...]:
    """What each table that has rows is used for, in the order in which a paper prints them."""
    curves = evidence.curves
    terms = {(term.variable, term.level) for term in evidence.names.cox}
    steered = [row for row in evidence.cox if (row.variable, row.level) in terms]
    found = (
        TableUse("baseline.csv", len(evidence.counts), "counts that every cohort of pseudo-patients has; balance"),
        TableUse("survival.csv", len(evidence.survival), "numbers of patients and deaths, and what cohorts are steered towards"),
        TableUse("survival.csv, in words", len(evidence.facts), "the audit"),
        TableUse("curves.csv", sum(len(one.time) for one in curves), "the survival of pseudo-patients, with its reading error"),
        TableUse("at_risk.csv", sum(len(one.at_risk) for one in curves), "when pseudo-patients are censored"),
        TableUse("censor_marks.csv", sum(len(one.censor_marks) for one in curves), "times of censoring, with their reading error"),
        TableUse("means.csv", len(evidence.means), "the audit: can whole numbers have these means"),
        TableUse("cox.csv", len(steered), "what cohorts are steered towards, and the replication of the paper"),
        TableUse("subgroups.csv", len(evidence.subgroups), "medians that cohorts are steered towards where a covariate marks the subgroup"),
        TableUse("claims.csv", len(evidence.claims), "the audit: which row supports them"),
        TableUse("review_evidence.csv", len(evidence.review), "the audit of cited numbers, and the context on the page"),
        TableUse("trials.csv", len(evidence.trials), "the audit of cited trials"),
    )  # fmt: skip
    return tuple(one for one in found if one.rows)


def reconstruction_problems(study: Study, evidence: Evidence) -> Iterator[str]:
    """Yield what keeps pseudo-patients from being drawn, although every row can be read."""
    file = evidence.folder / "evidence.toml"
    terms = {(term.variable, term.level) for term in evidence.names.cox}
    rows = {(row.variable, row.level) for row in evidence.cox}
    for variable, level in dict.fromkeys(
        (row.variable, row.level)
        for row in evidence.cox
        if row.hazard_ratio is not None and row.hazard_ratio.interval is not None
    ):
        if (variable, level) not in terms:
            yield f"{file}: [[cox]] must say which patients the row '{variable}, {level}' of cox.csv means, but does not; add it."
    for term in evidence.names.cox:
        if (term.variable, term.level) not in rows:
            yield (
                f"{file}: [[cox]] must name rows of cox.csv, but finds none of '{term.variable}, {term.level}'; correct or remove it."
            )
    for term in evidence.names.cox:
        levels = study.covariates[term.column].levels if term.column in study.covariates else None
        unknown = [one for one in term.levels if canonical(one) not in map(canonical, levels or term.levels)]
        if unknown:
            yield (
                f"{file}: [[cox]] {term.variable}, {term.level}: levels must be levels of {term.column} in {study.file.name} "
                f"({', '.join(levels or ())}), but found {', '.join(unknown)}; correct them."
            )
    printed = {row.variable for row in evidence.counts}
    for variable in evidence.names.variables:
        if variable not in printed:
            yield (
                f"{file}: [variables] must name variables of baseline.csv, but finds no row of '{variable}'; correct or remove it."
            )
    try:
        strata_of(study, evidence)
    except InputError as error:
        yield str(error)
