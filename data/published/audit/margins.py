"""Table 1 as tables of counts: one for each variable, or for each level where several may apply to one patient."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from data.published.evidence import Evidence
from data.published.evidence_rows import LevelCount
from data.published.printed import Printed


@dataclass(frozen=True)
class Margin:
    """The counts of one variable in both arms."""

    name: str  # variable, with the level where several may apply to one patient
    phase: str  # "before" or "after"
    levels: tuple[str, ...]  # columns of the table; a level and "none of it" where several may apply
    # patients by level
    treated: tuple[int, ...]
    control: tuple[int, ...]
    sizes: tuple[int, int]  # patients of the treated and the control arm, as Table 1 prints them
    p: Printed | None
    complete: bool  # whether the levels are exclusive, so that their counts must add up to the arm

    @property
    def of_one_arm(self) -> bool:
        """Whether only one arm has any of the levels, such as the technique of a treatment: nothing can be compared."""
        return (sum(self.treated) == 0) != (sum(self.control) == 0)

    @property
    def table(self) -> np.ndarray:
        """Counts, arm by level."""
        return np.array([self.treated, self.control])


def margins(evidence: Evidence) -> tuple[Margin, ...]:
    """All variables of Table 1 of which both arms are printed, in the order of the table."""
    cells: dict[tuple[str, str], dict[str, dict[str, LevelCount]]] = defaultdict(lambda: defaultdict(dict))
    for row in evidence.counts:
        if row.level != "n":
            name = f"{row.variable}: {row.level}" if row.multiple else row.variable
            cells[name, row.phase][row.level][row.arm] = row
    found = []
    for (name, phase), levels in cells.items():
        if any(set(arms) != {"treated", "control"} for arms in levels.values()):
            continue
        treated = [arms["treated"] for arms in levels.values()]
        control = [arms["control"] for arms in levels.values()]
        counts = [[one.count for one in treated], [one.count for one in control]]
        sizes, names = (treated[0].size, control[0].size), tuple(levels)
        multiple = treated[0].multiple
        if multiple:
            counts = [[*row, max(0, size - row[0])] for row, size in zip(counts, sizes, strict=True)]
            names = (*names, "none of it")
        p = next((one.p for one in [*treated, *control] if one.p), None)
        found.append(Margin(name, phase, names, tuple(counts[0]), tuple(counts[1]), sizes, p, not multiple))
    return tuple(found)


def patients_of(
    evidence: Evidence, column: str, levels: tuple[str, ...], phase: str, arm: str = ""
) -> int | None:
    """How many patients hold one of the levels of a covariate; None where Table 1 does not say.

    Parameters
    ----------
    evidence : Evidence
    column : str
        A covariate of the study, or "treatment".
    levels : tuple of str
    phase : str
    arm : str, optional
        Of one arm only; else of both.
    """
    if column == "treatment":
        return evidence.size("treated", phase) if "treated" in evidence.arms(phase) else None
    rows = [
        row
        for row in evidence.counts
        if row.column == column and row.phase == phase and row.value in levels and arm in ("", row.arm)
    ]
    return sum(row.count for row in rows) if rows else None
