"""The sentences of the page, written from the numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from inference.report.adjustment_words import MEANINGS, adjusted_by, meaning_of, score_from_elsewhere
from inference.report.content import Report, companion, estimand_row, fit_rows
from inference.report.exposure_words import exposure_name, exposure_sentence, since
from inference.report.figures.wording import POPULATION_NAMES, estimate_of, words
from inference.report.numbers import difference_in_words, number, probability, ratio
from inference.report.vocabulary import vocabulary


@dataclass(frozen=True)
class Answer:
    """The answer of the study."""

    sentence: str  # the main fit's
    beside: str  # the companion's: joint is never reported without cut
    lacks_companion: bool  # true where the companion should be there and is not


def answer(report: Report) -> Answer:
    """Return the answer in one sentence, and what the companion fit says."""
    rows = fit_rows(report.estimands, report.main)
    treated, control = report.study.treatment.treated_label, report.study.treatment.control_label
    horizon = horizon_of(rows)
    unit, said = report.study.time_unit, vocabulary(report.study)
    span = f"the first {number(horizon)} {unit}" if horizon else "the follow-up"
    exposure = report.main["exposure"]
    mean, hazard = _main_numbers(rows, unit)
    whom = f"all {report.patients} {said.patients}"
    if exposure.startswith("landmark_"):
        whom = f"all {said.patients} still followed then"
    sentence = (
        f"With “{treated}”{since(exposure, unit)} for {whom} rather than “{control}” for all, mean "
        f"{said.outcome} within {span} would be {mean}, and the hazard ratio between two {said.patients} with the "
        f"same covariates is {hazard}, as adjusted for the measured covariates by "
        f"{adjusted_by(report.main['adjustment'], report.study)}, with exposure {exposure_name(exposure)}, a "
        f"{words(report.main['baseline']).lower()} baseline hazard and prior set "
        f"{report.main['prior_set']}."
    )
    other = companion(report)
    if other is not None:
        mean, hazard = _main_numbers(fit_rows(report.estimands, other), unit)
        beside = (
            f"Adjusted by {adjusted_by(other['adjustment'], report.study)} instead, all else the same, mean {said.outcome} "
            f"would be {mean}, and the hazard ratio is {hazard}."
        )
        return Answer(sentence, beside, lacks_companion=False)
    if report.main["adjustment"] == "joint":
        beside = (
            "No fit with adjustment cut stands beside this one, so nothing says how far the outcomes have "
            "bent the propensity score: do not quote the numbers above before it is made."
        )
        return Answer(sentence, beside, lacks_companion=True)
    return Answer(sentence, "", lacks_companion=False)


def _main_numbers(rows: pd.DataFrame, unit: str) -> tuple[str, str]:
    """Return the RMST difference over all patients and the conditional hazard ratio of a fit, in words."""
    mean = estimand_row(rows, "rmst_difference", "all")
    if mean is None or pd.isna(mean["median"]):
        said = "unknown (not estimated)"
    else:
        said = _with_benefit(difference_in_words(*estimate_of(mean), unit), mean)
    hazard = estimand_row(rows, "hazard_ratio", "conditional")
    if hazard is None or pd.isna(hazard["median"]):
        return said, "not one number in this model (see the tables of every estimand)"
    return said, _with_benefit(ratio(*estimate_of(hazard)).replace("(", "(95 % interval "), hazard)


def _with_benefit(said: str, row: pd.Series) -> str:
    """Put the probability of benefit into the brackets that end a text."""
    return f"{said.removesuffix(')')}; probability of benefit {probability(float(row['probability_of_benefit']))})"


def horizon_of(rows: pd.DataFrame) -> float | None:
    """Return the horizon of the restricted mean in the rows of a fit."""
    times = rows.loc[rows["estimand"] == "rmst_difference", "time"].dropna().unique()
    return float(times[0]) if len(times) == 1 else None


def reading_guide(report: Report) -> list[tuple[str, str]]:
    """Return the words that a reader needs, each with its meaning."""
    rows, said = fit_rows(report.estimands, report.main), vocabulary(report.study)
    horizon = horizon_of(rows)
    to = f"the first {number(horizon)} {report.study.time_unit}" if horizon else "the horizon"
    used = [name for name in MEANINGS if name in set(report.estimands["adjustment"])]
    populations = [
        name for name in ("all", "treated", "overlap", "matched") if name in set(rows["population"])
    ]
    meanings = {
        "all": "everybody in the study",
        "treated": f"{said.patients} such as those who were treated",
        "overlap": f"{said.patients} for whom either treatment was plausible",
        "matched": "the pairs",
    }
    names = {**POPULATION_NAMES, "all": f"all {said.patients}", "matched": f"matched {said.patients}"}
    listed = "; ".join(f"{names[name]}, {meanings[name]}" for name in populations)
    return [
        (
            "95 % interval",
            (
                f"Given the model, its priors and these {said.patients}, the quantity lies in it with probability "
                "95 %, and beyond either end with 2.5 %. The single number is the posterior median."
            ),
        ),
        (
            "Probability of benefit",
            (
                "Posterior probability that the treated fare better at all. It is not a p value, says "
                "nothing about how large the benefit is, and knows nothing of confounders that were not "
                "measured."
            ),
        ),
        (
            f"Mean {said.outcome} (restricted mean, RMST)",
            f"Average time to {said.an_event}, of which only {to} {'count' if horizon else 'counts'}; the difference is the time that treatment adds "
            "or costs.",
        ),
        (
            "Hazard ratio, conditional or average",
            (
                f"Conditional: rate of {said.events} of a treated {said.patient} against that of an untreated one with "
                "the same covariates. Average (marginal): over a whole population, up to the horizon. "
                "They answer different questions and differ even without confounding. Below 1, the "
                "treated fare better."
            ),
        ),
        (
            "Populations",
            f"Averages are taken over {listed}." if listed else f"Averages are over all {said.patients}.",
        ),
        *[(f"Adjustment {name}", meaning_of(name, report.study)) for name in used],
        ("Exposure", exposure_sentence(report.main["exposure"], report.study)),
    ]


def limits(report: Report) -> list[str]:
    """Return what the numbers of the page do not cover."""
    covariates = ", ".join(covariate.label or name for name, covariate in report.study.covariates.items())
    known = (
        f"The numbers are effects of treatment only so far as the covariates of the study ({covariates}) account "
        "for all that decided both treatment and outcome."
        if covariates
        else "No covariate was recorded, so the arms are compared as they are."
    )
    listed = [
        f"Treatment was not randomised. {known} {_unmeasured(report)}",
        exposure_sentence(report.main["exposure"], report.study)
        + (
            " That is how the cohort records it; nothing is corrected here." if _is_naive(report.main) else ""
        ),
        (
            "Covariates count as known at time zero. One that was recorded later, or that treatment itself may have changed, is "
            "adjusted for wrongly: part of the effect may be taken away, or something added that is none."
        ),
        *filter(None, [score_from_elsewhere(report.study)]),
        *report.limits,
        (
            "Intervals hold the uncertainty within one model. How far models, adjustments and priors "
            "differ is to be read from the tables that set them side by side, not from any one interval."
        ),
        (
            f"This is one observational study. A probability of benefit near 1 weighs these {vocabulary(report.study).patients} under "
            "this model; it does not weigh this study against trials, and is not by itself a reason to "
            "treat."
        ),
    ]
    if report.pseudo:
        listed.insert(
            0,
            "No patient of this study is published: the cohort is rebuilt from summaries, and holds no real patient.",
        )
    return listed


def _unmeasured(report: Report) -> str:
    """Return where confounding by what was not measured is addressed, if it is."""
    if any(section.id == "confounding" for section in report.sections):
        return (
            "No interval here contains confounding by anything else; how strong it would have to be to explain the effect is shown "
            "in the section on unmeasured confounding, and how strong it is nobody knows."
        )
    return "Confounding by anything else is not addressed on this page: no interval here contains it."


def no_evidence(report: Report) -> str:
    """Return the sentence beside the answer on what the numbers cannot show."""
    treated, said = report.study.treatment.treated_label, vocabulary(report.study)
    reasons = ["treatment was not randomised"]
    if report.pseudo:
        reasons.append(f"no {said.patient} is a patient")
    if _is_naive(report.main):
        reasons.append("whoever was ever treated counts as treated from the start")
    reasons = [*reasons[:-2], " and ".join(reasons[-2:])]
    shown = "This is not evidence" if report.pseudo else "This alone does not show"
    return (
        f"{shown} that “{treated}” works: it is what the model makes of how these {said.patients} fared, and "
        f"{', '.join(reasons)}."
    )


def _is_naive(fit: Mapping[str, str]) -> bool:
    return fit["exposure"] == "naive"
