"""The page's section on when treatment began: what timing alone could explain, and the effect under each scenario."""

import pandas as pd

from data.study.study import Study
from inference.report.content import ReportSection
from inference.report.drawings import Draw, drawn_when_asked
from inference.report.figures.timing_scenarios import timing_figure
from inference.report.figures.wording import estimate_of
from inference.report.numbers import number, probability, ratio
from inference.report.section import Material, Section, figure_of
from inference.report.timing_tables import (
    delay_table,
    no_effect_scenarios_table,
    scenario_table,
    without_effect,
)
from inference.report.vocabulary import vocabulary
from inference.sensitivity import TIMING
from inference.sensitivity.start_times import AT_START, ELICITED, LAST_THIRD
from inference.sensitivity.timing_pooled import CERTAIN, Timing

ID, TITLE = "timing", "When treatment began: what timing alone could explain"


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
    figure = figure_of(
        draw,
        "timing_scenarios",
        "Scenarios of when treatment began",
        lambda: timing_figure(timing.scenarios, timing.delays, timing.doubt.delay, timing.observed, CERTAIN),
    )
    paragraphs = (
        _timing_alone(timing),
        _unknown(study),
        _under_scenarios(timing),
        _delay(timing),
        _last_third(timing, study),
    )
    tables = (scenario_table(timing), delay_table(timing), no_effect_scenarios_table(timing, study))
    said = tuple(text for text in paragraphs if text)
    return ReportSection(ID, TITLE, said, tables, (figure,), timing_doubt(timing, study))


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
        f"treated would print a hazard ratio of {without_effect(row)}, where this cohort prints {timing.observed:.2f}"
        if pd.notna(row["no_effect"])
        else "if it did nothing and began late, too few would still have been there to be treated"
    )
    left = ratio(*estimate_of(row, "hazard_ratio")).replace("(", "(95 % interval ")
    benefit = probability(float(row["probability_of_benefit"]))
    return (
        f"When treatment began is not {_known(study)}: {alone}. If it began so, the hazard ratio is {left.removesuffix(')')}; probability of "
        f"benefit {benefit}). The probability of benefit {doubt}."
    )


def timing_doubt(timing: Timing, study: Study) -> str:
    """Return what timing alone could produce, in one short sentence."""
    row = timing.scenarios.set_index("scenario").loc[ELICITED]
    if pd.isna(row["no_effect"]):
        return f"Starts are not {_known(study)}: had all begun late, too few would have been there to be treated."
    alone = (
        f"Starts are not {_known(study)}: timing alone could print a hazard ratio of {without_effect(row)}"
    )
    if timing.observed >= 1.0:
        return f"{alone}, so that even the {timing.observed:.2f} of this cohort may flatter treatment."
    return f"{alone}; this cohort prints {timing.observed:.2f}."


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
    return {0.0: "none", 1.0: "all"}.get(
        share, f"{100 * share:.0f} %" if share >= 0.005 else "fewer than 1 %"
    )


def _timing_alone(timing: Timing) -> str:
    late = _late(timing)
    known = late[late["no_effect"].notna()]
    said = [
        f"“{row['label']}” {without_effect(row)}, in {_how_many(float(row['as_low']))} of such cohorts as low as in this one"
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
        f"“{row['label']}” {ratio(*estimate_of(row, 'hazard_ratio'))}, probability of benefit "
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
    effect = ratio(*estimate_of(rows.iloc[0], "hazard_ratio"))
    printed = ratio(*estimate_of(split.iloc[0], "estimate"))
    return (
        f"The last scenario is the opposite fear: treatment given because {said.an_event} is near, in the last third of a patient's own "
        f"time. Then {said.an_event} comes too early for nobody, and the naive comparison gains nothing from timing; but the "
        f"time after the start holds the {said.events}. The hazard ratio there is {effect}. That is no evidence of harm: "
        f"with known starts and no effect at all, an unadjusted analysis would print {printed}."
    )


def _sections(material: Material) -> list[ReportSection]:
    timing, why = material.computed.of(TIMING), material.computed.why_no_timing
    if timing is None and not why:
        return []
    return [timing_section(timing, material.results.study, why, material.draw)]


def _tables(material: Material) -> dict[str, pd.DataFrame]:
    timing = material.computed.of(TIMING)
    return {} if timing is None else {"timing": timing.scenarios, "delays": timing.delays}


def _in_short(material: Material) -> str:
    timing = material.computed.of(TIMING)
    return "" if timing is None else timing_in_short(timing, material.results.study)


def _doubt(material: Material) -> str:
    timing, study = material.computed.of(TIMING), material.results.study
    if timing is not None:
        return timing_doubt(timing, study)
    if material.results.cohort.treatment_start is not None:
        return ""
    return f"Starts are not {_known(study)}, and what timing alone could produce was not computed."


SECTION = Section(_sections, _tables, _in_short, _doubt, of_patients=True)
