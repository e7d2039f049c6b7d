"""The frequentist analysis beside the Bayesian one."""

from collections.abc import Mapping

import pandas as pd

from inference.report.content import Report, companion, estimand_row, fit_rows
from inference.report.effect_tables import arm_name, quantity_name
from inference.report.exposure_words import exposure_of
from inference.report.numbers import probability
from inference.report.own_matching_table import without_own_pairs
from inference.report.table import (
    NUMBER,
    PERCENT,
    PROBABILITY,
    RATIO,
    SENTENCE,
    SPAN,
    TEXT,
    Column,
    Table,
    numbers_of,
)
from inference.report.vocabulary import term_in_words, vocabulary

COUNTS = ("patients", "events", "median_follow_up")
KINDS = {"hazard_ratio": RATIO, "survival": PERCENT}
CONTRASTS = ("hazard_ratio", "rmst_difference")


def comparators_table(report: Report) -> Table:
    """Return the frequentist numbers that have a Bayesian counterpart, and the log-rank test."""
    table = without_own_pairs(report.comparators)
    chosen = table[table["statistic"].isin(("hazard_ratio", "survival", "median", "rmst", "rmst_difference"))]
    order = {"hazard_ratio": 0, "rmst_difference": 1, "rmst": 2, "survival": 3, "median": 4}
    chosen = chosen.sort_values("statistic", key=lambda names: names.map(order), kind="stable")
    other = companion(report)
    shown = [report.main, *([other] if other else [])]
    unit, said = report.study.time_unit, vocabulary(report.study)
    rows = []
    for _, row in chosen.iterrows():
        statistic = str(row["statistic"])
        beside = [numbers_of(_counterpart(report, fit, row), fit["adjustment"]) for fit in shown]
        rows.append(
            {
                "quantity": quantity_name(statistic, row["time"], unit, said.outcome),
                "arm": "Contrast" if statistic in CONTRASTS else arm_name(row["arm"], report),
                "published": 100 * row["published"] if statistic == "survival" else row["published"],
                **numbers_of(row, "frequentist", "estimate"),
                **{name: value for one in beside for name, value in one.items()},
                "method": _method(row),
                "kind": KINDS.get(statistic, SPAN),
            }
        )
    columns = (
        Column("Quantity", TEXT, "quantity"),
        Column("Arm", TEXT, "arm"),
        *([Column("Published", NUMBER, "published")] if table["published"].notna().any() else []),
        Column("Frequentist (95 %)", SPAN, "frequentist", kinds="kind"),
        *(
            Column(f"Bayesian, {fit['adjustment']} (95 %)", SPAN, fit["adjustment"], kinds="kind")
            for fit in shown
        ),
        Column("Frequentist method", SENTENCE, "method"),
    )
    caption = (
        "Frequentist estimates beside posterior medians under the main model and its companion that count exposure in the same way; means are "
        "restricted to the horizon. Kaplan-Meier numbers are those of the arms as observed; Bayesian ones "
        f"are adjusted and averaged over all {said.patients}"
    )
    return Table("comparators", caption, columns, pd.DataFrame(rows))


def _method(row: pd.Series) -> str:
    """Return the method of a frequentist number, with its p value."""
    method = str(row["method"])
    if pd.isna(row["p"]):
        return method
    p = probability(float(row["p"]))
    return f"{method}; p {p if p.startswith('<') else f'= {p}'}"


def _counterpart(report: Report, fit: Mapping[str, str], row: pd.Series) -> pd.Series | None:
    """Return the estimand that answers the question of a frequentist number, None where there is none.

    It is of a fit that counts exposure as the number does: a naive one says nothing about a posterior of split exposure.
    """
    rows = fit_rows(report.estimands, {**fit, "exposure": exposure_of(str(row["method"]))})
    statistic, time = str(row["statistic"]), None if pd.isna(row["time"]) else float(row["time"])
    if statistic == "hazard_ratio":
        # A univariable model adjusts for nothing: there is no such posterior.
        adjusted = "multivariable" in str(row["method"])
        return estimand_row(rows, "hazard_ratio", "conditional") if adjusted else None
    if statistic == "rmst_difference":
        return estimand_row(rows, statistic, "all", time)
    return estimand_row(rows, f"{statistic}_{row['arm']}", "all", time)


def other_comparators_table(report: Report) -> Table:
    """Return the rest of the frequentist analysis: Cox coefficients of the covariates, and tests."""
    table = without_own_pairs(report.comparators)
    # Where the covariates have coefficients or tests of their own, the name carries the term in brackets.
    listed = table["statistic"].str.startswith(
        ("hazard_ratio[", "log_rank", "proportional_hazards_test")
    ) | ~table["statistic"].isin([*COUNTS, "hazard_ratio", "survival", "median", "rmst", "rmst_difference"])
    rest = table[listed]
    named = rest["statistic"].str.partition("[")
    frame = rest.assign(
        statistic=[_statistic_name(name) for name in named[0]],
        term=[term_in_words(term.removesuffix("]"), report.study) for term in named[2]],
        kind=[KINDS.get(name, SPAN) for name in named[0]],
    )
    columns = (
        Column("Statistic", TEXT, "statistic"),
        Column("Term", TEXT, "term"),
        Column("Estimate (95 %)", SPAN, "estimate", kinds="kind"),
        Column("p", PROBABILITY, "p"),
        Column("Method", SENTENCE, "method"),
    )
    caption = "Cox coefficients of the covariates, and tests"
    if report.pseudo and report.cohorts > 1:
        caption += f": each number is the mean over {report.cohorts} cohorts, a P value too"
    return Table("comparators-rest", caption, columns, frame)


def _statistic_name(name: str) -> str:
    names = {
        "hazard_ratio": "Hazard ratio",
        "log_rank": "Log-rank test, chi-square",
        "proportional_hazards_test": "Proportional hazards, chi-square",
    }
    return names.get(name, quantity_name(name, None, ""))
