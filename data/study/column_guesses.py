"""Which role each column of an unknown table seems to have."""

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from data.study.cells import known_numbers, numbers, temporal, texts

HINTS = {
    "event": r"event|status|death|dead|died|decease|relaps|recur|progress|cens|fail",
    "time": r"time|month|day|week|year|surviv|follow|^os$|^pfs$|^dfs$|^rfs$|^tte$|duration",
    "treatment": r"treat|therap|arm$|^trt|^rx$|^rt$|radio|chemo|hormon|hor|drug|expos|group|interven|surg",
    "entry": r"entry|entered|truncat|enrol",
    "treatment_start": r"start|begin|began",
    "id": r"^id$|_id$|^id_|patient|subject|person|^pid$",
}
TREATED = ("1", "yes", "true", "treated", "treatment", "exposed", "active", "y")
CONTROL = ("0", "no", "false", "untreated", "control", "unexposed", "placebo", "none", "n")
UNITS = ("days", "weeks", "months", "years")
MOST_LEVELS = 20
ENDPOINT = r"(?:^|[^a-z])(?:os|pfs|dfs|rfs|efs|css|dss|ttp|tte)(?:$|[^a-z])|death|dead|died|decease|vital|relaps|recur|cens|surviv|follow"
ALIKE = 0.7  # correlation from which on two columns that read like endpoints are two of them
FEW = 50  # patients below which whole numbers may all differ by chance


@dataclass(frozen=True)
class ColumnFacts:
    """What a column holds, whatever it means."""

    name: str
    repeated: bool
    rows: int
    missing: int
    numeric: bool
    smallest: float
    values: tuple[str, ...]
    held: str | None = None
    numbers: np.ndarray = field(default_factory=lambda: np.zeros(0), compare=False, repr=False)

    @property
    def binary(self) -> bool:
        """Two values that read as no and yes."""
        lowered = {value.lower() for value in self.values}
        return lowered in ({"0", "1"}, {"true", "false"}, {"yes", "no"})

    @property
    def unit(self) -> str | None:
        """The unit of time in the name, if there is one."""
        return next((unit for unit in UNITS if re.search(unit[:-1], self.name, re.IGNORECASE)), None)

    @property
    def identifies(self) -> bool:
        """Whether it numbers or names the patients instead of describing them."""
        if len(self.values) < self.rows or not self.numeric:
            return False
        whole = bool((self.numbers == np.floor(self.numbers)).all())
        consecutive = whole and np.ptp(self.numbers) == self.rows - 1
        return consecutive or (whole and (self.hints("id") or self.rows >= FEW))

    def hints(self, role: str) -> bool:
        """Whether the name reads like a role."""
        return re.search(HINTS[role], self.name, re.IGNORECASE) is not None


def column_facts(frame: pd.DataFrame) -> list[ColumnFacts]:
    """Facts of every column of a table, in order."""
    facts = []
    for number, name in enumerate(frame.columns):
        column = frame.iloc[:, number]
        cells, values = texts(column), numbers(column)
        known = known_numbers(values)
        facts.append(
            ColumnFacts(
                name=str(name),
                repeated=list(map(str, frame.columns)).count(str(name)) > 1,
                rows=len(column),
                missing=int(cells.isna().sum()),
                numeric=bool(known.notna().any())
                and not values.map(lambda cell: isinstance(cell, str)).any(),
                smallest=float(known.min()),
                values=tuple(sorted(cells.dropna().unique())),
                held=temporal(column),
                numbers=known.to_numpy()
                if known.notna().any()
                else cells.astype("category").cat.codes.to_numpy(float),
            )
        )
    return facts


def guess_roles(columns: list[ColumnFacts]) -> dict[str, ColumnFacts]:
    """The columns of the roles that can be told; a role that fits two columns or none is left out.

    A column takes one role; the surest are asked for first.
    """
    roles: dict[str, ColumnFacts] = {}
    columns = [column for column in columns if not column.repeated]
    full = [column for column in columns if column.missing == 0]
    many = [
        column for column in columns if column.numeric and len(column.values) > 2 and column.smallest >= 0
    ]
    candidates = {
        "id": [column for column in full if len(column.values) == column.rows and column.hints("id")],
        "treatment_start": [column for column in many if column.hints("treatment_start")],
        "entry": [column for column in many if column.missing == 0 and column.hints("entry")],
        "time": [
            column for column in many if column.missing == 0 and column.smallest > 0 and column.hints("time")
        ],
        "event": [column for column in full if column.binary and column.hints("event")],
        "treatment": [column for column in full if len(column.values) == 2 and column.hints("treatment")],
    }
    for role, fitting in candidates.items():
        left = [column for column in fitting if column not in roles.values()]
        if len(left) == 1:
            roles[role] = left[0]
    return roles


def further_endpoints(columns: list[ColumnFacts], roles: dict[str, ColumnFacts]) -> dict[str, str]:
    """Why columns are no covariates, by their names: they read like an event or a time of follow-up, and are one.

    A name that says so by itself is enough; one that may mean something else (a status, a number of months) counts where the
    column goes along with another that reads alike.
    """
    reasons = {}
    for role, text in (("event", "an event"), ("time", "a time of follow-up")):
        alike = [
            one
            for one in columns
            if one.hints(role)
            and one not in roles.values()
            and (role == "time") == (one.numeric and len(one.values) > 3)
        ]
        others = [*alike, *([roles[role]] if role in roles else [])]
        for one in alike:
            named = re.search(ENDPOINT, one.name, re.IGNORECASE) is not None
            if named or any(_correlation(one, other) > ALIKE for other in others if other is not one):
                reasons[one.name] = f"reads like {text}, which is known after treatment began only"
    return reasons


def _correlation(one: ColumnFacts, other: ColumnFacts) -> float:
    both = np.isfinite(one.numbers) & np.isfinite(other.numbers)
    first, second = (facts.numbers[both] for facts in (one, other))
    if len(first) < 3 or not first.std() or not second.std():
        return 0.0
    return abs(float(np.corrcoef(first, second)[0, 1]))


def guess_treated(treatment: ColumnFacts) -> str | None:
    """The value that seems to mean treated, if the other one seems to mean control."""
    values = {value.lower(): value for value in treatment.values}
    treated = [value for name, value in values.items() if name in TREATED]
    return treated[0] if len(treated) == 1 and set(CONTROL) & values.keys() else None
