"""The patients behind a Cox row: the share that its standard error implies, and cut-offs printed in two ways."""

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from scipy.optimize import brentq

from data.published.audit.causes import centre_fits, cox_cause, deaths_cause
from data.published.audit.cox import log_error, log_error_range, row_words
from data.published.audit.finding import Finding, Severity, identifier, percent_words
from data.published.audit.margins import patients_of
from data.published.evidence import Evidence
from data.published.evidence_names import CoxTerm
from data.published.evidence_rows import CoxRow
from data.published.printed import Printed
from data.study.study import Study

FAMILY = "cutoffs"
NEAR, FAR = 1.18, 1.45
SEVERAL = 3


def implied_share(error: float, deaths: float) -> float:
    """The smaller share of patients with a level that a standard error implies.

    The standard error of a log hazard ratio is about 1 / sqrt(D p (1 - p)), D the deaths and p the share with the level;
    it tells p from 1 - p by nothing (Schoenfeld 1983, doi 10.2307/2531021).

    Examples
    --------
    >>> round(implied_share(1 / math.sqrt(100 * 0.3 * 0.7), 100), 3)
    0.3
    """
    product = min(0.25, 1 / (deaths * error**2))
    return 0.5 - math.sqrt(0.25 - product)


def check_cutoffs(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Univariable Cox rows against the counts of Table 1."""
    terms = {(term.variable, term.level): term for term in evidence.names.cox}
    errors: dict[str, list[Finding]] = defaultdict(list)
    for row in evidence.cox:
        term = terms.get((row.variable, row.level))
        if term is None or row.model != "univariable":
            continue
        deaths = evidence.find("", row.phase, "deaths")
        whole = evidence.patients(row.phase)
        ratio = row.hazard_ratio
        share = _share(evidence, term, row.phase, whole)
        if differs(term):
            yield _two_ways(row, term, deaths, share)
        if deaths is not None and share is not None and ratio is not None and ratio.interval is not None:
            others = _other_levels(evidence, row, term, whole)
            reference = 1 - share - sum(one for one, _ in others)
            if share > 0 and reference > 0 and 0 < deaths.value < whole:
                levels = [(reference, 1.0), (share, ratio.value), *others]
                expected = _expected_error(levels, int(deaths.value), whole)
                errors[row.phase].append(_error(row, ratio, expected, share, two_ways=differs(term)))
    for phase, found in errors.items():
        yield from _of_one_cause(phase, found)


def _of_one_cause(phase: str, found: list[Finding]) -> list[Finding]:
    """Precisions of one phase: where most are off, what they share is at fault, which is the number of deaths."""
    off = [one for one in found if one.severity != "consistent"]
    if len(off) < SEVERAL or 2 * len(off) <= len(found):
        return found
    return [replace(one, cause=deaths_cause(phase)) if one in off else one for one in found]


def differs(term: CoxTerm) -> bool:
    """Whether a Cox row and Table 1 name different numbers for the same level: ≥60 against ≥50."""
    printed = set(re.findall(r"\d+(?:\.\d+)?", term.level))
    counted = set(re.findall(r"\d+(?:\.\d+)?", " ".join(term.levels)))
    return bool(printed and counted) and printed != counted


def _share(evidence: Evidence, term: CoxTerm, phase: str, whole: int) -> float | None:
    patients = patients_of(evidence, term.column, term.levels, phase)
    return None if patients is None else patients / whole


def _other_levels(evidence: Evidence, row: CoxRow, term: CoxTerm, whole: int) -> list[tuple[float, float]]:
    """Share and hazard ratio of the other levels of the same variable."""
    printed = {
        (one.variable, one.level): one.hazard_ratio.value
        for one in evidence.cox
        if (one.model, one.phase) == (row.model, row.phase) and one.hazard_ratio is not None
    }
    return [
        (_share(evidence, one, row.phase, whole) or 0.0, printed.get((one.variable, one.level), 1.0))
        for one in evidence.names.cox
        if (one.variable, one.column) == (term.variable, term.column) and one != term
    ]


def _expected_error(levels: list[tuple[float, float]], deaths: int, size: int) -> float:
    """The standard error of the log hazard ratio of the second level against the first, by the deaths expected in each.

    Of each level, the reference first, share and hazard ratio r are given. It dies to a share of 1 - exp(-H r), H such that
    the deaths add up. The variance of the log hazard ratio is about the sum of the reciprocal deaths (Schoenfeld 1983,
    doi 10.2307/2531021).

    Examples
    --------
    >>> round(_expected_error([(0.7, 1.0), (0.3, 1.0)], 100, 200) ** -2, 3)
    21.0
    """

    def died(hazard: float, share: float, ratio: float) -> float:
        return size * share * -math.expm1(-hazard * ratio)

    def surplus(hazard: float) -> float:
        return sum(died(hazard, share, ratio) for share, ratio in levels) - deaths

    hazard = brentq(surplus, 0.0, 100 / min(ratio for _, ratio in levels))
    return math.sqrt(sum(1 / died(hazard, share, ratio) for share, ratio in levels[:2]))


def _two_ways(row: CoxRow, term: CoxTerm, deaths: Printed | None, share: float | None) -> Finding:
    says = f"Table 1: {', '.join(term.levels)}" + (
        "" if share is None else f", {percent_words(share)} of patients"
    )
    which = ""
    if deaths is not None and row.hazard_ratio is not None and row.hazard_ratio.interval is not None:
        implied = implied_share(log_error(row.hazard_ratio), deaths.value)
        says += (
            f"; the standard error {log_error(row.hazard_ratio):.3f} with {deaths.text} deaths implies "
            f"{percent_words(implied)} or {percent_words(1 - implied)}"
        )
        if share is not None and min(abs(implied - share), abs(1 - implied - share)) < 0.05:
            which = f"; the standard error fits the patients with {', '.join(term.levels)}"
    return Finding(
        identifier(FAMILY, "two ways", row.variable, row.level),
        FAMILY,
        "medium",
        f"cut-off of {row.variable}, {row.place}",
        f"{row.level} in the Cox table",
        says,
        f"{row.variable} is cut at {row.level} in the Cox table but at {', '.join(term.levels)} in Table 1{which}.",
        cause=_cause(row, two_ways=True),
    )


def _cause(row: CoxRow, *, two_ways: bool) -> str:
    """A cut-off that differs explains the precision too, and so does a misprinted hazard ratio."""
    if two_ways:
        return identifier("cause", "cut-off", row.variable, row.level)
    misprinted = row.hazard_ratio is not None and not centre_fits(row.hazard_ratio)
    return cox_cause(row) if misprinted else ""


def _error(row: CoxRow, ratio: Printed, expected: float, share: float, *, two_ways: bool) -> Finding:
    error, (narrow, wide) = log_error(ratio), log_error_range(ratio)
    # Of the standard errors that the rounding leaves, the one that is nearest to what is expected.
    nearest = min(max(expected, narrow), wide)
    apart = max(nearest / expected, expected / nearest) if nearest > 0 else math.inf
    severity: Severity = "consistent" if apart <= NEAR else "low" if apart <= FAR else "medium"
    return Finding(
        identifier(FAMILY, "standard error", row.phase, row.variable, row.level),
        FAMILY,
        severity,
        f"standard error of {row_words(row)}",
        f"{error:.3f} (of the log hazard ratio, from the interval)",
        f"{expected:.3f} expected with {percent_words(share)} of patients and the printed deaths",
        "The precision is that of the patients counted in Table 1."
        if severity == "consistent"
        else f"The interval of {row.variable} ({row.level}) is {'wider' if error > expected else 'narrower'} than the "
        f"patients counted in Table 1 allow, by a factor of {apart:.2f}: it may be of other patients or another cut-off.",
        cause=_cause(row, two_ways=two_ways),
    )
