"""How exposure is counted, in words: what it means, what its curves answer, and which numbers stand beside each other."""

import re

from data.study.study import Study
from inference.frequentist.own_matching import OWN_PAIRS
from inference.frequentist.table import SPLIT_AT_START
from inference.report.figures.wording import words

AT_LANDMARK = re.compile(rf"{re.escape(OWN_PAIRS)} at the landmark of (\S+)")
EXPOSURE_NAMES = {
    "naive": "ever against never treated",
    "time_split": "treated from the start of treatment on",
}


def exposure_name(exposure: str) -> str:
    """Return how exposure is counted, by name and with its meaning in brackets."""
    if exposure.startswith("landmark_"):
        return f"landmark (treated by time {exposure.removeprefix('landmark_')}, among those still followed)"
    return f"{words(exposure)} ({EXPOSURE_NAMES.get(exposure, words(exposure))})"


def exposure_sentence(exposure: str, study: Study) -> str:
    """Return what the count of exposure means, and what it may do to the answer."""
    if exposure == "naive":
        return (
            "Exposure is naive: whoever was ever treated counts as treated from time zero. Where "
            "treatment began later, those who had their event early had no chance of it, and that alone "
            "makes treatment look better."
        )
    if exposure == "time_split":
        return (
            "Exposure is split in time: who is treated counts as untreated until treatment began, as treated from then on. Averages and "
            "curves answer what would be seen with treatment from time zero on, which holds if the hazard ratio is the same "
            "whenever treatment begins."
        )
    landmark = exposure.removeprefix("landmark_")
    return (
        f"Exposure is landmark: only those still followed at {landmark} {study.time_unit} count, as "
        "treated if treatment had begun by then."
    )


def since(exposure: str, unit: str) -> str:
    """Return from when on everybody is treated, in what averages and curves answer; empty for the naive count.

    Examples
    --------
    >>> since("time_split", "days"), since("landmark_30", "days"), since("naive", "days")
    (' from time zero on', ' by 30 days', '')
    """
    if exposure.startswith("landmark_"):
        return f" by {exposure.removeprefix('landmark_')} {unit}"
    return " from time zero on" if exposure == "time_split" else ""


def exposure_of(method: str) -> str:
    """Return how a frequentist number counts exposure: the comparators are naive but for those split at the start, and pairs made at a landmark.

    Examples
    --------
    >>> exposure_of("Cox, own 1:1 pairs at the landmark of 30 days"), exposure_of("Cox, own 1:1 pairs"), exposure_of("log-rank")
    ('landmark_30', 'naive', 'naive')
    """
    if landmark := AT_LANDMARK.search(method):
        return f"landmark_{landmark[1]}"
    return "time_split" if SPLIT_AT_START in method else "naive"


def pairing_sentence(exposure: str) -> str:
    """Return which frequentist numbers and posteriors can be compared."""
    if exposure == "naive":
        return (
            "Multivariable Cox and the conditional hazard ratio ask the same question of the same counts of exposure, and differ by "
            "the priors and by the shape of the baseline hazard; Kaplan-Meier and log-rank are not adjusted, and need not agree."
        )
    beside = (
        "Cox with treatment split at its start asks the same question as the conditional hazard ratio"
        if exposure == "time_split"
        else "The Cox models of all terms, and pairs where they were made at this landmark, each in a table of their own, count exposure so"
    )
    return (
        "A posterior stands beside a frequentist number only where both count exposure alike; other cells are empty. "
        f"{beside}. Kaplan-Meier, log-rank, restricted means and the other Cox models compare ever with never treated: who was treated had "
        "to be still followed at the start of treatment, so that they favour treatment even where it does nothing."
    )
