"""Checks of a study's published numbers against each other: one family of checks a file, nothing sampled.

To add a family: one file with a function of study and evidence that yields findings, and one line here.
"""

from collections.abc import Callable, Iterable

from data.published.audit.at_risk import check_at_risk
from data.published.audit.balance import check_balance
from data.published.audit.cells import check_cells
from data.published.audit.citations import check_citations
from data.published.audit.counts import check_counts
from data.published.audit.cox import check_cox
from data.published.audit.curve_text import check_curve_text
from data.published.audit.cutoffs import check_cutoffs
from data.published.audit.finding import Finding, by_severity, one_for_each_cause
from data.published.audit.follow_up import check_follow_up
from data.published.audit.granularity import check_granularity
from data.published.audit.hazards import check_hazards
from data.published.audit.matching import check_matching
from data.published.audit.p_values import check_p_values
from data.published.audit.percentages import check_percentages
from data.published.audit.repeats import check_claims, check_repeats
from data.published.audit.review import check_review
from data.published.audit.subgroups import check_subgroups
from data.published.audit.survival import check_survival
from data.published.evidence import Evidence
from data.study.study import Study

type Check = Callable[[Study, Evidence], Iterable[Finding]]

CHECKS: dict[str, Check] = {
    "cells": check_cells,
    "counts": check_counts,
    "percentages": check_percentages,
    "granularity": check_granularity,
    "matching": check_matching,
    "p_values": check_p_values,
    "balance": check_balance,
    "survival": check_survival,
    "at_risk": check_at_risk,
    "curve": check_curve_text,
    "hazards": check_hazards,
    "follow_up": check_follow_up,
    "cox": check_cox,
    "cutoffs": check_cutoffs,
    "repeats": check_repeats,
    "claims": check_claims,
    "subgroups": check_subgroups,
    "review": check_review,
    "citations": check_citations,
}


def audit(study: Study, evidence: Evidence) -> tuple[Finding, ...]:
    """What the published numbers of a study say about each other.

    Parameters
    ----------
    study : Study
    evidence : Evidence
        Tables that are not there are not checked.

    Returns
    -------
    tuple of Finding
        The most severe first; within a severity, by family. One for each cause.
    """
    found = (finding for check in CHECKS.values() for finding in check(study, evidence))
    return by_severity(one_for_each_cause(found))
