"""What a check says."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Literal, Self

import pandas as pd

Status = Literal["pass", "warn", "fail", "info"]
COLUMNS = ("name", "status", "value", "threshold", "text")
PARTS = ("family", "fit", "subject")  # of a name; in tables beside it, and left out of the contract's file
DECISIVE = ("convergence", "feedback")


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Attributes
    ----------
    family : str
        convergence, predictive, overlap, exposure, feedback, estimand or reconstruction.
    subject : str
        What is checked, such as "R-hat".
    status : {"pass", "warn", "fail", "info"}
        A failed check is a result, not an exception.
    value, threshold : float or None
        What was found, and what it is held against.
    text : str
        What it means, in one sentence.
    fit : str
        Of which fit or analysis; empty where there is only one.
    """

    family: str
    subject: str
    status: Status
    value: float | None
    threshold: float | None
    text: str
    fit: str = ""

    @property
    def name(self) -> str:
        """Family, fit and subject, as tables and the console print them."""
        return ": ".join(part for part in (self.family, self.fit, self.subject) if part)

    def of(self, fit: str) -> Self:
        """Return the same result of a named fit."""
        return replace(self, fit=fit)


def at_most(
    family: str, subject: str, value: float, threshold: float, text: str, otherwise: Status = "fail"
) -> CheckResult:
    """Return a check that passes where the value is at most the threshold; NaN does not pass."""
    status: Status = "pass" if value <= threshold else otherwise
    return CheckResult(family, subject, status, float(value), threshold, text)


def at_least(
    family: str, subject: str, value: float, threshold: float, text: str, otherwise: Status = "fail"
) -> CheckResult:
    """Return a check that passes where the value is at least the threshold; NaN does not pass."""
    status: Status = "pass" if value >= threshold else otherwise
    return CheckResult(family, subject, status, float(value), threshold, text)


def checks_table(checks: Iterable[CheckResult]) -> pd.DataFrame:
    """Return checks as a table: the contract's columns, then the parts of each name."""
    rows = [{**asdict(check), "name": check.name} for check in checks]
    return pd.DataFrame(rows, columns=pd.Index([*COLUMNS, *PARTS]))


def failed(checks: pd.DataFrame) -> bool:
    """Return whether a check failed that makes the numbers unsafe: convergence, or a second mode."""
    return bool(((checks["status"] == "fail") & checks["family"].isin(DECISIVE)).any())
