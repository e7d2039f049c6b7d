"""Adjustments in words; where the propensity score came from elsewhere, as the study file says, what that changes."""

from data.study.study import Study
from inference.report.figures.wording import words

PHRASES = {
    "none": "regression of the outcome alone",
    "joint": "a propensity score modelled together with the outcome",
    "cut": "a propensity score modelled without the outcome",
    "iptw": "inverse-probability weights",
    "overlap": "overlap weights",
    "matched": "matching",
}
MEANINGS = {
    "none": "The outcome model holds the covariates; no propensity score.",
    "joint": "Treatment and outcome are modelled at once, and the propensity score (the probability of treatment) "
    "enters the outcome model; outcomes also inform the score (feedback).",
    "cut": "As joint, but the treatment model is fitted without the outcomes, so that there is no feedback. It is "
    "the reference for joint.",
    "iptw": "Everybody is weighted by the inverse of the probability of the treatment they had.",
    "overlap": "One counts the more, the more likely the other treatment was.",
    "matched": "The treated are compared with untreated ones of like propensity.",
}
WITHOUT_SCORE = "none"


def adjusted_by(adjustment: str, study: Study) -> str:
    """Return an adjustment in words, with its name in the commands."""
    phrase = PHRASES.get(adjustment, words(adjustment))
    if study.propensity.score is not None and adjustment != WITHOUT_SCORE:
        column = f"the propensity score in column “{study.propensity.score}”"
        phrase = column if adjustment == "cut" else f"{phrase} from {column}"
    return f"{phrase} ({adjustment})"


def meaning_of(adjustment: str, study: Study) -> str:
    """Return what an adjustment does, in a sentence or two."""
    given = score_from_elsewhere(study)
    if not given or adjustment == WITHOUT_SCORE:
        return MEANINGS[adjustment]
    own = (
        "The outcome model holds the covariates and the score."
        if adjustment == "cut"
        else MEANINGS[adjustment]
    )
    return f"{own} {given}"


def score_from_elsewhere(study: Study) -> str:
    """Return what it means that the score is given; empty where it is estimated here."""
    if study.propensity.score is None:
        return ""
    return (
        f"The propensity score is that of column “{study.propensity.score}”, from elsewhere, and is taken as known: no treatment model is "
        "fitted, intervals hold no uncertainty of the score, and feedback of the outcome on it cannot be looked at."
    )
