"""Numbers cited from other publications: can they be, given their patients, intervals and groups."""

import re
from collections.abc import Iterator

from scipy.stats import norm

from data.published.audit.contingency import fisher
from data.published.audit.finding import Finding, Severity, identifier, p_words
from data.published.audit.granularity import attainable, splits
from data.published.audit.hazards import NORMAL_95
from data.published.cited import ReviewItem
from data.published.evidence import Evidence
from data.published.printed import NUMBER, Printed, printed
from data.study.study import Study

FAMILY = "review"
# Probabilities at a time come from curves, not from counts: their percentages need not be of whole patients.
AT_A_TIME = re.compile(r"\byears?\b|\d-(?:year|month)|\bcontrol\b", re.IGNORECASE)
SURVIVAL = re.compile(r"\b(?:OS|PFS|IDFS|DFS|survival)\b")
ASTRAY = 10.0
"""Medians of overlapping groups of one study that differ by more than this factor are a slip of the decimal point."""

type Judgement = tuple[ReviewItem, Severity, str, str, str]


def check_review(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Every cited number against its number of patients, its interval and its group."""
    for check, (item, severity, printed_as, follows, said) in _judged(evidence):
        yield Finding(
            identifier(FAMILY, item.id, check),
            FAMILY,
            severity,
            f"{item.id}: {item.study}, {item.endpoint}",
            printed_as,
            follows,
            said,
            kind="citation",
        )


def recomputed_items(evidence: Evidence) -> set[str]:
    """Identifiers of the cited numbers that a computation has judged."""
    return {judgement[0].id for _, judgement in _judged(evidence)}


def cited_value(item: ReviewItem) -> str:
    """What is cited, in one line."""
    size = f", n = {item.size}" if item.size else ""
    other = f" against {item.comparator_value}" if item.comparator_value else ""
    return f"{item.value}{other} {item.unit}{size}".strip()


def number_of(text: str) -> Printed | None:
    """The number in a cell, or None where it holds something else."""
    return printed(text) if NUMBER.fullmatch(text.strip()) else None


def _judged(evidence: Evidence) -> Iterator[tuple[str, Judgement]]:
    checks = {
        "outlier": _outliers,
        "percentage": _percentages,
        "groups": _two_groups,
        "interval": _intervals,
        "part": _parts,
    }
    for name, check in checks.items():
        for judgement in check(evidence.review):
            yield name, judgement


def _size(item: ReviewItem) -> int | None:
    return int(item.size) if re.fullmatch(r"\d+", item.size.strip()) else None


def _outliers(review: tuple[ReviewItem, ...]) -> Iterator[Judgement]:
    """Medians of groups of one study, of which one is many times another."""
    for item in review:
        value = number_of(item.value)
        if value is None or "median" not in item.endpoint:
            continue
        for other in review:
            beside = number_of(other.value)
            if (
                beside is not None
                and other is not item
                and (other.source, other.study, other.endpoint, other.unit)
                == (item.source, item.study, item.endpoint, item.unit)
                and beside.value > 0
                and value.value / beside.value > ASTRAY
            ):
                years = f", {value.value / 12:.0f} years" if item.unit == "months" else ""
                yield (
                    item,
                    "medium",
                    f"{item.value} {item.unit} ({item.population})",
                    f"{other.value} {other.unit} in {other.population}; {value.value / 10:g} with a decimal point",
                    f"{item.study}: a median of {item.value} {item.unit}{years}, is impossible beside {other.value} in "
                    f"{other.population}; a decimal point is probably missing.",
                )
                break


def _percentages(review: tuple[ReviewItem, ...]) -> Iterator[Judgement]:
    """Percentages of one group of known size; counts of patients against it."""
    for item in review:
        size, value = _size(item), number_of(item.value)
        if size is None or value is None:
            continue
        if re.fullmatch(r"patients of \d+", item.unit):
            whole = int(item.unit.split()[-1])
            fits = value.value <= whole == size
            yield (
                item,
                "consistent" if fits else "medium",
                cited_value(item),
                f"at most {size}",
                "The number of patients is within its group."
                if fits
                else f"{item.study}: {item.value} of {whole} does not fit a group of {size}.",
            )
        elif item.unit == "percent" and not item.comparator_value and not _at_a_time(item.endpoint):
            counts = attainable(value, size)
            near = [other for other in range(max(1, size - 12), size) if attainable(value, other)]
            other = f"; the nearest smaller group that gives it is {near[-1]}" if near else ""
            yield (
                item,
                "consistent" if counts else "low",
                cited_value(item),
                f"{', '.join(f'{one}/{size}' for one in counts)}" if counts else f"no count of {size}{other}",
                "The percentage is that of a whole number of patients."
                if counts
                else f"{item.study}: {item.value} % is of no whole number of {size} patients, so not all of them were counted.",
            )


def _at_a_time(endpoint: str) -> bool:
    return bool(AT_A_TIME.search(endpoint) or SURVIVAL.search(endpoint))


def _two_groups(review: tuple[ReviewItem, ...]) -> Iterator[Judgement]:
    """Percentages of two groups that together have the printed size."""
    for item in review:
        size, value, other = _size(item), number_of(item.value), number_of(item.comparator_value)
        if (
            size is None
            or value is None
            or other is None
            or item.unit != "percent"
            or _at_a_time(item.endpoint)
        ):
            continue
        found = list(splits(value, other, size))
        if not found:
            fewer = next(
                (n for n in range(size - 1, 1, -1) if any(True for _ in splits(value, other, n))), None
            )
            near = (
                ""
                if fewer is None
                else f"; {next(iter(splits(value, other, fewer)))} would be {fewer} patients"
            )
            yield (
                item,
                "medium",
                cited_value(item),
                f"no two groups of {size} patients in all{near}",
                f"{item.study}: {item.value} % and {item.comparator_value} % cannot both be of groups that add up to {size} "
                "patients.",
            )
            continue
        fold = re.search(r"(\d+(?:\.\d+)?)-fold", item.note)
        only = found[0] if len(found) == 1 else None
        if fold and only and only.odds_ratio and only.risk_ratio:
            claim = printed(fold[1])
            is_odds = claim.holds(only.odds_ratio) and not claim.holds(only.risk_ratio)
            neither = not claim.holds(only.odds_ratio) and not claim.holds(only.risk_ratio)
            p = fisher(only.table)
            yield (
                item,
                "medium" if is_odds or neither else "consistent",
                f"{cited_value(item)}; {fold[0]}" + (f"; P {item.p}" if item.p else ""),
                f"{only}: risk ratio {only.risk_ratio:.1f}, odds ratio {only.odds_ratio:.1f}"
                + ("" if p is None else f", Fisher's exact P {p_words(p)}"),
                f"{item.study}: the printed {fold[0]} increase is an odds ratio; the risk is {only.risk_ratio:.1f} times as high "
                f"({only})."
                if is_odds
                else f"{item.study}: the printed {fold[0]} increase is neither the risk ratio nor the odds ratio of {only}."
                if neither
                else "The printed ratio follows from the percentages.",
            )
        else:
            yield (
                item,
                "consistent",
                cited_value(item),
                "; ".join(map(str, found[:3])),
                "Whole numbers of patients give both percentages.",
            )


def _intervals(review: tuple[ReviewItem, ...]) -> Iterator[Judgement]:
    """Differences of two percentages: the interval that their P value implies; ranges against their ends."""
    for item in review:
        lower, upper, p = number_of(item.lower), number_of(item.upper), number_of(item.p)
        value, other = number_of(item.value), number_of(item.comparator_value)
        ends = re.fullmatch(r"(\d+(?:\.\d+)?)[-–](\d+(?:\.\d+)?)", item.value.strip())
        if ends and lower and upper:
            fits = (float(ends[1]), float(ends[2])) == (lower.value, upper.value)
            if not fits:
                yield (
                    item,
                    "low",
                    item.value,
                    f"{item.lower} to {item.upper}",
                    f"{item.id}: the range is printed in two ways.",
                )
        elif lower and upper and value and not lower.value <= value.value <= upper.value:
            yield (
                item,
                "medium",
                f"{cited_value(item)} ({item.lower}–{item.upper})",
                "outside its interval",
                f"{item.study}: the estimate lies outside its interval.",
            )
        elif lower and upper and value and other and p and 0 < p.value < 1 and item.unit == "percent":
            apart = value.value - other.value
            reach = NORMAL_95 * abs(apart) / float(norm.isf(p.value / 2))
            claimed = "CI" in item.note and "excludes 0" in item.note
            clash = claimed and p.value > 0.05
            yield (
                item,
                "medium" if clash else "consistent",
                f"{cited_value(item)}; P {item.p}"
                + ("; interval of the difference excludes 0" if claimed else ""),
                f"difference {apart:.2f}; with that P its interval is {apart - reach:.2f} to {apart + reach:.2f}",
                f"{item.study}: the interval of the difference is printed without 0, but P = {item.p} means that it includes 0; "
                "a minus sign is probably missing."
                if clash
                else "Interval and P value of the difference agree.",
            )


def _parts(review: tuple[ReviewItem, ...]) -> Iterator[Judgement]:
    """A part of a group, written "95 (45 T-DM1)", is no larger than the group."""
    for item in review:
        found = re.fullmatch(r"(\d+) \((\d+) .*\)", item.size.strip())
        if found and int(found[2]) > int(found[1]):
            yield (
                item,
                "medium",
                item.size,
                f"at most {found[1]}",
                f"{item.study}: a part of {found[2]} patients is larger than the whole of {found[1]}.",
            )
