"""Every row of the Cox tables: hazard ratio against interval against P value."""

import math
from collections.abc import Iterator

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, norm

from data.published.audit.causes import centre_fits, centre_range, cox_cause, deaths_cause, deaths_fit
from data.published.audit.finding import Finding, Severity, identifier, interval_words, p_words, verdict
from data.published.audit.hazards import NORMAL_95
from data.published.evidence import Evidence
from data.published.evidence_rows import CoxRow
from data.published.printed import Printed
from data.study.study import Study

FAMILY = "cox"
LEVEL = 0.05
LARGE_SHIFT = 1.0
TINY = 1e-9
LOOSE = 1.1
"""A standard error that rounding leaves uncertain by more than this factor does not say how many died in a level."""


def check_cox(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Intervals symmetric on the log scale, P values from them, overall tests of several levels, choice of model."""
    for row in evidence.cox:
        ratio = row.hazard_ratio
        if ratio is not None and ratio.interval is not None:
            yield _centre(evidence, row, ratio, ratio.interval)
            if row.p is not None:
                yield _p_value(row, ratio, ratio.interval, row.p)
        elif ratio is None and row.p is not None:
            yield from _overall(evidence, row)
    yield from _selection(evidence)


def log_error(ratio: Printed) -> float:
    """The standard error of a log hazard ratio, from the printed interval."""
    if ratio.interval is None:
        raise ValueError("a hazard ratio must have an interval to have a standard error, but found none")
    return math.log(ratio.interval[1] / ratio.interval[0]) / (2 * NORMAL_95)


def row_words(row: CoxRow) -> str:
    """What a Cox row is called."""
    return f"{row.variable} ({row.level}), {row.model.replace('_', ', ')}"


def is_treatment(evidence: Evidence, row: CoxRow) -> bool:
    """Whether a Cox row is of the treatment."""
    return any(
        term.column == "treatment" and (term.variable, term.level) == (row.variable, row.level)
        for term in evidence.names.cox
    )


def log_error_range(ratio: Printed) -> tuple[float, float]:
    """The lowest and the highest standard error of a log hazard ratio whose interval is printed so.

    Examples
    --------
    >>> from data.published.printed import printed
    >>> [f"{one:.3f}" for one in log_error_range(printed("0.62", "0.4", "0.9"))]
    ['0.162', '0.255']
    """
    ends = ratio.possible_ends
    if ends is None:
        raise ValueError("a hazard ratio must have an interval to have a standard error, but found none")
    (lowest, low), (high, highest) = ends
    narrow = math.log(max(high, TINY) / max(low, TINY)) / (2 * NORMAL_95)
    wide = math.log(highest / lowest) / (2 * NORMAL_95) if lowest > 0 else math.inf
    return max(narrow, 0.0), wide


def p_range(ratio: Printed) -> tuple[float, float]:
    """Lowest and highest two-sided P of the Wald test that round to a printed hazard ratio and its interval."""
    narrow, wide = log_error_range(ratio)
    ends = [math.log(max(one, TINY)) for one in ratio.possible]
    smallest = 0.0 if ends[0] < 0 < ends[1] else min(map(abs, ends))
    # The narrowest is 0 where an interval is no wider than its rounding.
    most = max(map(abs, ends)) / narrow if narrow > 0 else math.inf
    return 2 * float(norm.sf(most)), 2 * float(norm.sf(smallest / wide))


def _centre(evidence: Evidence, row: CoxRow, ratio: Printed, interval: tuple[float, float]) -> Finding:
    """The estimate is the geometric mean of the ends of a Wald interval."""
    lower, upper = interval
    fits, centres = centre_fits(ratio), centre_range(ratio)
    shift = _gap(ratio.possible, centres) / log_error(ratio) if upper > lower else math.inf
    severity: Severity = (
        "consistent"
        if fits
        else "high"
        if shift > LARGE_SHIFT and is_treatment(evidence, row)
        else "medium"
        if shift > LARGE_SHIFT
        else "low"
    )
    centre = "–".join(dict.fromkeys(f"{one:.3f}" for one in centres))
    end = "lower" if ratio.value == lower else "upper" if ratio.value == upper else ""
    slip = (
        f"is the {end} end of its interval, whose centre is"
        if end
        else "is not the centre of its interval, which is"
    )
    return Finding(
        identifier(FAMILY, "centre", row.model, row.phase, row.variable, row.level),
        FAMILY,
        severity,
        f"hazard ratio of {row_words(row)}, {row.place}",
        interval_words(ratio),
        f"centre of the interval {centre}",
        "The hazard ratio is the centre of its interval."
        if fits
        else f"The hazard ratio {ratio.text} {slip} {centre}: it is misprinted, or its interval is.",
        cause=cox_cause(row),
    )


def _gap(first: tuple[float, float], second: tuple[float, float]) -> float:
    """How far two ranges of ratios are apart on the log scale; 0 where they overlap."""
    lower, upper = sorted((first, second))
    return max(0.0, math.log(upper[0] / lower[1])) if lower[1] > 0 else 0.0


def _p_value(row: CoxRow, ratio: Printed, interval: tuple[float, float], p: Printed) -> Finding:
    lowest, highest = p_range(ratio)
    excludes = interval[0] > 1 or interval[1] < 1
    claims = p.value < LEVEL or (p.operator == "<" and p.value <= LEVEL)
    fits = p.meets(lowest, highest)
    ends = ratio.possible_ends
    boundary = ends is not None and any(low <= 1.0 <= high for low, high in ends)
    severity: Severity = "medium" if excludes != claims and not boundary else "consistent" if fits else "low"
    return Finding(
        identifier(FAMILY, "p", row.model, row.phase, row.variable, row.level),
        FAMILY,
        severity,
        f"P of {row_words(row)}, {row.place}",
        p.text,
        f"{p_words(lowest)} to {p_words(highest)}"
        if p_words(lowest) != p_words(highest)
        else p_words(highest),
        "The P value follows from hazard ratio and interval."
        if severity == "consistent"
        else f"The interval {'excludes' if excludes else 'includes'} no effect, but the P value says the opposite."
        if severity == "medium"
        else "The P value does not follow from hazard ratio and interval.",
        cause=identifier("cause", "p", row.model, row.phase, row.variable, row.level)
        if centre_fits(ratio)
        else cox_cause(row),
    )


def _overall(evidence: Evidence, row: CoxRow) -> Iterator[Finding]:
    """The overall P of several levels, from their hazard ratios, intervals and the number of deaths.

    The variance of a level's log hazard ratio is about 1 / D_level + 1 / D_reference, D being deaths. With all deaths
    known, D_reference follows, and the overall chi-squared is sum D (b - mean b)^2 over all levels, b being 0 for the reference.
    """
    deaths = evidence.find("", row.phase, "deaths")
    rows = [
        (one, one.hazard_ratio)
        for one in evidence.cox
        if (one.model, one.phase, one.variable) == (row.model, row.phase, row.variable)
        and one.hazard_ratio is not None
        and one.hazard_ratio.interval is not None
    ]
    levels = [ratio for _, ratio in rows]
    if deaths is None or row.p is None or len(levels) < 2 or any(map(_loose, levels)):
        return
    logs = np.array([0.0, *(math.log(one.value) for one in levels)])
    variances = np.array([log_error(one) ** 2 for one in levels])

    def surplus(shared: float) -> float:
        return 1 / shared + float((1 / (variances - shared)).sum()) - deaths.value

    grid = np.linspace(1 / deaths.value, variances.min() * (1 - 1e-6), 2000)
    signs = [surplus(one) for one in grid]
    # Few and many deaths in the reference can both give the sum; the paper is given the one nearer to its P value.
    roots = [
        float(brentq(surplus, *grid[i : i + 2])) for i in range(len(grid) - 1) if signs[i] * signs[i + 1] < 0
    ]
    if not roots:
        return
    counts_by_p = {}
    for shared in roots:
        counts = np.array([1 / shared, *(1 / (variances - shared))])
        mean = float((counts * logs).sum() / counts.sum())
        counts_by_p[float(chi2.sf(float((counts * (logs - mean) ** 2).sum()), len(levels)))] = counts
    printed_p = row.p.value
    p = min(counts_by_p, key=lambda one: abs(one - printed_p))
    counts = counts_by_p[p]
    off = [one for one, ratio in rows if not centre_fits(ratio)]
    near = abs(p - row.p.value) <= max(0.02, 0.2 * p) or row.p.holds(p)
    yield verdict(
        (FAMILY, "overall", row.model, row.phase, row.variable),
        near,
        "low",
        f"overall P of {row.variable}, {row.model}",
        row.p.text,
        f"about {p_words(p)}; deaths by level about {', '.join(f'{one:.0f}' for one in counts)}",
        "The overall P value fits the hazard ratios of the levels.",
        "The overall P value does not fit the hazard ratios of the levels.",
        cause=cox_cause(off[0])
        if off
        else ""
        if deaths_fit(evidence, row.phase)
        else deaths_cause(row.phase),
    )


def _loose(ratio: Printed) -> bool:
    narrow, wide = log_error_range(ratio)
    return wide > LOOSE * narrow


def _selection(evidence: Evidence) -> Iterator[Finding]:
    """Whether the multivariable model holds just what was significant alone."""
    alone = {row.variable: row.p for row in evidence.cox if row.model == "univariable" and row.p is not None}
    together = {row.variable for row in evidence.cox if row.model == "multivariable"}
    chosen = {name for name, p in alone.items() if p.value < LEVEL}
    if not together or len(alone) <= len(together):
        return
    by_p = together == chosen
    left = sorted(set(alone) - together)
    yield verdict(
        (FAMILY, "selection"),
        not by_p,
        "low",
        "variables of the multivariable model",
        ", ".join(sorted(together)),
        f"significant alone: {', '.join(sorted(chosen)) or 'none'}; not shown: {', '.join(left)}",
        "The multivariable model was not chosen by P values alone.",
        f"The multivariable table shows exactly the variables that were significant alone, so its hazard ratios are "
        f"adjusted for no other of the {len(alone)} variables.",
        kind="design",
    )
