"""Table 1 as exact counts by stratum, arm x matched; what contradicts itself is refused before anything is drawn."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.errors import InputError
from data.published.evidence import Evidence
from data.study.cells import canonical
from data.study.study import Study

ARMS = ("control", "treated")


@dataclass(frozen=True, eq=False)
class Strata:
    """The strata of a study in a fixed order: by arm, those outside the matched set before those in it."""

    # (stratum,) bool: what the pseudo-patients of a stratum are
    treated: np.ndarray
    matched: np.ndarray
    sizes: np.ndarray  # (stratum,) int: how many they are
    counts: dict[str, np.ndarray]  # (stratum, level) int: by covariate, how many hold each level

    @property
    def of_patient(self) -> np.ndarray:
        """The stratum of every pseudo-patient, in the order in which they are listed."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)


def strata_of(study: Study, evidence: Evidence) -> Strata:
    """The counts of every stratum, "before" minus "after" outside the matched set.

    Raises
    ------
    InputError
        If counts are missing, do not add up, or are larger after matching than before; all problems together.
    """
    problems: list[str] = []
    phases = evidence.phases
    file = evidence.folder / "baseline.csv"
    if "before" not in phases:
        raise InputError(
            f"{evidence.folder / 'survival.csv'}: must give n of an arm before matching; add it."
        )
    printed = {
        (arm, phase): _level_counts(study, evidence, arm, phase, problems)
        for phase in phases
        for arm in evidence.arms(phase)
    }
    _refuse(problems, file)
    treated, matched, sizes, cells = [], [], [], []
    for arm in (one for one in ARMS if one in evidence.arms("before")):
        after = printed[arm, "after"] if arm in evidence.arms("after") else None
        size_after = evidence.size(arm, "after") if after is not None else 0
        size = evidence.size(arm, "before") - size_after
        if size < 0:
            problems.append(f"n of the {arm} is larger after matching ({size_after}) than before")
        outside = {
            column: counts - (after[column] if after else 0)
            for column, counts in printed[arm, "before"].items()
        }
        for column, counts in outside.items():
            for number in np.flatnonzero(counts < 0):
                problems.append(
                    f"{column}, {_levels(study, column)[number]}, {arm}: {after[column][number] if after else 0} after "
                    f"matching, but only {printed[arm, 'before'][column][number]} before"
                )
        for inside, number, counts in ((False, size, outside), (True, size_after, after)):
            if counts is not None and number > 0:
                treated.append(arm == "treated")
                matched.append(inside)
                sizes.append(number)
                cells.append(counts)
    _refuse(problems, file)
    strata = Strata(
        np.array(treated),
        np.array(matched),
        np.array(sizes),
        {column: np.array([counts[column] for counts in cells]) for column in study.covariates},
    )
    _check_constraints(study, evidence, strata, problems)
    _refuse(problems, file)
    return strata


def _level_counts(
    study: Study, evidence: Evidence, arm: str, phase: str, problems: list[str]
) -> dict[str, np.ndarray]:
    """The counts of every level of every covariate in one column of Table 1."""
    size = evidence.size(arm, phase)
    found: dict[str, np.ndarray] = {}
    for column in study.covariates:
        rows = [row for row in evidence.counts if (row.column, row.arm, row.phase) == (column, arm, phase)]
        levels = [canonical(level) for level in _levels(study, column)]
        counts = np.full(len(levels), -1)
        where = f"{column}, {arm}, {phase} matching"
        for row in rows:
            if row.size != size:
                problems.append(
                    f"{where}, {row.level}: n_arm must be {size} as in survival.csv, but found {row.size}"
                )
            if canonical(row.value) not in levels:
                problems.append(f"{where}: '{row.value}' must be a level of {study.file.name}, but is none")
            else:
                counts[levels.index(canonical(row.value))] = row.count
        if rows and rows[0].multiple and len(levels) == 2:
            counts[counts < 0] = size - counts.max()
        if (counts < 0).any():
            missing = [
                level for level, count in zip(_levels(study, column), counts, strict=True) if count < 0
            ]
            problems.append(
                f"{where}: must count every level, but finds none of {', '.join(missing) or 'them'}"
            )
        elif counts.sum() != size or (counts > size).any():
            problems.append(f"{where}: counts must add up to {size}, but add up to {counts.sum()}")
        found[column] = counts
    return found


def _levels(study: Study, column: str) -> tuple[str, ...]:
    levels = study.covariates[column].levels
    if levels is None:
        raise InputError(
            f"{study.file}: [covariates] {column} must have levels, since Table 1 counts patients by level; add "
            "levels, or leave the covariate out."
        )
    return levels


def level_number(study: Study, column: str, level: str) -> int:
    """Place of a level among those of a covariate; an unknown one is an InputError."""
    levels = [canonical(one) for one in _levels(study, column)]
    if canonical(level) not in levels:
        raise InputError(
            f"the names of the published tables: '{level}' must be a level of {column}, one of {', '.join(_levels(study, column))}; "
            "correct it."
        )
    return levels.index(canonical(level))


def _check_constraints(study: Study, evidence: Evidence, strata: Strata, problems: list[str]) -> None:
    """Note constraints that cannot hold with these counts."""
    constraints = evidence.names.constraints
    for number, size in enumerate(strata.sizes):
        arm = ARMS[int(strata.treated[number])]
        where = f"{arm}, {'in' if strata.matched[number] else 'outside'} the matched set"
        sites = constraints.at_least_one
        total = sum(strata.counts[name][number][level_number(study, name, "1")] for name in sites)
        if sites and total < size:
            problems.append(
                f"{where}: {size} have at least one of {', '.join(sites)}, but only {total} are counted"
            )
        for rule in constraints.requires:
            need = strata.counts[rule.column][number][level_number(study, rule.column, rule.level)]
            have = strata.counts[rule.given][number][level_number(study, rule.given, rule.given_level)]
            if need > have:
                problems.append(
                    f"{where}: {need} are {rule.column} {rule.level}, but only {have} are {rule.given} {rule.given_level}, "
                    "which that requires"
                )


def _refuse(problems: list[str], file: Path) -> None:
    if problems:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        raise InputError(f"{file}: no cohort can have these counts; correct the rows:{listed}")
