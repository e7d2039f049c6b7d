"""The first screen: one sentence, three numbers with their intervals, and what speaks against them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from data.study.pseudo_cohorts import words_for
from data.study.study import Study
from inference.report.check_tables import Check, counts
from inference.report.content import Report, estimand_row, fit_rows
from inference.report.exposure_words import since
from inference.report.figures.wording import POPULATION_NAMES, capitalised, estimate_of
from inference.report.numbers import difference_in_words, number, percent, ratio, span
from inference.report.sentences import horizon_of
from inference.report.vocabulary import vocabulary

LONGEST = 30  # words of the sentence
MAIN_POPULATION = "all"
TIED_DASH = "\N{WORD JOINER}–\N{WORD JOINER}"  # at which no line ends
AMONG = {
    "all": "",
    "treated": "among the treated, ",
    "overlap": "in the overlap population, ",
    "matched": "in matched pairs, ",
}
"""How a sentence on a population begins."""


@dataclass(frozen=True)
class Figure:
    """A number of the first screen: what it is, the number, its 95 % interval."""

    label: str
    number: str
    interval: str


@dataclass(frozen=True)
class Result:
    """The effect in one population by one fit."""

    sentence: str  # at most 30 words
    numbers: tuple[Figure, ...]  # difference in restricted mean, survival by arm, hazard ratio


@dataclass(frozen=True)
class Headline:
    """What is read in a minute."""

    result: Result  # of the main fit, over all patients
    no_evidence: str  # what the numbers do not show
    checks: str  # how many checks failed or warn
    failed: bool  # whether any failed


def headline(report: Report, checks: Sequence[Check]) -> Headline:
    """Return the first screen of a report."""
    count = counts(checks)
    state = (
        f"{len(checks)} checks: {count['fail']} failed, {count['warn']} warn."
        if checks
        else "No check was made."
    )
    return Headline(
        result_of(report.study, fit_rows(report.estimands, report.main)),
        _no_evidence(report),
        state,
        not checks or count["fail"] > 0,
    )


def result_of(study: Study, rows: pd.DataFrame, population: str = MAIN_POPULATION) -> Result:
    """Return the effect in a population.

    Parameters
    ----------
    study : Study
        Labels of the arms, and the time unit.
    rows : DataFrame
        Rows of estimands.csv of one fit.
    population : str
        Over which survival is averaged.
    """
    return Result(_sentence(study, rows, population), tuple(_numbers(study, rows, population)))


def _sentence(study: Study, rows: pd.DataFrame, population: str) -> str:
    """Return the result in one sentence; without the labels of the arms where these make it too long."""
    unit, treatment = study.time_unit, study.treatment
    mean, horizon = estimand_row(rows, "rmst_difference", population), horizon_of(rows)
    if mean is None or pd.isna(mean["median"]) or horizon is None:
        return "The difference in mean survival could not be estimated."
    difference = _briefly(difference_in_words(*estimate_of(mean), unit), unit)
    end = f"adjusted mean {vocabulary(study).survival} within {number(horizon)} {unit} is {difference}."
    whom = AMONG.get(population, f"in {population}, ")
    exposure = str(rows["exposure"].iloc[0])
    named = f"with “{treatment.treated_label}” rather than “{treatment.control_label}”{since(exposure, unit)}, {end}"
    return capitalised(whom + (named if len((whom + named).split()) <= LONGEST else f"with treatment, {end}"))


def _briefly(difference: str, unit: str) -> str:
    """Return a difference in words without repeating, in its interval, unit and direction where both ends have the same."""
    for side in ("longer", "shorter"):
        if difference.count(side) == 2 and "from" not in difference:
            return difference.replace(f" {unit} {side})", ")")
    return difference


def _numbers(study: Study, rows: pd.DataFrame, population: str) -> list[Figure]:
    unit, survival, horizon = study.time_unit, vocabulary(study).survival, horizon_of(rows)
    to = f"{number(horizon)} {unit}" if horizon else "the horizon"
    found = []
    mean = estimand_row(rows, "rmst_difference", population)
    if mean is not None and pd.notna(mean["median"]):
        value, limits = _split(span(*estimate_of(mean)))
        sign = "" if value.startswith("−") else "+"
        found.append(Figure(f"Mean {survival} to {to}", f"{sign}{value} {unit}", limits))
    times = rows.loc[(rows["estimand"] == "survival_treated") & (rows["population"] == population), "time"]
    reached = times[times <= (horizon or times.max())]
    if len(reached):
        at = float(reached.max())
        arms = [estimand_row(rows, f"survival_{arm}", population, at) for arm in ("treated", "control")]
        values = [_split(percent(*estimate_of(arm))) for arm in arms if arm is not None]
        if len(values) == 2:
            found.append(
                Figure(
                    f"{capitalised(survival)} at {number(at)} {unit}",
                    f"{values[0][0]} against {values[1][0]} %",
                    ", ".join(limits.replace(" to ", TIED_DASH) for _, limits in values),
                )
            )
    # Weights and pairs give the hazard ratio of their population, other adjustments that of equal covariates.
    of = rows.loc[rows["estimand"] == "hazard_ratio", "population"].unique()
    hazard = estimand_row(rows, "hazard_ratio", of[0]) if len(of) == 1 else None
    if hazard is not None and pd.notna(hazard["median"]):
        value, limits = _split(ratio(*estimate_of(hazard)))
        say = words_for(study) or str
        whose = "equal covariates" if of[0] == "conditional" else say(POPULATION_NAMES.get(of[0], of[0]))
        found.append(Figure(f"Hazard ratio, {whose}", value, limits))
    return found


def _split(text: str) -> tuple[str, str]:
    value, _, limits = text.partition(" (")
    return value, limits.removesuffix(")")


def _no_evidence(report: Report) -> str:
    """Return what the numbers do not show, in few words; the answer in full says why."""
    if report.pseudo:
        return "Pseudo-patients, not randomised: this is not evidence that treatment works."
    return "Not randomised: this alone does not show that treatment works."
