"""How the audit prints numbers, and what it calls arms and phases."""

import re

from data.published.evidence import Evidence
from data.published.printed import Printed
from data.study.study import Study

PHASE_WORDS = {"before": "before matching", "after": "after matching"}


def arm_words(study: Study, arm: str) -> str:
    """The label of an arm; "all patients" for both."""
    labels = {"treated": study.treatment.treated_label, "control": study.treatment.control_label}
    return labels.get(arm, "all patients")


def phase_words(evidence: Evidence, phase: str) -> str:
    """Return "before matching" or "after matching"; "all patients" where the study did not match."""
    return PHASE_WORDS[phase] if len(evidence.phases) > 1 else "all patients"


def analysis_words(name: str) -> str:
    """Return the name of an analysis, or of a group in it, in words; radiotherapy is written as papers do.

    Examples
    --------
    >>> analysis_words("rt_modality"), analysis_words("brain")
    ('RT modality', 'brain')
    """
    return re.sub(r"\brt\b", "RT", name.replace("_", " "))


def p_words(value: float) -> str:
    """A P value with three decimals, or as a bound.

    Examples
    --------
    >>> p_words(0.0393), p_words(0.00002)
    ('0.039', '<0.001')
    """
    return "<0.001" if value < 0.0005 else f"{value:.3f}"


def percent_words(share: float) -> str:
    """A share in percent with one decimal."""
    return f"{100 * share:.1f} %"


def listed(names: list[str]) -> str:
    """Names joined by commas, the last by "and".

    Examples
    --------
    >>> listed(["bone", "liver", "lung"]), listed(["bone"])
    ('bone, liver and lung', 'bone')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def interval_words(number: Printed) -> str:
    """A number with its interval, each with the decimals that are printed.

    Examples
    --------
    >>> from data.published.printed import printed
    >>> interval_words(printed("0.485", "0.361", "0.650")), interval_words(printed("1.85", "1.4", "2.5"))
    ('0.485 (0.361–0.650)', '1.85 (1.4–2.5)')
    """
    if number.interval is None:
        return number.text
    decimals = [
        number.decimals if one is None else one for one in (number.lower_decimals, number.upper_decimals)
    ]
    lower, upper = (f"{end:.{digits}f}" for end, digits in zip(number.interval, decimals, strict=True))
    return f"{number.text} ({lower}–{upper})"
