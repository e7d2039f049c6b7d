"""A line of a replication: a number that a paper prints, and what one cohort of pseudo-patients gives for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from data.published.evidence import Evidence
from data.published.printed import Printed
from data.study.cohort import Cohort

LONG = pd.Index(
    ["line", "family", "printed", "printed_value", "half_digit", "bound", "unit", "cohort", "computed"]
)
SUMMARY = pd.Index(
    [
        "family",
        "line",
        "printed",
        "computed_mean",
        "computed_low",
        "computed_high",
        "difference",
        "unit",
        "agreeing",
    ]
)
PHASE_WORDS = {"before": "before matching", "after": "after matching"}


@dataclass(frozen=True, eq=False)
class PseudoPatients:
    """One cohort of pseudo-patients, with what is known of each beside the covariates."""

    number: int  # of the cohort
    cohort: Cohort
    matched: np.ndarray  # bool (patient,): who is in the published matched set
    # (patient,): groups without printed sizes by analysis, such as the modality of radiotherapy; "" for those in none
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)

    def inside(self, phase: str, arm: str = "") -> np.ndarray:
        """Return who is in a phase ("before", "after") and an arm ("treated", "control", "" for both)."""
        chosen = self.matched.copy() if phase == "after" else np.ones(self.cohort.size, dtype=bool)
        if arm:
            chosen &= self.cohort.treatment == (arm == "treated")
        return chosen


@dataclass(frozen=True)
class Line:
    """A number that the paper prints, computed from pseudo-patients."""

    family: str  # table or part of the paper
    name: str  # what it is; unique in its family
    printed: Printed | None  # None for what the paper does not print
    computed: float  # NaN where the cohort does not determine it, infinite for a median that is not reached
    unit: str = ""


def end_of(printed: Printed | None, side: str) -> Printed | None:
    """Return the lower or upper end of a printed interval as a number of its own; None where there is none."""
    value = None if printed is None else getattr(printed, side)
    if printed is None or value is None:
        return None
    return Printed(
        f"{value:.{printed.decimals}f}", value, printed.decimals, unit=printed.unit, place=printed.place
    )


def arm_words(evidence: Evidence, arm: str) -> str:
    """Return the paper's word for an arm, or for both."""
    return {"treated": evidence.names.arms.treated, "control": evidence.names.arms.control}.get(arm, "all")


def long_table(lines: Iterable[tuple[int, Line]]) -> pd.DataFrame:
    """Return lines of all cohorts, one row a line and cohort.

    Parameters
    ----------
    lines : iterable of (int, Line)
        With the number of the cohort.

    Returns
    -------
    DataFrame
        ``line, family, printed`` (as text, "" for what is not printed), ``printed_value, half_digit`` (NaN without),
        ``bound`` (a bound such as <0.001), ``unit, cohort, computed``.
    """
    rows = [
        (
            line.name,
            line.family,
            _written(line.printed),
            np.nan if line.printed is None else line.printed.value,
            np.nan if line.printed is None else line.printed.half_digit,
            line.printed is not None and line.printed.operator == "<",
            line.unit,
            cohort,
            float(line.computed),
        )
        for cohort, line in lines
    ]
    return pd.DataFrame(rows, columns=LONG)


def _written(printed: Printed | None) -> str:
    """Return a printed number with its bound, which some papers print in a column of its own."""
    if printed is None:
        return ""
    return printed.text if printed.operator == "=" or printed.text.startswith("<") else f"<{printed.text}"


def summary_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean and range over cohorts for every line, in the order of the lines.

    Parameters
    ----------
    table : DataFrame
        Of `long_table`.

    Returns
    -------
    DataFrame
        ``family, line, printed, computed_mean, computed_low, computed_high, difference`` (mean minus printed; 0 where the
        mean lies under a printed bound, NaN where nothing is printed)``, unit, agreeing`` (share of cohorts that would
        print the same; NaN where nothing is printed). Numbers over cohorts leave out those without a value.
    """
    rows = []
    for _, group in table.groupby(["family", "line"], sort=False):
        first, values = group.iloc[0], group["computed"].dropna()
        mean = float(values.mean()) if len(values) else np.nan
        printed, bound = float(first["printed_value"]), bool(first["bound"])
        difference = max(0.0, mean - printed) if bound and not np.isnan(mean) else mean - printed
        near = values < printed if bound else (values - printed).abs() <= first["half_digit"] + 1e-12
        agreeing = float(near.mean()) if len(values) and not np.isnan(printed) else np.nan
        low, high = (float(values.min()), float(values.max())) if len(values) else (np.nan, np.nan)
        of_line = (first["family"], first["line"], first["printed"])
        rows.append((*of_line, mean, low, high, difference, first["unit"], agreeing))
    return pd.DataFrame(rows, columns=SUMMARY)
