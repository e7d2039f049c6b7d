"""How far the arms differ in each variable, before and after matching, whatever the P value says."""

from collections.abc import Iterator

import numpy as np

from data.audit.finding import Finding, Severity, identifier
from data.audit.margins import Margin, margins
from data.evidence import Evidence
from data.study import Study

FAMILY = "balance"
BALANCED = 0.1
LARGE = 0.2


def standardised_differences(margin: Margin) -> dict[str, float]:
    """The standardised difference of the arms in the share of each level.

    It is (p1 - p0) / sqrt((p1 (1 - p1) + p0 (1 - p0)) / 2), p1 the share in the treated and p0 in the controls; it does not
    depend on the number of patients, which a P value does.

    References
    ----------
    Austin 2009, doi 10.1002/sim.3697.

    Examples
    --------
    >>> one = Margin("age", "before", ("young", "old"), (50, 50), (30, 70), (100, 100), None, True)
    >>> round(standardised_differences(one)["young"], 3)
    0.417
    """
    shares = margin.table / np.array(margin.sizes, float)[:, None]
    spread = np.sqrt((shares * (1 - shares)).mean(axis=0))
    apart = shares[0] - shares[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(apart == 0, 0.0, apart / spread)
    return dict(zip(margin.levels, map(float, ratio), strict=True))


def check_balance(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """The largest standardised difference of each variable after matching, beside the one before."""
    by_name: dict[str, dict[str, Margin]] = {}
    for one in margins(evidence):
        if min(one.sizes) > 0:
            by_name.setdefault(one.name, {})[one.phase] = one
    for name, phases in by_name.items():
        if "after" not in phases:
            continue
        after = standardised_differences(phases["after"])
        # Where several levels may apply, "none of it" says the same as the level.
        levels = list(after) if phases["after"].complete else list(after)[:1]
        level = max(levels, key=lambda one: abs(after[one]))
        named = f"{name} ({level})" if phases["after"].complete else name
        before = standardised_differences(phases["before"]).get(level) if "before" in phases else None
        worse = before is not None and abs(after[level]) > max(BALANCED, abs(before))
        counts = phases["after"]
        at = counts.levels.index(level)
        severity: Severity = (
            "consistent"
            if abs(after[level]) < BALANCED
            else "medium"
            if abs(after[level]) >= LARGE
            else "low"
        )
        grew = f", more than before matching ({before:+.2f})" if worse and before is not None else ""
        yield Finding(
            identifier(FAMILY, name),
            FAMILY,
            severity,
            f"balance of {named} after matching",
            f"{counts.treated[at]}/{counts.sizes[0]} against {counts.control[at]}/{counts.sizes[1]}",
            f"standardised difference {after[level]:+.2f}"
            + ("" if before is None else f", before {before:+.2f}"),
            f"The matched arms still differ in {named} by {abs(after[level]):.2f} standard deviations{grew}; "
            "below 0.1 is commonly called balanced."
            if severity != "consistent"
            else f"The matched arms are balanced in {name}.",
        )
