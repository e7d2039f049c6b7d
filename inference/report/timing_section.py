"""The page's section on when treatment began: what timing alone could explain, and the effect under each scenario."""

from __future__ import annotations

import math

import pandas as pd

from data.study.study import Study
from inference.report.content import FigureItem, ReportSection
from inference.report.drawings import Draw, drawn_when_asked
from inference.report.figures.timing_scenarios import CAPTION, timing_figure
from inference.report.numbers import number, percent, probability, ratio, span
from inference.report.table import Cell, Column, Row, Table, number_cell, probability_cell, sort_key
from inference.report.vocabulary import vocabulary
from inference.sensitivity.start_times import AT_START, ELICITED, LAST_THIRD
from inference.sensitivity.timing_pooled import CERTAIN, Timing

ID, TITLE = "timing", "When treatment began: what timing alone could explain"
QUANTITIES = {
    "naive": "hazard ratio, ever against never, unadjusted",
    "naive_adjusted": "hazard ratio, ever against never, covariates adjusted",
    "split": "hazard ratio if start times were known, unadjusted",
    "median": "median survival",
    "survival": "survival",
}


def timing_section(
    timing: Timing | None, study: Study, reason: str = "", draw: Draw = drawn_when_asked
) -> ReportSection:
    """Return the section on treatment timing of a study without start times.

    Parameters
    ----------
    timing : Timing or None
        None where no scenario could be computed.
    study : Study
    reason : str
        Why not, of `inference.sensitivity.timing.why_no_scenarios`.
    draw : callable
        Gives a drawing from a name and what makes the figure; `inference.report.drawing.Drawer` keeps it on disk.
    """
    if timing is None:
        return ReportSection(ID, TITLE, (_unknown(study), reason) if reason else (_unknown(study),))
    drawing = draw(
        "timing-scenarios",
        lambda: timing_figure(timing.scenarios, timing.delays, timing.doubt.delay, timing.observed, CERTAIN),
    )
    figure = FigureItem("timing-scenarios", "Scenarios of when treatment began", CAPTION, drawing, "section")
    paragraphs = (
        _timing_alone(timing),
        _unknown(study),
        _under_scenarios(timing),
        _delay(timing),
        _last_third(timing, study),
    )
    tables = (_scenario_table(timing), _delay_table(timing), _no_effect_table(timing, study))
    return ReportSection(ID, TITLE, tuple(text for text in paragraphs if text), tables, (figure,))


def timing_in_short(timing: Timing, study: Study) -> str:
    """Return what stands beside the answer: what late starts alone would print, what they leave of the effect, when to doubt."""
    doubt = {
        "within": f"falls below {CERTAIN:g} once the mean delay reaches {timing.doubt.delay:.1f} months",
        "beyond": f"stays at or above {CERTAIN:g} up to a mean delay of {number(timing.delays['delay'].max())} months",
        "from_start": f"is below {CERTAIN:g} even without any delay",
    }[timing.doubt.state]
    row = timing.scenarios.set_index("scenario").loc[ELICITED]
    alone = (
        f"if it did nothing and began within two months for some and later for the others (the elicited scenario), ever against never "
        f"treated would print a hazard ratio of {_none(row)}, where this cohort prints {timing.observed:.2f}"
        if pd.notna(row["no_effect"])
        else "if it did nothing and began late, too few would still have been there to be treated"
    )
    left = ratio(*_numbers(row, "hazard_ratio", "lower", "upper")).replace("(", "(95 % interval ")
    benefit = probability(float(row["probability_of_benefit"]))
    return (
        f"When treatment began is not {_known(study)}: {alone}. If it began so, the hazard ratio is {left.removesuffix(')')}; probability of "
        f"benefit {benefit}). The probability of benefit {doubt}."
    )


def _known(study: Study) -> str:
    return "published" if study.cohort.source == "reconstruction" else "recorded"


def _unknown(study: Study) -> str:
    return (
        f"When treatment began is not {_known(study)}. Whoever {vocabulary(study).had_it} early had no chance to be treated, so that the treated look better "
        "even where treatment does nothing. What stands here are scenarios of when it began, not corrections: the "
        "patients cannot say which of them holds."
    )


def _late(timing: Timing) -> pd.DataFrame:
    """Return the scenarios in which treatment may come too late for a patient."""
    return timing.scenarios[~timing.scenarios["scenario"].isin((AT_START, LAST_THIRD))]


def _how_many(share: float) -> str:
    return {0.0: "none", 1.0: "all"}.get(share, f"{100 * share:.0f} %" if share > 0.01 else "fewer than 1 %")


def _numbers(row: pd.Series, *names: str) -> tuple[float, float, float]:
    first, second, third = (float(row[name]) for name in names)
    return first, second, third


def _none(row: pd.Series) -> str:
    return ratio(*_numbers(row, "no_effect", "no_effect_lower", "no_effect_upper"))


def _timing_alone(timing: Timing) -> str:
    late = _late(timing)
    known = late[late["no_effect"].notna()]
    said = [
        f"“{row['label']}” {_none(row)}, in {_how_many(float(row['as_low']))} of such cohorts as low as in this one"
        for _, row in known.iterrows()
    ]
    lead = (
        "If treatment did nothing at all and only began late, comparing ever with never treated patients would print these "
        f"hazard ratios (mean and 95 % range of simulated cohorts, covariates adjusted): {'; '.join(said)}. "
        f"The same comparison of the cohort itself prints {timing.observed:.2f}."
        if said
        else "Under none of the late scenarios would enough patients still be there at their start for as many to be treated as were."
    )
    missing = late[late["no_effect"].isna()]
    if said and len(missing):
        listed = ", ".join(f"“{label}”" for label in missing["label"])
        lead += (
            f" Not possible without an effect, because too few would still be there at their start: {listed}."
        )
    return lead


def _under_scenarios(timing: Timing) -> str:
    said = [
        f"“{row['label']}” {ratio(*_numbers(row, 'hazard_ratio', 'lower', 'upper'))}, probability of benefit "
        f"{probability(float(row['probability_of_benefit']))}"
        for _, row in timing.scenarios[timing.scenarios["scenario"] != LAST_THIRD].iterrows()
    ]
    return f"The hazard ratio of treatment, if treatment began as each scenario says: {'; '.join(said)}."


def _delay(timing: Timing) -> str:
    last = number(timing.delays["delay"].max())
    start = probability(float(timing.delays["probability_of_benefit"].iloc[0]))
    if timing.doubt.state == "within":
        return (
            f"The probability of benefit is {start} if all treatment began at time zero. It falls below {CERTAIN:g} once the mean "
            f"delay reaches {timing.doubt.delay:.1f} months: whoever believes that treatment began later than that on "
            "average, with delays spread exponentially, cannot take the benefit as shown."
        )
    if timing.doubt.state == "from_start":
        return (
            f"The probability of benefit is {start} even if all treatment began at time zero, which is below {CERTAIN:g}: "
            "no delay is needed to make one doubt."
        )
    return (
        f"The probability of benefit is {start} if all treatment began at time zero, and stays at or above {CERTAIN:g} up to the "
        f"longest mean delay considered, {last} months."
    )


def _last_third(timing: Timing, study: Study) -> str:
    rows = timing.scenarios[timing.scenarios["scenario"] == LAST_THIRD]
    if not len(rows):
        return ""
    table, said = timing.no_effect, vocabulary(study)
    split = table[(table["scenario"] == LAST_THIRD) & (table["quantity"] == "split")]
    effect = ratio(*_numbers(rows.iloc[0], "hazard_ratio", "lower", "upper"))
    printed = ratio(*_numbers(split.iloc[0], "estimate", "lower", "upper"))
    return (
        f"The last scenario is the opposite fear: treatment given because {said.an_event} is near, in the last third of a patient's own "
        f"time. Then {said.an_event} comes too early for nobody, and the naive comparison gains nothing from timing; but the "
        f"time after the start holds the {said.events}. The hazard ratio there is {effect}. That is no evidence of harm: "
        f"with known starts and no effect at all, an unadjusted analysis would print {printed}."
    )


def _scenario_table(timing: Timing) -> Table:
    rows = []
    for _, row in timing.scenarios.iterrows():
        effect = _numbers(row, "hazard_ratio", "lower", "upper")
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
                    Cell(_none(row), sort_key(row["no_effect"])),
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


def _delay_table(timing: Timing) -> Table:
    rows = []
    for _, row in timing.delays.iterrows():
        effect = _numbers(row, "hazard_ratio", "lower", "upper")
        rows.append(
            Row(
                (
                    number_cell(row["delay"]),
                    Cell(ratio(*effect), sort_key(effect[0])),
                    probability_cell(row["probability_of_benefit"]),
                    Cell(_none(row), sort_key(row["no_effect"])),
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


def _no_effect_table(timing: Timing, study: Study) -> Table:
    labels = timing.scenarios.set_index("scenario")["label"]
    arms = {"treated": study.treatment.treated_label, "control": study.treatment.control_label, "": ""}
    rows = []
    for _, row in timing.no_effect.iterrows():
        numbers, quantity = _numbers(row, "estimate", "lower", "upper"), str(row["quantity"])
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
