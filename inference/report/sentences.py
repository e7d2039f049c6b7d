"""The sentences of the page, written from the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from data.study import Study
from inference.figures.wording import POPULATION_NAMES, words
from inference.report.content import Report, companion, estimand_row, fit_rows
from inference.report.numbers import difference_in_words, number, probability, ratio

EXPOSURE_NAMES = {
    "naive": "ever against never treated",
    "time_split": "treated from the start of treatment on",
}
ADJUSTMENT_PHRASES = {
    "none": "regression of the outcome alone",
    "joint": "a propensity score modelled together with the outcome",
    "cut": "a propensity score modelled without the outcome",
    "iptw": "inverse-probability weights",
    "overlap": "overlap weights",
    "matched": "matching",
}
ADJUSTMENT_MEANINGS = {
    "none": "The outcome model holds the covariates; no propensity score.",
    "joint": "Treatment and outcome are modelled at once, and the propensity score (the probability of treatment) "
    "enters the outcome model; outcomes also inform the score (feedback).",
    "cut": "As joint, but the treatment model is fitted without the outcomes, so that there is no feedback. It is "
    "the reference for joint.",
    "iptw": "Patients are weighted by the inverse of the probability of the treatment they had.",
    "overlap": "Patients count the more, the more likely the other treatment was for them.",
    "matched": "Treated patients are compared with untreated patients of like propensity.",
}


@dataclass(frozen=True)
class Answer:
    """The answer of the study.

    Attributes
    ----------
    sentence : str
        The main fit's.
    beside : str
        The companion's: joint is never reported without cut.
    lacks_companion : bool
        True where the companion should be there and is not.
    """

    sentence: str
    beside: str
    lacks_companion: bool


def answer(report: Report) -> Answer:
    """Return the answer in one sentence, and what the companion fit says."""
    rows = fit_rows(report.estimands, report.main)
    treated, control = report.study.treatment.treated_label, report.study.treatment.control_label
    horizon = horizon_of(rows)
    span = f"the first {number(horizon)} {report.study.time_unit}" if horizon else "the follow-up"
    mean, hazard = _main_numbers(rows, report.study.time_unit)
    sentence = (
        f"With “{treated}” for all {report.patients} patients rather than “{control}” for all, mean "
        f"event-free time within {span} would be {mean}, and the hazard ratio between two patients with the "
        f"same covariates is {hazard}, as adjusted for the measured covariates by "
        f"{named(report.main['adjustment'])}, with exposure {exposure_name(report.main['exposure'])}, a "
        f"{words(report.main['baseline']).lower()} baseline hazard and prior set "
        f"{report.main['prior_set']}."
    )
    other = companion(report)
    if other is not None:
        mean, hazard = _main_numbers(fit_rows(report.estimands, other), report.study.time_unit)
        beside = (
            f"Adjusted by {named(other['adjustment'])} instead, all else the same, mean event-free time "
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
        said = _with_benefit(difference_in_words(*_interval(mean), unit), mean)
    hazard = estimand_row(rows, "hazard_ratio", "conditional")
    if hazard is None or pd.isna(hazard["median"]):
        return said, "not one number in this model (see the tables of every estimand)"
    return said, _with_benefit(ratio(*_interval(hazard)).replace("(", "(95 % interval "), hazard)


def _with_benefit(said: str, row: pd.Series) -> str:
    """Put the probability of benefit into the brackets that end a text."""
    return f"{said.removesuffix(')')}; probability of benefit {probability(float(row['probability_of_benefit']))})"


def _interval(row: pd.Series) -> tuple[float, float, float]:
    return float(row["median"]), float(row["lower"]), float(row["upper"])


def horizon_of(rows: pd.DataFrame) -> float | None:
    """Return the horizon of the restricted mean in the rows of a fit."""
    times = rows.loc[rows["estimand"] == "rmst_difference", "time"].dropna().unique()
    return float(times[0]) if len(times) == 1 else None


def named(adjustment: str) -> str:
    """Return an adjustment in words, with its name in the commands."""
    return f"{ADJUSTMENT_PHRASES.get(adjustment, words(adjustment))} ({adjustment})"


def exposure_name(exposure: str) -> str:
    """Return how exposure is counted: its name, and in words."""
    if exposure.startswith("landmark_"):
        return f"landmark (treated by time {exposure.removeprefix('landmark_')}, among those still followed)"
    return f"{exposure} ({EXPOSURE_NAMES.get(exposure, words(exposure))})"


def exposure_sentence(exposure: str, study: Study) -> str:
    """Return what the count of exposure means, and what it may do to the answer."""
    if exposure == "naive":
        return (
            "Exposure is naive: whoever was ever treated counts as treated from time zero. Where "
            "treatment began later, those who had their event early had no chance of it, and that alone "
            "makes treatment look better."
        )
    if exposure == "time_split":
        return "Exposure is time_split: patients count as untreated until treatment began, as treated from then on."
    landmark = exposure.removeprefix("landmark_")
    return (
        f"Exposure is landmark: only patients still followed at {landmark} {study.time_unit} count, as "
        "treated if treatment had begun by then."
    )


def reading_guide(report: Report) -> list[tuple[str, str]]:
    """Return the words that a reader needs, each with its meaning."""
    rows = fit_rows(report.estimands, report.main)
    horizon = horizon_of(rows)
    to = f"the first {number(horizon)} {report.study.time_unit}" if horizon else "the horizon"
    used = [name for name in ADJUSTMENT_MEANINGS if name in set(report.estimands["adjustment"])]
    populations = [
        name for name in ("all", "treated", "overlap", "matched") if name in set(rows["population"])
    ]
    meanings = {
        "all": "everybody in the study",
        "treated": "patients such as those who were treated",
        "overlap": "patients for whom either treatment was plausible",
        "matched": "the pairs",
    }
    listed = "; ".join(f"{POPULATION_NAMES[name]}, {meanings[name]}" for name in populations)
    return [
        (
            "95 % interval",
            (
                "Given the model, its priors and these patients, the quantity lies in it with probability "
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
            "Mean event-free time (restricted mean, RMST)",
            f"Average time without the event within {to}; the difference is the time that treatment adds "
            "or costs.",
        ),
        (
            "Hazard ratio, conditional or average",
            (
                "Conditional: rate of events of a treated patient against that of an untreated one with "
                "the same covariates. Average (marginal): over a whole population, up to the horizon. "
                "They answer different questions and differ even without confounding. Below 1, the "
                "treated fare better."
            ),
        ),
        (
            "Populations",
            f"Averages are taken over {listed}." if listed else "Averages are over all patients.",
        ),
        *[(f"Adjustment {name}", ADJUSTMENT_MEANINGS[name]) for name in used],
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
        (
            f"Treatment was not randomised. {known} Confounding by anything else is not addressed on this "
            "page: no interval here contains it."
        ),
        exposure_sentence(report.main["exposure"], report.study)
        + (
            " That is how the cohort records it; nothing is corrected here." if _is_naive(report.main) else ""
        ),
        (
            "Intervals hold the uncertainty within one model. How far models, adjustments and priors "
            "differ is to be read from the tables that set them side by side, not from any one interval."
        ),
        (
            "This is one observational study. A probability of benefit near 1 weighs these patients under "
            "this model; it does not weigh this study against trials, and is not by itself a reason to "
            "treat."
        ),
    ]
    if report.study.cohort.source == "reconstruction":
        listed.insert(
            0,
            "No patient of this study is published: the cohort is rebuilt from summaries, and holds no "
            "real patient.",
        )
    return listed


def _is_naive(fit: Mapping[str, str]) -> bool:
    return fit["exposure"] == "naive"
