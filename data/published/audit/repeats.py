"""The same number printed in two places, and statements that no row supports."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from data.published.audit.causes import cox_cause
from data.published.audit.cox import is_treatment
from data.published.audit.finding import Finding, interval_words, verdict
from data.published.evidence import Evidence
from data.published.evidence_rows import CoxRow
from data.published.printed import Printed
from data.study.study import Study

REPEATS, CLAIMS = "repeats", "claims"


def check_repeats(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Cox rows that the running text repeats."""
    groups: dict[tuple[str, ...], list[CoxRow]] = defaultdict(list)
    for row in evidence.cox:
        if row.hazard_ratio is not None:
            groups[row.model.removesuffix("_text"), row.phase, row.variable, row.level].append(row)
    for (model, phase, variable, level), rows in groups.items():
        ratios = [row.hazard_ratio for row in rows if row.hazard_ratio is not None]
        if len(ratios) < 2:
            continue
        prints = list(dict.fromkeys(interval_words(ratio) for ratio in ratios))
        same = all(_agree(one, other) for one, other in combinations(ratios, 2))
        yield verdict(
            (REPEATS, model, phase, variable, level),
            same,
            "high" if is_treatment(evidence, rows[0]) else "medium",
            f"{model} hazard ratio of {variable} ({level})",
            "; ".join(f"{ratio.place}: {interval_words(ratio)}" for ratio in ratios),
            "the same" if same else f"{len(prints)} different values",
            "Table and text print the same hazard ratio.",
            f"The {model} hazard ratio of {variable} is printed with different values: {' and '.join(prints)}.",
            cause=cox_cause(rows[0]),
        )


def _agree(one: Printed, other: Printed) -> bool:
    """Whether two prints, perhaps with different decimals, can be of one estimate and its interval."""
    pairs = [(one, other)]
    if one.interval is not None and other.interval is not None:
        pairs += list(zip(_ends(one), _ends(other), strict=True))
    return all(first.agrees_with(second) for first, second in pairs)


def _ends(number: Printed) -> tuple[Printed, Printed]:
    assert number.interval is not None  # asked only of those that have one
    lower, upper = (
        Printed(f"{end:.{digits}f}", end, digits)
        for end, digits in zip(number.interval, number.decimals_of_ends, strict=True)
    )
    return lower, upper


def check_claims(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Statements of the text against the rows that would support them."""
    for one in evidence.claims:
        rows = [
            row
            for row in evidence.cox
            if (row.model, row.variable, row.level) == (one.model, one.variable, one.level)
            and row.p is not None
        ]
        alone = [
            row.p.text
            for row in evidence.cox
            if row.model == "univariable"
            and (row.variable, row.level) == (one.variable, one.level)
            and row.p is not None
        ]
        supported = any(row.p.value < 0.05 for row in rows if row.p is not None)
        hint = f"; univariable P {alone[0]}" if alone else ""
        found = f"{one.model} P {rows[0].p.text}" if rows and rows[0].p else f"no {one.model} row"
        yield verdict(
            (CLAIMS, one.id, one.variable),
            supported,
            "medium",
            f"{one.variable}: {one.place or 'text'}",
            one.claim,
            found + hint,
            "A printed row supports the statement.",
            f"The text says that {one.claim}, but no {one.model} row of {one.variable} is printed{hint}."
            if not rows
            else f"The text says that {one.claim}, but the printed {one.model} P value is {found.split()[-1]}.",
            kind="contradiction" if rows else "not_reported",
        )
