"""The frequentist analysis beside the Bayesian one."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from inference.report.content import Report, companion, estimand_row, fit_rows
from inference.report.effect_tables import arm_name, quantity_name
from inference.report.exposure_words import exposure_of
from inference.report.numbers import percent, probability, ratio, span
from inference.report.own_matching_table import without_own_pairs
from inference.report.table import (
    Cell,
    Column,
    Row,
    Table,
    interval_cell,
    number_cell,
    probability_cell,
    text_cell,
)
from inference.report.vocabulary import vocabulary

COUNTS = ("patients", "events", "median_follow_up")
STYLES = {"hazard_ratio": ratio, "survival": percent}


def comparators_table(report: Report) -> Table:
    """Return the frequentist numbers that have a Bayesian counterpart, and the log-rank test."""
    table = without_own_pairs(report.comparators)
    chosen = table[table["statistic"].isin(("hazard_ratio", "survival", "median", "rmst", "rmst_difference"))]
    order = {"hazard_ratio": 0, "rmst_difference": 1, "rmst": 2, "survival": 3, "median": 4}
    chosen = chosen.sort_values("statistic", key=lambda names: names.map(order), kind="stable")
    other = companion(report)
    shown = [report.main, *([other] if other else [])]
    published = table["published"].notna().any()
    unit, said = report.study.time_unit, vocabulary(report.study)
    headings = (
        Column("Quantity"),
        Column("Arm"),
        *([Column("Published", numeric=True)] if published else []),
        Column("Frequentist (95 %)", numeric=True),
        *(Column(f"Bayesian, {fit['adjustment']} (95 %)", numeric=True) for fit in shown),
        Column("Frequentist method", wide=True),
    )
    rows = []
    for _, row in chosen.iterrows():
        style = STYLES.get(str(row["statistic"]), span)
        beside = [_counterpart(report, fit, row) for fit in shown]
        contrast = row["statistic"] in ("hazard_ratio", "rmst_difference")
        cells = (
            Cell(quantity_name(str(row["statistic"]), row["time"], unit, said.outcome)),
            Cell("Contrast" if contrast else arm_name(row["arm"], report)),
            *([number_cell(row["published"])] if published else []),
            interval_cell(row, style, "estimate"),
            *(interval_cell(part, style) for part in beside),
            Cell(_method(row)),
        )
        rows.append(Row(cells))
    caption = (
        "Frequentist estimates beside posterior medians under the main model and its companion that count exposure in the same way; means are "
        "restricted to the horizon. Kaplan-Meier numbers are those of the arms as observed; Bayesian ones "
        f"are adjusted and averaged over all {said.patients}"
    )
    return Table("comparators", caption, headings, tuple(rows))


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
    headings = (
        Column("Statistic"),
        Column("Term"),
        Column("Estimate (95 %)", numeric=True),
        Column("p", numeric=True),
        Column("Method", wide=True),
    )
    rows = []
    for _, row in table[listed].iterrows():
        name, _, term = str(row["statistic"]).partition("[")
        test = pd.isna(row["lower"]) and pd.isna(row["upper"])
        estimate = number_cell(row["estimate"]) if test else interval_cell(row, estimate="estimate")
        cells = (
            Cell(_statistic_name(name)),
            Cell(term.removesuffix("]")),
            estimate,
            probability_cell(row["p"]),
            text_cell(row["method"]),
        )
        rows.append(Row(cells))
    return Table("comparators-rest", "Cox coefficients of the covariates, and tests", headings, tuple(rows))


def _statistic_name(name: str) -> str:
    names = {
        "hazard_ratio": "Hazard ratio",
        "log_rank": "Log-rank test, chi-square",
        "proportional_hazards_test": "Proportional hazards, chi-square",
    }
    return names.get(name, quantity_name(name, None, ""))
