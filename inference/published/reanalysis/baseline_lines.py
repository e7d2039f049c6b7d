"""Table 1 of a paper: counts and tests of the arms, before and after matching."""

from collections.abc import Iterator
from functools import cache

import numpy as np

from data.published.audit.contingency import fisher, pearson
from data.published.evidence import Evidence
from data.published.evidence_rows import LevelCount
from data.published.printed import Printed
from inference.published.reanalysis.lines import PHASE_WORDS, Line, PseudoPatients, arm_words

COUNTS, TESTS = "Table 1, counts", "Table 1, tests"


def baseline_lines(pseudo: PseudoPatients, evidence: Evidence) -> Iterator[Line]:
    """Yield the counts of Table 1, then its tests.

    Tests are of two unpaired arms, under every test that the paper may have used: Pearson's chi-square, that with Yates's
    correction for two levels, and Fisher's. Tests of pairs cannot be repeated: which pseudo-patients are a pair is not known.
    """
    for row in evidence.counts:
        if row.level == "n":
            continue
        counted = float(level_count(pseudo, row))
        yield Line(
            COUNTS,
            count_name(evidence, row),
            Printed(str(row.count), float(row.count), 0),
            counted,
            "pseudo-patients",
        )
    for (variable, phase), rows in variables_with_p(evidence).items():
        table = contingency(pseudo, rows)
        p = next((row.p for row in rows if row.p is not None), None)
        yield Line(TESTS, p_name(variable, phase, "chi-square"), p, pearson(table), "P")
        if table.shape[1] == 2:
            corrected = pearson(table, corrected=True)
            yield Line(TESTS, p_name(variable, phase, "chi-square with correction"), p, corrected, "P")
        exact = _fisher(tuple(map(tuple, table.tolist())))
        if exact is not None:
            yield Line(TESTS, p_name(variable, phase, "Fisher"), p, exact, "P")


def count_name(evidence: Evidence, row: LevelCount) -> str:
    """Return the name of the line of a count."""
    return f"{row.variable}, {row.level}, {arm_words(evidence, row.arm)} {PHASE_WORDS[row.phase]}"


def p_name(variable: str, phase: str, method: str) -> str:
    """Return the name of the line of a P value."""
    return f"{variable} {PHASE_WORDS[phase]}, P, {method}"


@cache
def _fisher(table: tuple[tuple[int, ...], ...]) -> float | None:
    """Return Fisher's P value, once for cohorts with the same counts: enumerating tables takes long."""
    return fisher(np.array(table))


def level_count(pseudo: PseudoPatients, row: LevelCount) -> int:
    """Return how many pseudo-patients of the row's arm and phase have its level."""
    column = pseudo.cohort.covariates[row.column].astype(str).to_numpy()
    return int((pseudo.inside(row.phase, row.arm) & (column == row.value)).sum())


def variables_with_p(evidence: Evidence) -> dict[tuple[str, str], list[LevelCount]]:
    """Return the rows of Table 1 that one P value is of, by variable (or level, where several may apply) and phase."""
    tested: dict[tuple[str, str], list[LevelCount]] = {}
    for row in evidence.counts:
        if row.level != "n":
            name = f"{row.variable}, {row.level}" if row.multiple else row.variable
            tested.setdefault((name, row.phase), []).append(row)
    return tested


def contingency(pseudo: PseudoPatients, rows: list[LevelCount]) -> np.ndarray:
    """Return the table of counts (2, level) of one variable; a level of several that may apply stands against its absence."""
    counts = np.array(
        [[level_count(pseudo, row) for row in rows if row.arm == arm] for arm in ("treated", "control")]
    )
    if not rows[0].multiple:
        return counts
    sizes = np.array([[pseudo.inside(rows[0].phase, arm).sum()] for arm in ("treated", "control")])
    return np.hstack([counts, sizes - counts])
