"""What a cohort must reproduce: every printed statistic as a target, with how far from print is near enough."""

import math

from scipy import stats

from data.errors import InputError
from data.published.evidence import Evidence
from data.published.evidence_rows import CoxRow
from data.published.printed import Printed
from data.published.reconstruction.arrays import (
    HAZARD_RATIO,
    LOG_RANK,
    LOG_RATIO_ERROR,
    MEDIAN,
    MEDIAN_ERROR,
    OVERALL,
    SURVIVAL,
    WALD,
)
from data.published.reconstruction.curve_targets import curve_targets
from data.published.reconstruction.target import CoxFit, Group, Subject, Target, Term
from data.study.study import Study

INTERVAL_WIDTHS = 2 * 1.96  # standard errors in a printed 95 % interval
# Tolerances: the largest of so many half digits of print, a share of the value, and an absolute difference.
TOLERANCES = {
    "survival": (1.0, 0.0, 0.002),
    "median": (6.0, 0.005, 0.0),
    "follow-up": (10.0, 0.005, 0.0),
    "hazard ratio": (1.0, 0.0, 0.02),
    "subgroup median": (10.0, 0.005, 0.0),
    "modality median": (10.0, 0.005, 0.0),
    "median interval": (0.0, 0.3, 0.0),
    "follow-up interval": (0.0, 0.3, 0.0),
    "hazard ratio interval": (0.0, 0.05, 0.0),
}
QUANTILE_TOLERANCE = 0.1  # of a P value on the scale of the standard normal deviate behind it
# The rounding likelihood is narrower than the tolerance, so that its tails end within.
WIDTH_SHARE = 0.25
FLAT_SHARE = 0.75  # of the range of deviates that a P value is rounded from: likelihood is level there


def targets_of(study: Study, evidence: Evidence) -> tuple[Target, ...]:
    """The targets that can be steered, in a fixed order; counts and deaths are exact and no targets."""
    return (
        *_of_survival(study, evidence),
        *_of_cox(evidence),
        *_of_subgroups(study, evidence),
        *curve_targets(study, evidence),
    )


def tolerance(family: str, number: Printed, scale: float = 1.0) -> float:
    """How far from print is near enough, on a scale in which the printed value counts `scale`."""
    digits, share, absolute = TOLERANCES[family]
    return max(digits * number.half_digit * scale, share * abs(number.value * scale), absolute)


def estimate_target(
    name: str, family: str, number: Printed, kind: int, of: Subject, time: float | None = None
) -> Target:
    """A printed estimate: steered towards its value."""
    scale = 0.01 if number.unit == "percent" else 1.0
    allowed = tolerance(family, number, scale)
    width = max(0.5 * number.half_digit * scale, WIDTH_SHARE * allowed)
    value = number.value * scale
    return Target(name, family, value, allowed, "=", kind, of, time, value, width)


def _error(name: str, family: str, printed: float, kind: int, of: Subject) -> Target:
    allowed = TOLERANCES[family][1] * printed
    return Target(name, family, printed, allowed, "=", kind, of, None, printed, WIDTH_SHARE * allowed)


def p_target(name: str, family: str, number: Printed, kind: int, of: Subject, freedom: int = 1) -> Target:
    """A P value: steered as the normal deviate behind it, or as the chi-square of several degrees of freedom.

    A P value of few digits is rounded from a range of deviates that may be wider than the tolerance (0.001 from 3.17 to 3.48): the
    likelihood is level over most of it. One that is printed as zero is a bound.
    """
    printed, half, operator = number.value, number.half_digit, number.operator
    if printed <= half and operator == "=":
        printed, operator = printed + half, "<"

    def deviate(chance: float) -> float:
        chance = min(max(chance, 1e-12), 1 - 1e-12)
        return float(stats.norm.isf(chance / 2) if freedom == 1 else stats.chi2.isf(chance, freedom))

    aim = deviate(printed)
    if freedom == 1:
        spread, slope = QUANTILE_TOLERANCE, 2 * float(stats.norm.pdf(aim))
    else:
        # a step of the deviate moves chi-square by about twice its root times as much
        spread, slope = 2 * math.sqrt(max(aim, 1.0)) * QUANTILE_TOLERANCE, float(stats.chi2.pdf(aim, freedom))
    allowed = max(half, slope * spread)
    if operator == "<":
        width = WIDTH_SHARE * spread
        return Target(name, family, printed, allowed, operator, kind, of, None, aim + 2 * width, width)
    far, near = deviate(printed - half), deviate(printed + half)
    rounded = (far - near) / 2
    flat = FLAT_SHARE * rounded
    width = WIDTH_SHARE * (max(rounded, spread) - flat)
    return Target(name, family, printed, allowed, operator, kind, of, None, (far + near) / 2, width, flat)


def _of_survival(study: Study, evidence: Evidence) -> list[Target]:
    found = []
    labels = study.treatment.labels | {"": "all"}
    for row in evidence.survival:
        if row.phase not in evidence.phases:
            continue
        number = row.number
        who = f"{labels.get(row.arm, 'arms')}, {row.phase} matching"
        group = Group(row.phase, row.arm, reverse=row.quantity == "median_followup")
        if row.time is not None and row.arm in labels:
            name = f"survival at {row.time:g} {study.time_unit}, {who}"
            found.append(estimate_target(name, "survival", number, SURVIVAL, group, row.time))
        elif row.quantity in ("median_os", "median_followup") and row.arm in labels:
            family = "follow-up" if group.reverse else "median"
            name = f"median {'follow-up ' if group.reverse else ''}of {who}"
            found.append(estimate_target(name, family, number, MEDIAN, group))
            if number.interval:
                error = (number.interval[1] - number.interval[0]) / INTERVAL_WIDTHS
                name = f"standard error of the {name}"
                found.append(_error(name, f"{family} interval", error, MEDIAN_ERROR, group))
        elif row.quantity == "logrank_p":
            pair = (Group(row.phase, "treated"), Group(row.phase, "control"))
            found.append(p_target(f"log-rank P, {row.phase} matching", "log-rank", number, LOG_RANK, pair))
    return found


def cox_fits(evidence: Evidence) -> list[tuple[CoxFit, list[CoxRow], CoxRow | None]]:
    """The Cox fits of the publication, each with its printed rows, and the row of the overall test.

    Rows of one variable are one univariable fit; all multivariable rows of a phase are one fit. Rows of other
    models repeat these in the running text and are left out.
    """
    rows: dict[tuple[str, str, str], list[CoxRow]] = {}
    overall: dict[tuple[str, str, str], CoxRow] = {}
    for row in evidence.cox:
        if row.model not in ("univariable", "multivariable") or row.phase not in evidence.phases:
            continue
        key = (row.model, row.phase, row.variable if row.model == "univariable" else "")
        if row.hazard_ratio is None:
            overall[key] = row
        elif row.hazard_ratio.interval is not None:
            rows.setdefault(key, []).append(row)
    return [
        (CoxFit(key[1], tuple(_term(evidence, row) for row in listed)), listed, overall.get(key))
        for key, listed in rows.items()
    ]


def _term(evidence: Evidence, row: CoxRow) -> Term:
    for name in evidence.names.cox:
        if (name.variable, name.level) == (row.variable, row.level) and row.hazard_ratio is not None:
            return Term(name.column, name.levels, math.log(row.hazard_ratio.value))
    raise InputError(
        f"{evidence.folder / 'evidence.toml'}: [[cox]] must say which patients the row '{row.variable}, {row.level}' of "
        "cox.csv means, but does not; add it."
    )


def _of_cox(evidence: Evidence) -> list[Target]:
    found = []
    for fit, rows, overall in cox_fits(evidence):
        for place, row in enumerate(rows):
            number = row.hazard_ratio
            if number is None or number.interval is None:
                continue
            name = f"{row.model} hazard ratio, {row.variable}: {row.level}"
            of = (fit, place)
            found.append(estimate_target(name, "hazard ratio", number, HAZARD_RATIO, of))
            error = math.log(number.interval[1] / number.interval[0]) / INTERVAL_WIDTHS
            of_error = f"standard error of the log {name}"
            found.append(_error(of_error, "hazard ratio interval", error, LOG_RATIO_ERROR, of))
            if row.p is not None:
                found.append(p_target(f"P of the {name}", "hazard ratio P", row.p, WALD, of))
        if overall is not None and overall.p is not None:
            name = f"P of {overall.model} {overall.variable}, overall"
            found.append(p_target(name, "hazard ratio P", overall.p, OVERALL, fit, len(fit.terms)))
    return found


def _of_subgroups(study: Study, evidence: Evidence) -> list[Target]:
    """Medians and log-rank tests of subgroups that a covariate marks."""
    found = []
    names = evidence.names.subgroups
    labels = study.treatment.labels
    if names.phase not in evidence.phases:
        return found
    tested = set()
    for row in evidence.subgroups:
        column = names.columns.get(row.subgroup)
        if column is None:
            continue
        who = f"{row.subgroup}, {labels[row.arm]}"
        group = Group(names.phase, row.arm, column)
        found.append(estimate_target(f"median of {who}", "subgroup median", row.median, MEDIAN, group))
        if column not in tested:
            tested.add(column)
            pair = (Group(names.phase, "treated", column), Group(names.phase, "control", column))
            found.append(p_target(f"log-rank P, {row.subgroup}", "subgroup log-rank", row.p, LOG_RANK, pair))
    return found
