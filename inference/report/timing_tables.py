"""The tables of start-time scenarios: the effect, mean delays, and what no effect would print."""

import pandas as pd

from data.study.study import Study
from inference.report.figures.wording import estimate_of
from inference.report.numbers import number, ratio
from inference.report.table import (
    LONG,
    NUMBER,
    PERCENT,
    PERCENTAGE,
    PROBABILITY,
    RATIO,
    SENTENCE,
    SHORT,
    SPAN,
    TEXT,
    Column,
    Table,
)
from inference.sensitivity.timing_pooled import Timing

QUANTITIES = {
    "naive": "hazard ratio, ever against never, unadjusted",
    "naive_adjusted": "hazard ratio, ever against never, covariates adjusted",
    "split": "hazard ratio if start times were known, unadjusted",
    "median": "median survival",
    "survival": "survival",
}


def without_effect(row: pd.Series) -> str:
    """Return the hazard ratio that no effect would print, with its range."""
    return ratio(*estimate_of(row, "no_effect", "no_effect_"))


def scenario_table(timing: Timing) -> Table:
    """Return the effect under each start-time scenario, and what no effect would print."""
    columns = (
        Column("Treatment began", SENTENCE, "label"),
        Column("Hazard ratio (95 %)", RATIO, "hazard_ratio"),
        Column("P(benefit)", PROBABILITY, "probability_of_benefit"),
        Column("E-value (95 %)", RATIO, "e_value"),
        Column("Naive hazard ratio without effect (95 %)", RATIO, "no_effect"),
        Column("As low as observed", PERCENTAGE, "as_low"),
        Column("To be treated", PERCENTAGE, "candidates"),
        Column("MCSE of log hazard ratio", SHORT, "mcse"),
        Column("R-hat", LONG, "rhat"),
        Column("Bulk ESS", NUMBER, "ess_bulk"),
        Column("Tail ESS", NUMBER, "ess_tail"),
    )
    sizes = timing.scenarios[["ess_bulk", "ess_tail"]].round()
    first = timing.scenarios.iloc[0]
    return Table(
        "timing-scenarios-table",
        "The effect of treatment if it began as each scenario says, and what ever against never treated would print if treatment "
        f"did nothing (covariates adjusted). E-value: how strongly an unmeasured condition must be associated with treatment and with "
        f"survival, as risk ratios and besides the scenario, to explain the benefit away; 1 where there is none. {_cohorts(int(first['cohorts']))}; “to be treated” is the share of patients who must be "
        "meant for treatment for as many to get it as did",
        columns,
        timing.scenarios.assign(**sizes),
    )


def _cohorts(count: int) -> str:
    return "One cohort" if count == 1 else f"{count} cohorts with equal weights"


def delay_table(timing: Timing) -> Table:
    """Return the effect by mean delay."""
    columns = (
        Column("Mean delay (months)", NUMBER, "delay"),
        Column("Hazard ratio (95 %)", RATIO, "hazard_ratio"),
        Column("P(benefit)", PROBABILITY, "probability_of_benefit"),
        Column("Naive hazard ratio without effect (95 %)", RATIO, "no_effect"),
    )
    return Table(
        "timing-delays",
        "The effect of treatment by mean delay, delays spread exponentially. Normal approximations; with no delay their mean lies at "
        f"most {number(timing.approximation, 2)} posterior standard deviations from that of draws",
        columns,
        timing.delays,
    )


def no_effect_scenarios_table(timing: Timing, study: Study) -> Table:
    """Return what a naive analysis would print if treatment did nothing."""
    labels = timing.scenarios.set_index("scenario")["label"]
    arms = study.treatment.labels | {"": ""}
    table = timing.no_effect
    at = {
        "median": lambda row: f" ({study.time_unit})",
        "survival": lambda row: f" at {number(row['time'])} {study.time_unit} (%)",
    }
    frame = table.assign(
        label=table["scenario"].map(labels),
        what=[
            QUANTITIES[row["quantity"]] + at.get(row["quantity"], lambda row: "")(row)
            for row in table.to_dict("records")
        ],
        arm=table["arm"].map(arms),
        kind=[{"median": SPAN, "survival": PERCENT}.get(quantity, RATIO) for quantity in table["quantity"]],
    )
    return Table(
        "timing-no-effect",
        "What a naive analysis would print if treatment did nothing: cohorts simulated with the covariates, baseline hazard and "
        "censoring of this one, as many of them treated, who began as the scenario says. Mean (for medians the middle one) and 95 % "
        "range",
        (
            Column("Treatment began", SENTENCE, "label"),
            Column("What is printed", SENTENCE, "what"),
            Column("Arm", TEXT, "arm"),
            Column("Without effect", RATIO, "estimate", kinds="kind"),
        ),
        frame,
    )
