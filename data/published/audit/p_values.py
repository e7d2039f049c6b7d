"""Which test gives the printed P values of Table 1, and would another test have said something else."""

from collections.abc import Iterator
from dataclasses import dataclass

from data.published.audit.causes import counts_fit, table_cause
from data.published.audit.contingency import bowker_range, fisher, mcnemar_exact, pearson
from data.published.audit.finding import Finding, Kind, identifier, listed, p_words, phase_words
from data.published.audit.margins import Margin, margins
from data.published.evidence import Evidence
from data.published.printed import Printed
from data.study.study import Study

FAMILY = "p_values"
LEVEL = 0.05
UNPAIRED = {
    "pearson": "Pearson's chi-squared test without correction",
    "yates": "Pearson's chi-squared test with Yates's correction",
    "fisher": "Fisher's exact test",
}
PAIRED = "a paired test (exact McNemar, McNemar-Bowker)"


@dataclass(frozen=True)
class Recomputed:
    """The P values that a variable could have had."""

    margin: Margin
    printed: Printed
    unpaired: dict[str, float]  # by test
    # lowest and highest P of the paired test; None where the arms are not pairs
    paired: tuple[float, float] | None
    # discordant pairs with which the exact McNemar test prints the published P; empty for more than two levels
    discordant: tuple[int, ...]

    def reproduced(self, test: str) -> bool:
        """Whether a test gives, or for the paired one can give, the printed P value."""
        if test != "paired":
            return test in self.unpaired and self.printed.holds(self.unpaired[test])
        if self.paired is None:
            return False
        if len(self.margin.levels) == 2:
            return bool(self.discordant)
        return self.printed.meets(*self.paired)


def _recompute(margin: Margin, printed: Printed, *, paired: bool) -> Recomputed:
    """Every P value that the counts of a variable could give, beside the printed one; `paired` if the arms are matched pairs."""
    unpaired = {"pearson": pearson(margin.table), "yates": pearson(margin.table, corrected=True)}
    exact = fisher(margin.table)
    if exact is not None:
        unpaired["fisher"] = exact
    if len(margin.levels) > 2:
        del unpaired["yates"]  # it is for two by two only
    if not paired or sum(margin.treated) != sum(margin.control):
        return Recomputed(margin, printed, unpaired, None, ())
    if len(margin.levels) > 2:
        return Recomputed(margin, printed, unpaired, bowker_range(margin.treated, margin.control), ())
    possible = mcnemar_exact(margin.treated[0], margin.control[0], sum(margin.treated))
    fitting = tuple(pairs for pairs, p in possible.items() if printed.holds(p))
    return Recomputed(margin, printed, unpaired, (min(possible.values()), max(possible.values())), fitting)


def check_p_values(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Every P of Table 1 under the tests that could have been used; the test of each column; what hangs on it."""
    found = margins(evidence)
    tests: dict[str, str] = {}
    for phase in evidence.phases:
        pairs = phase == "after" and evidence.size("treated", phase) == evidence.size("control", phase)
        rows = [
            _recompute(one, one.p, paired=pairs)
            for one in found
            if one.phase == phase and one.p is not None and not one.of_one_arm
        ]
        yield from (
            _of_one_arm(evidence, one) for one in found if one.phase == phase and one.p and one.of_one_arm
        )
        if not rows:
            continue
        counts = {
            test: sum(row.reproduced(test) for row in rows)
            for test in (*UNPAIRED, *(("paired",) if pairs else ()))
        }
        tests[phase] = max(counts, key=lambda test: counts[test])
        column = _column(evidence, phase, rows, counts, tests[phase])
        yield column
        for row in rows:
            yield _variable(evidence, row, tests[phase], column)
    if len(set(tests.values())) > 1:
        yield Finding(
            identifier(FAMILY, "two tests"),
            FAMILY,
            "medium",
            "P values of Table 1 before and after matching",
            "one column beside the other",
            f"before: {_name(tests['before'])}; after: {_name(tests['after'])}",
            "The two columns of P values come from different tests, so a larger P after matching does not by itself "
            "mean better balance.",
            kind="design",
        )


def _of_one_arm(evidence: Evidence, margin: Margin) -> Finding:
    where = f"{margin.name} {phase_words(evidence, margin.phase)}"
    return Finding(
        identifier(FAMILY, margin.name, margin.phase),
        FAMILY,
        "low",
        f"P for {where}",
        margin.p.text if margin.p else "",
        "no test: only one arm has it",
        f"A P value is printed for {where}, which only one arm has: there is nothing to compare.",
        kind="not_reported",
    )


def _name(test: str) -> str:
    return UNPAIRED.get(test, PAIRED)


def _column(
    evidence: Evidence, phase: str, rows: list[Recomputed], counts: dict[str, int], test: str
) -> Finding:
    number, whole = counts[test], len(rows)
    complete = number == whole
    # Where one test gives most of them, the others are findings of their own; where none does, the test is what is unknown.
    most = 2 * number > whole
    others = ", ".join(f"{_name(other)} {many}" for other, many in counts.items() if other != test)
    verb = "can all come from" if test == "paired" else "are all those of"
    return Finding(
        identifier(FAMILY, "column", phase),
        FAMILY,
        "consistent" if most else "medium",
        f"all P values of Table 1, {phase_words(evidence, phase)}",
        f"{whole} P values",
        f"{_name(test)} {number} of {whole}; {others}",
        f"The P values {phase_words(evidence, phase)} {verb} {_name(test)}."
        if complete
        else f"{_name(test)[:1].upper()}{_name(test)[1:]} gives most P values {phase_words(evidence, phase)}, {number} of {whole}."
        if most
        else f"No test in use gives most of the P values {phase_words(evidence, phase)}: the test is not one of these.",
        cause=identifier("cause", "test", phase),
    )


def _variable(evidence: Evidence, row: Recomputed, test: str, column: Finding) -> Finding:
    parts = [f"{name.capitalize()} {p_words(p)}" for name, p in row.unpaired.items()]
    if row.paired is not None:
        low, high = row.paired
        parts.append(f"paired {p_words(low)} to {p_words(high)}")
    if 0 < len(row.discordant) <= 3:
        parts.append(f"exact McNemar with {listed([str(one) for one in row.discordant])} discordant pairs")
    flips = [UNPAIRED[name] for name, p in row.unpaired.items() if (p < LEVEL) != _significant(row.printed)]
    where = f"{row.margin.name} {phase_words(evidence, row.margin.phase)}"
    name, phase = row.margin.name, row.margin.phase
    kind: Kind = "contradiction"
    cause = "" if counts_fit(evidence, name, phase) else table_cause(evidence, name, phase)
    if flips and any(map(row.reproduced, (*UNPAIRED, "paired"))):
        kind = "design"
        opposite = "no difference" if _significant(row.printed) else "a difference"
        severity = "medium"
        said = f"For {where} the conclusion hangs on the test: {listed(flips)} would have shown {opposite} at P < 0.05."
    elif row.reproduced(test):
        severity = "consistent"
        said = f"The P value for {where} is " + (
            f"one that {PAIRED} can give." if test == "paired" else f"that of {_name(test)}."
        )
    elif other := [_name(name) for name in (*UNPAIRED, "paired") if row.reproduced(name)]:
        severity = "low"
        said = f"The P value for {where} is that of {other[0]}, which is not the test of the other variables."
    else:
        cause = cause or (column.cause if column.severity != "consistent" else "")
        severity = "medium"
        said = f"No test in use gives the printed P value for {where} from the printed counts."
    return Finding(
        identifier(FAMILY, row.margin.name, row.margin.phase),
        FAMILY,
        severity,
        f"P for {where}",
        row.printed.text,
        "; ".join(parts),
        said,
        kind,
        cause,
    )


def _significant(p: Printed) -> bool:
    return p.value < LEVEL or (p.operator == "<" and p.value <= LEVEL)
