"""The nouns of a study: who is analysed, what is survived, and what ends it; used when a sentence is made."""

from dataclasses import dataclass

import pandas as pd

from data.study.study import Study

OF_DEATH = "overall survival"
MEANS_OVER_COHORTS = (
    "Limits of Cox models and Kaplan-Meier curves are means over the cohorts of what each of them would print; unlike those of the "
    "posterior they do not hold what differs between cohorts."
)
"""Of cohorts of pseudo-patients, whose frequentist analysis is set beside print."""


@dataclass(frozen=True)
class Vocabulary:
    """The nouns of a study."""

    patient: str = "patient"  # "patient", or "pseudo-patient" where no patient is published
    outcome: str = "survival"  # what is survived: "survival", or as the study file names it
    event: str = "event"  # what ends it: "death" of overall survival, else "event"

    @property
    def survival(self) -> str:
        """What is survived, in one word where it is overall survival."""
        return "survival" if self.outcome.lower() == OF_DEATH else self.outcome

    @property
    def patients(self) -> str:
        """The plural."""
        return f"{self.patient}s"

    @property
    def events(self) -> str:
        """The plural."""
        return f"{self.event}s"

    @property
    def had_it(self) -> str:
        """What happened to those who had the event: "died", "had the event"."""
        return "died" if self.event == "death" else f"had the {self.event}"

    @property
    def an_event(self) -> str:
        """The event with its article where it needs one: "death", "the event"."""
        return "death" if self.event == "death" else f"the {self.event}"


def vocabulary(study: Study) -> Vocabulary:
    """Return the nouns of a study."""
    outcome = study.report.outcome or "survival"
    return Vocabulary(
        patient="pseudo-patient" if study.cohort.source == "reconstruction" else "patient",
        outcome=outcome,
        event="death" if outcome.lower() == OF_DEATH else "event",
    )


def with_terms_in_words(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return a table with its column `term` in words."""
    return table.assign(term=[term_in_words(str(term), study) for term in table["term"]])


def term_in_words(term: str, study: Study) -> str:
    """Return a term of the formula by the label of its covariate, with unit or level; one that transforms a covariate as it is."""
    name, _, level = term.removesuffix("]").partition("[T.")
    stated = study.covariates.get(name)
    if stated is None:
        return term
    if level == "1" and tuple(stated.levels or ("0", "1")) == ("0", "1"):
        level = "yes"
    return (stated.label or name) + (f": {level}" if level else f", {stated.unit}" if stated.unit else "")
