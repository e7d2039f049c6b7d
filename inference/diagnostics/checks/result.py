"""What a check says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Literal

import pandas as pd

Status = Literal["pass", "warn", "fail", "info"]
COLUMNS = ("name", "status", "value", "threshold", "text")
DECISIVE = ("convergence", "feedback")


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Attributes
    ----------
    name : str
        Begins with the family and a colon: convergence, predictive, overlap, exposure, feedback, estimand.
    status : {"pass", "warn", "fail", "info"}
        A failed check is a result, not an exception.
    value, threshold : float or None
        What was found, and what it is held against.
    text : str
        What it means, in one sentence.
    """

    name: str
    status: Status
    value: float | None
    threshold: float | None
    text: str

    def of(self, fit: str) -> CheckResult:
        """Return the same result with the name of the fit put in after the family."""
        family, _, rest = self.name.partition(": ")
        return replace(self, name=f"{family}: {fit}: {rest}")


def at_most(name: str, value: float, threshold: float, text: str, otherwise: Status = "fail") -> CheckResult:
    """Return a check that passes where the value is at most the threshold; NaN does not pass."""
    return CheckResult(name, "pass" if value <= threshold else otherwise, float(value), threshold, text)


def at_least(name: str, value: float, threshold: float, text: str, otherwise: Status = "fail") -> CheckResult:
    """Return a check that passes where the value is at least the threshold; NaN does not pass."""
    return CheckResult(name, "pass" if value >= threshold else otherwise, float(value), threshold, text)


def checks_table(checks: Iterable[CheckResult]) -> pd.DataFrame:
    """Return checks as a table with the contract's columns."""
    return pd.DataFrame([asdict(check) for check in checks], columns=pd.Index(COLUMNS))


def failed(checks: pd.DataFrame) -> bool:
    """Return whether a check failed that makes the numbers unsafe: convergence, or a second mode."""
    family = checks["name"].str.split(":").str[0]
    return bool(((checks["status"] == "fail") & family.isin(DECISIVE)).any())
