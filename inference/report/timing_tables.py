"""The tables of start-time scenarios: the effect, mean delays, and what no effect would print."""

from __future__ import annotations

import math

import pandas as pd

from data.study.study import Study
from inference.report.numbers import number, percent, ratio, span
from inference.report.table import Cell, Column, Row, Table, number_cell, probability_cell, sort_key
from inference.sensitivity.timing_pooled import Timing

QUANTITIES = {
    "naive": "hazard ratio, ever against never, unadjusted",
    "naive_adjusted": "hazard ratio, ever against never, covariates adjusted",
    "split": "hazard ratio if start times were known, unadjusted",
    "median": "median survival",
    "survival": "survival",
}


def numbers_of(row: pd.Series, *names: str) -> tuple[float, float, float]:
    """Return three numbers of a row: an estimate and its limits."""
    first, second, third = (float(row[name]) for name in names)
    return first, second, third


def without_effect(row: pd.Series) -> str:
    """Return the hazard ratio that no effect would print, with its range."""
    return ratio(*numbers_of(row, "no_effect", "no_effect_lower", "no_effect_upper"))


def scenario_table(timing: Timing) -> Table:
    """Return the effect under each start-time scenario, and what no effect would print."""
    rows = []
    for _, row in timing.scenarios.iterrows():
        effect = numbers_of(row, "hazard_ratio", "lower", "upper")
        rows.append(
            Row(
                (
                    Cell(str(row["label"])),
                    Cell(ratio(*effect), sort_key(effect[0])),
                    probability_cell(row["probability_of_benefit"]),
                    Cell(
                        ratio(row["e_value"], row["e_value_lower"], row["e_value_upper"]),
                        sort_key(row["e_value"]),
                    ),
                    Cell(without_effect(row), sort_key(row["no_effect"])),
                    Cell(
                        "–" if math.isnan(row["as_low"]) else f"{100 * row['as_low']:.0f} %",
                        sort_key(row["as_low"]),
                    ),
                    Cell(_share(row["candidates"]), sort_key(row["candidates"])),
                    number_cell(row["mcse"], 2),
                    number_cell(row["rhat"], 4),
                    number_cell(round(row["ess_bulk"])),
                    number_cell(round(row["ess_tail"])),
                )
            )
        )
    headings = (
        "Hazard ratio (95 %)",
        "P(benefit)",
        "E-value (95 %)",
        "Naive hazard ratio without effect (95 %)",
        "As low as observed",
        "To be treated",
        "MCSE of log hazard ratio",
        "R-hat",
        "Bulk ESS",
        "Tail ESS",
    )
    first = timing.scenarios.iloc[0]
    return Table(
        "timing-scenarios-table",
        "The effect of treatment if it began as each scenario says, and what ever against never treated would print if treatment "
        f"did nothing (covariates adjusted). E-value: how strongly an unmeasured condition must be associated with treatment and with "
        f"survival, as risk ratios and besides the scenario, to explain the benefit away; 1 where there is none. {_cohorts(int(first['cohorts']))}; “to be treated” is the share of patients who must be "
        "meant for treatment for as many to get it as did",
        (Column("Treatment began", wide=True), *(Column(heading, numeric=True) for heading in headings)),
        tuple(rows),
    )


def _cohorts(count: int) -> str:
    return "One cohort" if count == 1 else f"{count} cohorts with equal weights"


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.0f} %"


def delay_table(timing: Timing) -> Table:
    """Return the effect by mean delay."""
    rows = []
    for _, row in timing.delays.iterrows():
        effect = numbers_of(row, "hazard_ratio", "lower", "upper")
        rows.append(
            Row(
                (
                    number_cell(row["delay"]),
                    Cell(ratio(*effect), sort_key(effect[0])),
                    probability_cell(row["probability_of_benefit"]),
                    Cell(without_effect(row), sort_key(row["no_effect"])),
                )
            )
        )
    headings = (
        "Mean delay (months)",
        "Hazard ratio (95 %)",
        "P(benefit)",
        "Naive hazard ratio without effect (95 %)",
    )
    return Table(
        "timing-delays",
        "The effect of treatment by mean delay, delays spread exponentially. Normal approximations; with no delay their mean lies at "
        f"most {number(timing.approximation, 2)} posterior standard deviations from that of draws",
        tuple(Column(heading, numeric=True) for heading in headings),
        tuple(rows),
    )


def no_effect_scenarios_table(timing: Timing, study: Study) -> Table:
    """Return what a naive analysis would print if treatment did nothing."""
    labels = timing.scenarios.set_index("scenario")["label"]
    arms = {"treated": study.treatment.treated_label, "control": study.treatment.control_label, "": ""}
    rows = []
    for _, row in timing.no_effect.iterrows():
        numbers, quantity = numbers_of(row, "estimate", "lower", "upper"), str(row["quantity"])
        said = {"median": span, "survival": percent}.get(quantity, ratio)(*numbers)
        what = QUANTITIES[quantity]
        if quantity == "median":
            what = f"{what} ({study.time_unit})"
        elif quantity == "survival":
            what = f"{what} at {number(row['time'])} {study.time_unit} (%)"
        cells = (Cell(str(labels[row["scenario"]])), Cell(what), Cell(arms[str(row["arm"])]))
        rows.append(Row((*cells, Cell(said, sort_key(numbers[0])))))
    return Table(
        "timing-no-effect",
        "What a naive analysis would print if treatment did nothing: cohorts simulated with the covariates, baseline hazard and "
        "censoring of this one, as many of them treated, who began as the scenario says. Mean (for medians the middle one) and 95 % "
        "range",
        (
            Column("Treatment began", wide=True),
            Column("What is printed", wide=True),
            Column("Arm"),
            Column("Without effect", numeric=True),
        ),
        tuple(rows),
    )
