"""The tables of an ``evidence/`` folder: which are there, whether one was changed, and their rows; all problems together."""

import csv
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from data.errors import InputError
from data.files import decode, read_bytes
from data.published.evidence_cells import MissingColumnsError, RowCells
from data.published.evidence_names import EvidenceNames

SIZES = ("survival.csv", "curves.csv")
"""Tables that say how many patients there are: one of them is needed."""
KNOWN = (
    "baseline.csv",
    *SIZES,
    "at_risk.csv",
    "censor_marks.csv",
    "means.csv",
    "cox.csv",
    "subgroups.csv",
    "claims.csv",
    "review_evidence.csv",
    "trials.csv",
)
NAMES_FILE = "evidence.toml"
TABLES = (".csv", ".tsv", ".txt", ".xls", ".xlsx", ".ods", ".parquet", ".json")
"""Endings of files that may hold numbers: one that is not listed would be ignored without a word."""


def is_comment(line: str) -> bool:
    """Whether a line of a table begins with #: it is left out."""
    return line.startswith("#")


class EvidenceProblems:
    """What is wrong with the published numbers of a study, collected before anything is raised.

    Parameters
    ----------
    folder : Path
        Where the tables lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.unread: list[str] = []

    def add(self, line: str) -> None:
        """Note a problem; the line names file and place."""
        self.lines.append(line)

    def add_unread(self, line: str) -> None:
        """Note a row that cannot be read, without which the others can still be checked."""
        self.add(line)
        self.unread.append(line)

    def raise_if_any(self) -> None:
        """Raise one InputError that lists everything noted so far."""
        if len(self.lines) == 1:
            raise InputError(self.lines[0])
        if self.lines:
            listed = "".join(f"\n  - {line}" for line in self.lines)
            raise InputError(f"{self.folder}: {len(self.lines)} problems in the published numbers:{listed}")


class EvidenceTables:
    """The rows of the tables that ``evidence.toml`` lists.

    Attributes
    ----------
    checksums : dict of str to str
        sha256 of every file read.

    Parameters
    ----------
    folder : Path
    names : EvidenceNames
    problems : EvidenceProblems
        Takes what is wrong: a table that is not listed, not known, missing, changed or no table.
    """

    def __init__(self, folder: Path, names: EvidenceNames, problems: EvidenceProblems) -> None:
        self.folder, self.problems = folder, problems
        self.checksums: dict[str, str] = {}
        self._rows: dict[str, list[tuple[int, dict[str, str]]]] = {}
        self._check_lists(names)
        for name, expected in names.sha256.items():
            try:
                self._read(name, expected)
            except InputError as error:
                problems.add(str(error))

    def _check_lists(self, names: EvidenceNames) -> None:
        listed, file = set(names.sha256), self.folder / NAMES_FILE
        if not listed & set(SIZES):
            self.problems.add(f"{file}: [sha256] must list {' or '.join(SIZES)}; add the table.")
        for name in sorted(listed - set(KNOWN)):
            self.problems.add(
                f"{file}: [sha256] must list tables that are read ({', '.join(KNOWN)}), but found {name}; rename or remove it."
            )
        there = {
            one.name
            for one in self.folder.iterdir()
            if one.is_file() and one.suffix.lower() in TABLES and not one.name.startswith((".", "~"))
        }
        for name in sorted(there - listed):
            hint = (
                "add it to [sha256]"
                if name in KNOWN
                else "list it under the name of a table that is read, or move it away"
            )
            self.problems.add(
                f"{self.folder / name}: must be listed in {NAMES_FILE}, or its numbers would be ignored, but is not; {hint}."
            )

    def _read(self, name: str, expected: str) -> None:
        file = self.folder / name
        content = read_bytes(file, f"{self.folder / NAMES_FILE}: [sha256] {name}: ")
        self.checksums[name] = sha256(content).hexdigest()
        if expected and self.checksums[name] != expected:
            self.problems.add(
                f"{file}: must have the checksum that evidence.toml gives ({expected[:12]}...), but the file "
                f"has {self.checksums[name][:12]}...: a number was changed; restore the file, or put the new "
                "checksum there if the change is meant."
            )
        self._rows[name] = self._table(content, file)

    def _table(self, content: bytes, file: Path) -> list[tuple[int, dict[str, str]]]:
        """Return the rows of a csv with their lines; those that have another number of cells than columns are noted."""
        text = decode(content, str(file))
        lines = [
            (number, line) for number, line in enumerate(text.splitlines(True), 1) if not is_comment(line)
        ]
        reader = csv.DictReader((line for _, line in lines), restkey="", restval=None, strict=True)
        rows = []
        try:
            for row in reader:
                number = lines[reader.line_num - 1][0]
                if "" in row or None in row.values():
                    self.problems.add_unread(
                        f"{file}, row {number}: must have {len(reader.fieldnames or ())} cells, but has another number; "
                        "correct it, and put a cell that holds a comma in quotes."
                    )
                rows.append((number, row))
        except csv.Error as error:
            raise InputError(f"{file}: must be a comma-separated table, but: {error}.") from error
        if not rows and not any(
            map(is_comment, text.splitlines())
        ):  # a template holds comments, and is no table yet
            raise InputError(f"{file}: must hold rows, but found none; restore the file.")
        return rows

    def each[T](self, name: str, read: Callable[[RowCells], T], *, repeats: bool = False) -> tuple[T, ...]:
        """What a function makes of each row of a table; rows that it cannot read, or that repeat another, are noted.

        Parameters
        ----------
        name : str
        read : callable
        repeats : bool
            Whether equal rows are different things, as marks at the same time are.
        """
        file, found = self.folder / name, []
        before: dict[tuple[str, ...], int] = {}
        for number, row in self._rows.get(name, []):
            if "" in row or None in row.values():
                continue
            first = before.setdefault(tuple(row.values()), number)
            if first != number and not repeats:
                self.problems.add_unread(
                    f"{file}, row {number}: must be there once, but repeats row {first}; remove one."
                )
                continue
            cells = RowCells(row)
            try:
                one = read(cells)
                cells.finish()
            except MissingColumnsError as error:
                many = "," in str(error)
                self.problems.add(
                    f"{file}: must have {'columns' if many else 'a column'} {error}, but "
                    f"{'they are' if many else 'it is'} missing; restore {'them' if many else 'it'}."
                )
                break
            except ValueError as error:
                self.problems.add_unread(f"{file}, row {number}: {error}; correct it.")
            else:
                found.append(one)
        return tuple(found)
