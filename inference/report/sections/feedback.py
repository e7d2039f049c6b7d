"""The section on feedback: what the outcome does to the propensity score, and that to the effect."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from inference.fits.pooled_checks import WORST_RHAT
from inference.report.content import FigureItem, ReportSection
from inference.report.figures.feedback import feedback_figure
from inference.report.figures.wording import estimate_of
from inference.report.numbers import number, ratio
from inference.report.section import Material, Section
from inference.report.table import NUMBER, PROBABILITY, RATIO, SHORT, TEXT, Column, Kind, Table
from inference.sensitivity import FEEDBACK

OUTCOMES = {"covariates": "covariates and score", "score": "score alone, as a spline"}
POWER = Kind("{:g}".format)
SHIFT = 0.5  # standard deviations: less counts as not moved


def feedback_section(table: pd.DataFrame, figures: Sequence[FigureItem]) -> ReportSection:
    """Return the section.

    Parameters
    ----------
    table : DataFrame
        From `inference.sensitivity.feedback.pooled_feedback`.
    figures : sequence of FigureItem
    """
    every, table = table, table[table["outcome"] == table["outcome"].iloc[0]]
    first, last = table.iloc[0], table.iloc[-1]
    worst = table.loc[table["largest_shift"].abs().idxmax()]
    ends = [ratio(*estimate_of(one, "hazard_ratio")) for one in (first, last)]
    verdict = (
        "That is less than half a posterior standard deviation, which counts as little here; with the covariates in the outcome model as "
        "well, little can be expected to move."
        if abs(last["shift"]) < SHIFT
        else "Feedback moves the effect by more than half a posterior standard deviation: read the cut, in which the outcome has no say in who was likely to be treated."
    )
    looked = f" (looked at in {first['cohorts']} cohorts)" if first["cohorts"] > 1 else ""
    paragraphs = (
        *_algebra(every),
        f"In the joint model outcomes also inform the propensity score. As the power of their likelihood in the treatment model goes from 0 "
        f"(cut) to 1 (joint){looked}, the hazard ratio goes from {ends[0]} to {ends[1]}, a shift of {number(last['shift'], 2)} standard deviations. {verdict}",
        f"The coefficient of the treatment model that moves most is that of {worst['term']}, by "
        f"{number(worst['largest_shift'], 2)} standard deviations at a power of {worst['eta']:g}.",
        *_several(every),
    )
    columns = (
        Column("Outcome model", TEXT, "model"),
        Column("Power of the outcome, η", POWER, "eta"),
        Column("Hazard ratio, conditional (95 %)", RATIO, "hazard_ratio"),
        Column("P(benefit)", PROBABILITY, "probability_of_benefit"),
        Column("Shift of the effect, sd", SHORT, "shift"),
        Column("Largest shift of a coefficient, sd", SHORT, "largest_shift"),
        Column("Of", TEXT, "term"),
        Column("R-hat of the score", NUMBER, "score_rhat"),
    )
    caption = "The effect by the power of the outcome's likelihood in the treatment model, from cut to joint"
    return ReportSection(
        "feedback",
        "Does the outcome bend the propensity score",
        paragraphs,
        (Table("feedback-effects", caption, columns, every.assign(model=every["outcome"].map(OUTCOMES))),),
        tuple(figures),
        f"From cut to joint the hazard ratio goes from {ends[0]} to {ends[1]}, a shift of {number(last['shift'], 2)} standard deviations.",
    )


def _algebra(table: pd.DataFrame) -> tuple[str, ...]:
    """Return why covariates beside the score leave feedback little to do, and what it does to the score alone."""
    if set(table["outcome"]) != set(OUTCOMES):
        return ()
    alone = table[table["outcome"] == "score"]
    first, last = (ratio(*estimate_of(one, "hazard_ratio")) for _, one in alone.iloc[[0, -1]].iterrows())
    chance = " (a mixture by chance: see below)" if float(alone["score_rhat"].iloc[-1]) > WORST_RHAT else ""
    return (
        "The score is a sum of the same covariates, x'g. Beside them in the outcome model, x'b + k x'g = x'(b + k g), it adds nothing "
        "but another prior: that none, cut and joint agree is arithmetic, and no evidence that confounding is dealt with. "
        "Without the covariates, with the score alone as a natural cubic spline of the log hazard, the hazard ratio is "
        f"{first} in the cut and {last} in the joint model{chance}, {abs(alone['shift'].iloc[-1]):.2f} standard deviations apart: there the outcome "
        "can bend the score, and with it what is adjusted for.",
    )


def _several(table: pd.DataFrame) -> tuple[str, ...]:
    """Return where chains from different starts ended in different scores, so that a row is their mixture by chance."""
    apart = table[table["score_rhat"] > WORST_RHAT]
    if not len(apart):
        return ()
    listed = "; ".join(
        f"{OUTCOMES[str(outcome)]}, at {', '.join(f'{eta:g}' for eta in rows['eta'])}"
        for outcome, rows in apart.groupby("outcome", sort=False)
    )
    return (
        f"Chains from different starts ended in different scores under these powers: {listed}. The outcome then pulls the score into more "
        "than one shape, of which the rows are a mixture in proportions that hang on the starts: read the cut.",
    )


def _sections(material: Material) -> list[ReportSection]:
    table = material.computed.of(FEEDBACK)
    if table is None:
        return []
    title = "The effect by power of the outcome's likelihood"
    return [feedback_section(table, [material.figure("feedback", title, partial(feedback_figure, table))])]


def _tables(material: Material) -> dict[str, pd.DataFrame]:
    table = material.computed.of(FEEDBACK)
    return {} if table is None else {"feedback": table}


SECTION = Section(_sections, _tables, of_patients=True)
