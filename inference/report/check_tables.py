"""The checks in the order in which they matter: failures, warnings, what is for information, and what passed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from data.study.study import Study
from inference.diagnostics.checks.result import PARTS
from inference.report.content import Report
from inference.report.figures.wording import words
from inference.report.numbers import number, trimmed
from inference.report.table import LONG, NUMBER, SENTENCE, TEXT, Column, Kind, Table, heading
from inference.report.vocabulary import term_in_words

ORDER = ("fail", "warn", "info", "pass")
TRIMMED = Kind(trimmed)
SAMPLED = ("R-hat", "bulk ESS", "divergences")  # of a fit, the first of which orders them
LONG_NUMBER = re.compile(r"\d+\.\d{3,}")
OF_TERMS = ("shift", "balance")  # what is checked of a term of a formula
STATUS_NAMES = {"fail": "Failed", "warn": "Warning", "info": "Info", "pass": "Passed"}


@dataclass(frozen=True)
class Check:
    """One check, as the page shows it; fit may be empty."""

    family: str
    fit: str
    subject: str
    status: str
    value: float
    threshold: float
    text: str
    of_main: bool = True

    @property
    def finding(self) -> str:
        """What was found, against what, and what it means."""
        if pd.isna(self.value):
            return self.text
        against = "" if pd.isna(self.threshold) else f", threshold {trimmed(self.threshold)}"
        return f"{trimmed(self.value)}{against}; {self.text}"

    @property
    def name(self) -> str:
        """The check in words."""
        return f"{heading(self.family)}{f', {self.fit}' if self.fit else ''}: {self.subject}"


def ordered_checks(report: Report) -> list[Check]:
    """Return the checks of a report: failures first, within a status those of the main fit first, then as in the table.

    Raises
    ------
    ValueError
        If a status is unknown: a check that is not shown would be hidden.
    """
    unknown = sorted(set(report.checks["status"]) - set(ORDER))
    if unknown:
        raise ValueError(f"the status of a check must be one of {', '.join(ORDER)}, but found {unknown}")
    found = [_shown(row, report) for _, row in report.checks.iterrows()]
    return sorted(found, key=lambda check: (ORDER.index(check.status), not check.of_main))


def _shown(row: pd.Series, report: Report) -> Check:
    family, fit, subject = (str(row[part]) for part in PARTS)
    # A fit is named by its baseline and adjustment, and by whatever else was varied.
    named = set(fit.split(", ")) if fit else set()
    main = report.main
    of_main = not named or ({main["baseline"], main["adjustment"]} <= named <= set(main.values()))
    value, threshold = (pd.to_numeric(row[column], errors="coerce") for column in ("value", "threshold"))
    return Check(
        family,
        in_words(fit),
        subject_in_words(subject, report.study),
        str(row["status"]),
        float(value),
        float(threshold),
        str(row["text"]),
        of_main,
    )


def in_words(label: str) -> str:
    """Return the label of a fit in words."""
    return ", ".join(words(part) for part in label.split(", ")) if label else ""


def subject_in_words(subject: str, study: Study) -> str:
    """Return what was checked with a term by the label of its covariate, and times with four digits."""
    said = LONG_NUMBER.sub(lambda found: number(float(found[0]), 4), subject)
    kind, _, term = said.partition(" of ")
    return f"{kind} of {term_in_words(term, study)}" if kind in OF_TERMS else said


def counts(checks: Sequence[Check]) -> dict[str, int]:
    """Return the number of checks by status, all statuses included."""
    return {status: sum(check.status == status for check in checks) for status in ORDER}


def counts_sentence(checks: Sequence[Check]) -> str:
    """Return how many checks failed, warn and passed, in words."""
    if not checks:
        return "No check was made."
    number = counts(checks)
    warn = f"{number['warn']} warn{'s' if number['warn'] == 1 else ''}"
    told = f"{number['pass']} passed, {number['info']} for information"
    return f"{len(checks)} checks: {number['fail']} failed, {warn}, {told}."


def families_table(checks: Sequence[Check]) -> Table:
    """Return the number of checks by family and status."""
    rows = []
    for family in dict.fromkeys(check.family for check in checks):
        number = counts([check for check in checks if check.family == family])
        mark = next((status for status in ("fail", "warn") if number[status]), "")
        rows.append({"family": heading(family), "mark": mark, **number})
    columns = (Column("Family", TEXT, "family"), *(Column(STATUS_NAMES[one], NUMBER, one) for one in ORDER))
    return Table("check-families", "Checks by family", columns, pd.DataFrame(rows), "mark")


def check_table(name: str, caption: str, checks: Sequence[Check], *, kinds: bool = True) -> Table:
    """Return checks one by one; without status and family where the caption says them of all, without fits where none is of one."""
    columns = (
        *((Column("Status", TEXT, "named", by="rank"), Column("Family", TEXT, "family")) if kinds else ()),
        *((Column("Fit", TEXT, "fit"),) if any(check.fit for check in checks) else ()),
        Column("Check", TEXT, "subject"),
        Column("Value", TRIMMED, "value"),
        Column("Threshold", TRIMMED, "threshold"),
        Column("Meaning", SENTENCE, "text"),
    )
    frame = pd.DataFrame(
        {
            **asdict(check),
            "family": heading(check.family),
            "fit": check.fit or "no single fit",
            "named": STATUS_NAMES[check.status],
            "rank": ORDER.index(check.status),
        }
        for check in checks
    )
    return Table(name, caption, columns, frame, "status")


def passed_tables(checks: Sequence[Check]) -> list[Table]:
    """Return one table a family of the checks that passed."""
    passed = [check for check in checks if check.status == "pass"]
    families = list(dict.fromkeys(check.family for check in passed))
    return [
        check_table(
            f"passed-{position}",
            f"{heading(family)}: {sum(check.family == family for check in passed)} passed",
            [check for check in passed if check.family == family],
            kinds=False,
        )
        for position, family in enumerate(families)
    ]


def fits_table(checks: Sequence[Check], reviews: Mapping[str, str]) -> Table:
    """Return how well each fit was sampled, the worst first.

    Parameters
    ----------
    checks : sequence of Check
    reviews : mapping of str to str
        Files that review a fit, by its label.
    """
    files = {in_words(label): file for label, file in reviews.items()}
    found: dict[str, dict[str, Any]] = {}
    for check in checks:
        if check.family == "convergence" and check.fit and check.subject in SAMPLED:
            found.setdefault(check.fit, dict.fromkeys(SAMPLED))[check.subject] = check.value
    rows = [
        {"fit": fit, **values, "review": files.get(fit, "")}
        for fit, values in found.items()
        if values["R-hat"] is not None
    ]
    frame = pd.DataFrame(rows, columns=pd.Index(["fit", *SAMPLED, "review"])).sort_values(
        "R-hat", ascending=False
    )
    columns = (
        Column("Fit", TEXT, "fit", link="review"),
        Column("Largest R-hat", LONG, "R-hat"),
        Column("Smallest bulk ESS", NUMBER, "bulk ESS"),
        Column("Divergences", NUMBER, "divergences"),
    )
    return Table("fits-sampled", "How well each fit was sampled, the worst first", columns, frame)
