"""The published numbers of a study, typed: what is printed, how finely, and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from data.errors import InputError
from data.published.cited import Claim, ReviewItem, Trial, read_claim, read_review, read_trial
from data.published.curve_tables import read_curves
from data.published.evidence_names import EvidenceNames, read_evidence_names
from data.published.evidence_rows import (
    PHASES,
    CoxRow,
    Fact,
    LevelCount,
    Mean,
    SubgroupMedian,
    SurvivalNumber,
    read_count,
    read_cox,
    read_mean,
    read_subgroup,
    read_survival,
)
from data.published.evidence_tables import NAMES_FILE, EvidenceProblems, EvidenceTables
from data.published.printed import Printed
from data.published.published_curves import PublishedCurve
from data.study.study import Study

ARMS = ("treated", "control")


@dataclass(frozen=True, eq=False)
class Evidence:
    """Every number that a study's publication prints.

    Attributes
    ----------
    study, folder : str, Path
        Whose, and where the tables are.
    names : EvidenceNames
        What the tables' labels mean in the study.
    counts, survival, facts, cox, subgroups, review, trials : tuple
        Rows of the tables, in their order.
    checksums : mapping of str to str
        sha256 of every file read.
    claims : tuple
        What the publication says in words, where a table of it is there.
    unread : tuple of str
        Rows that could not be read, with what is wrong with them; empty but for an audit of the others.
    means : tuple of Mean
        Printed means, where a table of them is there.
    curves : tuple of PublishedCurve
        Digitised Kaplan-Meier curves, one for each curve and arm, with their numbers at risk and censor marks.
    """

    study: str
    folder: Path
    names: EvidenceNames
    counts: tuple[LevelCount, ...]
    survival: tuple[SurvivalNumber, ...]
    facts: tuple[Fact, ...]
    cox: tuple[CoxRow, ...]
    subgroups: tuple[SubgroupMedian, ...]
    review: tuple[ReviewItem, ...]
    trials: tuple[Trial, ...]
    checksums: Mapping[str, str]
    claims: tuple[Claim, ...] = ()
    unread: tuple[str, ...] = ()
    means: tuple[Mean, ...] = ()
    curves: tuple[PublishedCurve, ...] = ()

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases of which sizes are printed: "before", and "after" where the study matched."""
        return tuple(phase for phase in PHASES if self.arms(phase))

    def arms(self, phase: str) -> tuple[str, ...]:
        """The arms of which sizes are printed: one of them where the publication has one arm only."""
        return tuple(arm for arm in ARMS if self._size(arm, phase) is not None)

    @property
    def subgroup_medians(self) -> dict[tuple[str, str], float]:
        """Printed medians of those who have what a 0/1 covariate marks, by "column=1" and arm."""
        columns = self.names.subgroups.columns
        return {
            (f"{columns[row.subgroup]}=1", row.arm): row.median.value
            for row in self.subgroups
            if row.subgroup in columns
        }

    @property
    def group_medians(self) -> dict[str, dict[str, float]]:
        """Printed medians of groups of the treated that no covariate marks, by analysis and group."""
        found: dict[str, dict[str, float]] = {}
        for row in self.subgroups:
            if row.arm == "treated" and row.subgroup not in self.names.subgroups.columns:
                found.setdefault(row.analysis, {})[row.subgroup] = row.median.value
        return found

    def find(self, arm: str, phase: str, quantity: str) -> Printed | None:
        """The number of the survival text, or None where it is not printed."""
        for row in self.survival:
            if (row.arm, row.phase, row.quantity) == (arm, phase, quantity):
                return row.number
        return None

    def size(self, arm: str, phase: str) -> int:
        """Number of patients of an arm ("" for both), as the text has it, else the number at risk at time 0."""
        found = self._size(arm, phase)
        if found is None:
            raise InputError(_no_size(self, arm, phase))
        return found

    def patients(self, phase: str) -> int:
        """Number of patients of all arms together."""
        return sum(self.size(arm, phase) for arm in self.arms(phase))

    def _size(self, arm: str, phase: str) -> int | None:
        printed = self.find(arm, phase, "n")
        if printed is not None:
            return int(printed.value)
        if not arm:
            return self.patients(phase) or None
        at_zero = (
            int(curve.at_risk[0])
            for curve in self.curves
            if (curve.arm, curve.phase, curve.subgroup) == (arm, phase, "") and 0 in curve.at_risk_time[:1]
        )
        return next(at_zero, None)


def load_evidence(study: Study, *, readable: bool = False) -> Evidence:
    """The published numbers of a study.

    Parameters
    ----------
    study : Study
        Its folder holds ``evidence/evidence.toml`` and the tables that it lists.
    readable : bool
        Take the rows that can be read, and name the others in `unread`; a missing number of patients is still refused.

    Raises
    ------
    InputError
        If a table is missing, changed, not listed, or holds what cannot be read: all such problems together, with file,
        row and column.
    """
    folder = study.folder / "evidence"
    if not folder.is_dir():
        raise InputError(
            f"{study.file}: [cohort] source = '{study.cohort.source}': published numbers must lie in {folder}, but there is "
            "no such folder; add evidence/evidence.toml and the tables it lists, or analyse patients with source = 'file'."
        )
    file = folder / NAMES_FILE
    names = read_evidence_names(file)
    problems = EvidenceProblems(folder)
    _check_columns(names, study, problems)
    tables = EvidenceTables(folder, names, problems)
    survival = tables.each("survival.csv", lambda cells: read_survival(cells, names, study.time_unit))
    evidence = Evidence(
        study=study.name,
        folder=folder,
        names=names,
        counts=tables.each("baseline.csv", lambda cells: read_count(cells, names)),
        survival=tuple(one for one in survival if isinstance(one, SurvivalNumber)),
        facts=tuple(one for one in survival if isinstance(one, Fact)),
        cox=tables.each("cox.csv", read_cox),
        subgroups=tables.each("subgroups.csv", lambda cells: read_subgroup(cells, names, study.time_unit)),
        review=tables.each("review_evidence.csv", read_review),
        trials=tables.each("trials.csv", read_trial),
        checksums={NAMES_FILE: sha256(file.read_bytes()).hexdigest(), **tables.checksums},
        claims=tables.each("claims.csv", read_claim),
        means=tables.each("means.csv", lambda cells: read_mean(cells, names)),
        curves=read_curves(tables, names, study),
        unread=tuple(problems.unread),
    )
    if readable or not problems.lines:  # else a size may be missing because its row could not be read
        _check_sizes(evidence, problems)
    if not readable or set(problems.lines) - set(problems.unread):
        problems.raise_if_any()
    return evidence


def _check_columns(names: EvidenceNames, study: Study, problems: EvidenceProblems) -> None:
    """Note names of covariates that the study does not have."""
    used = {*names.columns(), *names.subgroups.columns.values(), *names.constraints.at_least_one}
    used |= {term.column for term in names.cox} - {"treatment"}
    used |= {one for group in names.timing.unknown.values() for one in group}
    used |= {one for rule in names.constraints.requires for one in (rule.column, rule.given)}
    unknown = sorted(used - set(study.covariates))
    if unknown:
        problems.add(
            f"{problems.folder / NAMES_FILE}: columns must be covariates of {study.file.name}, but found "
            f"{', '.join(unknown)}; declare them in [covariates], or correct the names."
        )


def _check_sizes(evidence: Evidence, problems: EvidenceProblems) -> None:
    """Note phases of which numbers are printed, but not how many patients each arm has."""
    rows = (*evidence.counts, *evidence.survival, *evidence.curves)
    for phase in PHASES:
        printed = {row.arm for row in rows if row.phase == phase}
        of_arms = printed & set(ARMS)
        for arm in ARMS if printed and (not of_arms or "contrast" in printed) else sorted(of_arms):
            if arm not in evidence.arms(phase):
                problems.add(_no_size(evidence, arm, phase))
    if not rows:
        problems.add(
            f"{evidence.folder}: must hold numbers of survival or curves, but no table of them has a row; fill in survival.csv or "
            "curves.csv."
        )


def _no_size(evidence: Evidence, arm: str, phase: str) -> str:
    beside = ", or at_risk.csv the number at risk at time 0" if evidence.curves else ""
    return (
        f"{evidence.folder / 'survival.csv'}: must give n of {arm or 'all'} {phase} matching{beside}, but it is missing; "
        "add it."
    )
