"""The published numbers of a study, typed: what is printed, how finely, and where it stands."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from data.claims import Claim, read_claim
from data.errors import InputError
from data.evidence_names import EvidenceNames, read_evidence_names
from data.evidence_rows import (
    PHASES,
    CoxRow,
    Fact,
    LevelCount,
    ReviewItem,
    SubgroupMedian,
    SurvivalNumber,
    Trial,
    read_count,
    read_cox,
    read_review,
    read_subgroup,
    read_survival,
    read_trial,
)
from data.files import decode, read_bytes
from data.printed import Printed
from data.study import Study


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

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases of which sizes are printed: "before", and "after" where the study matched."""
        return tuple(phase for phase in PHASES if self.find("treated", phase, "n"))

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
        """Number of patients of an arm ("" for both)."""
        found = self.find(arm, phase, "n")
        if found is None:
            raise InputError(
                f"{self.folder / 'survival.csv'}: must give n of {arm or 'all'} {phase} matching, but it is "
                "missing; add it."
            )
        return int(found.value)

    def review_item(self, identifier: str) -> ReviewItem:
        """The cited number with an identifier such as "E075"."""
        for item in self.review:
            if item.id == identifier:
                return item
        raise InputError(
            f"{self.folder / 'review_evidence.csv'}: must hold {identifier}, but it is missing; restore the row."
        )


def load_evidence(study: Study) -> Evidence:
    """The published numbers of a study.

    Parameters
    ----------
    study : Study
        Its folder holds ``evidence/evidence.toml`` and the tables that it lists.

    Returns
    -------
    Evidence

    Raises
    ------
    InputError
        If a table is missing, changed, or holds what cannot be read: file, row and column are named.
    """
    folder = study.folder / "evidence"
    if not folder.is_dir():
        raise InputError(
            f"{study.file}: [cohort] source = '{study.cohort.source}': published numbers must lie in {folder}, but there is "
            "no such folder; add evidence/evidence.toml and the tables it lists, or analyse patients with source = 'file'."
        )
    names = read_evidence_names(folder / "evidence.toml")
    _check_columns(names, study, folder)
    checksums = {"evidence.toml": sha256((folder / "evidence.toml").read_bytes()).hexdigest()}
    rows: dict[str, list[dict[str, str]]] = {}
    for name in ("baseline.csv", "survival.csv"):
        if name not in names.sha256:
            raise InputError(f"{folder / 'evidence.toml'}: [sha256] must list {name}; add it.")
    for name, expected in names.sha256.items():
        content = read_bytes(folder / name, f"{folder / 'evidence.toml'}: [sha256] {name}: ")
        checksums[name] = sha256(content).hexdigest()
        if expected and checksums[name] != expected:
            raise InputError(
                f"{folder / name}: must have the checksum that evidence.toml gives ({expected[:12]}...), but the file "
                f"has {checksums[name][:12]}...: a number was changed; restore the file, or put the new "
                "checksum there if the change is meant."
            )
        rows[name] = _rows(content, folder / name)
    survival_numbers, facts = [], []
    for place, row in _placed(rows, "survival.csv", folder):
        with place:
            number = read_survival(row, names)
            if number is None:
                text = " to ".join(one for one in (row["value"], row["lower"], row["upper"]) if one)
                facts.append(Fact(row["quantity"], text, row["section"]))
            else:
                survival_numbers.append(number)
    return Evidence(
        study=study.name,
        folder=folder,
        names=names,
        counts=_each(rows, "baseline.csv", folder, lambda row: read_count(row, names)),
        survival=tuple(survival_numbers),
        facts=tuple(facts),
        cox=_each(rows, "cox.csv", folder, read_cox),
        subgroups=_each(rows, "subgroups.csv", folder, lambda row: read_subgroup(row, names)),
        review=_each(rows, "review_evidence.csv", folder, read_review),
        trials=_each(rows, "trials.csv", folder, read_trial),
        checksums=checksums,
        claims=_each(rows, "claims.csv", folder, read_claim),
    )


class _Place:
    """Names file and row in the message of whatever goes wrong inside."""

    def __init__(self, file: Path, row: int) -> None:
        self.file, self.row = file, row

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, KeyError):
            raise InputError(
                f"{self.file}: must have a column {error.args[0]}, but it is missing; restore it."
            ) from error
        if isinstance(error, ValueError) and not isinstance(error, InputError):
            raise InputError(f"{self.file}, row {self.row}: {error}; correct it.") from error


def _placed(
    rows: Mapping[str, list[dict[str, str]]], name: str, folder: Path
) -> Iterator[tuple[_Place, dict[str, str]]]:
    for number, row in enumerate(rows.get(name, []), start=2):
        yield _Place(folder / name, number), row


def _each[T](
    rows: Mapping[str, list[dict[str, str]]], name: str, folder: Path, read: Callable[[dict[str, str]], T]
) -> tuple[T, ...]:
    found = []
    for place, row in _placed(rows, name, folder):
        with place:
            found.append(read(row))
    return tuple(found)


def _rows(content: bytes, file: Path) -> list[dict[str, str]]:
    """Return the rows of a csv; a row with too few or too many cells is refused."""
    reader = csv.DictReader(io.StringIO(decode(content, str(file))), restkey="", restval=None, strict=True)
    rows = []
    try:
        for number, row in enumerate(reader, start=2):
            if "" in row or None in row.values():
                raise InputError(
                    f"{file}, row {number}: must have {len(reader.fieldnames or ())} cells, but has another number; "
                    "correct it."
                )
            rows.append(row)
    except csv.Error as error:
        raise InputError(f"{file}: must be a comma-separated table, but: {error}.") from error
    if not rows:
        raise InputError(f"{file}: must hold rows, but found none; restore the file.")
    return rows


def _check_columns(names: EvidenceNames, study: Study, folder: Path) -> None:
    """Refuse names of covariates that the study does not have."""
    used = {*names.columns(), *names.subgroups.columns.values(), *names.constraints.at_least_one}
    used |= {term.column for term in names.cox} - {"treatment"}
    used |= {one for rule in names.constraints.requires for one in (rule.column, rule.given)}
    unknown = sorted(used - set(study.covariates))
    if unknown:
        raise InputError(
            f"{folder / 'evidence.toml'}: columns must be covariates of {study.file.name}, but found "
            f"{', '.join(unknown)}; declare them in [covariates], or correct the names."
        )
