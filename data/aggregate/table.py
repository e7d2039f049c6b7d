"""The aggregate: a parquet file of counts, its checks, the sum of several, and small counts withheld."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import InputError

KEY = b"rtsurv aggregate"
TREATED, INTERVAL, EVENT = "treated", "interval", "event"
SUMS = ("patients", "time", "time_squared")
OWN = (TREATED, INTERVAL, EVENT, *SUMS)
"""Columns beside the covariates, which have the prefix `covariate: `."""
PREFIX = "covariate: "


@dataclass(frozen=True)
class Withheld:
    """What an aggregate leaves out, so that none of its counts is small."""

    smallest: int = 1  # no count lies between 1 and this; 1 where nothing is withheld
    # covariate patterns withheld, of how many
    patterns: int = 0
    of_patterns: int = 0
    # shares withheld, to a tenth of a percent
    patients: float = 0.0
    events: float = 0.0
    # crude ratio of the event rates, treated against untreated, of all patients and of those kept
    rate_ratio_all: float = float("nan")
    rate_ratio_kept: float = float("nan")

    @property
    def sentence(self) -> str:
        """What the small counts cost; empty where none are withheld."""
        if not self.patterns:
            return ""
        return (
            f"{self.patterns} of {self.of_patterns} covariate patterns have a count below {self.smallest} and are withheld, with "
            f"{self.patients:.1%} of the patients and {self.events:.1%} of the events; the crude rate ratio is {self.rate_ratio_all:.3f} "
            f"of all patients and {self.rate_ratio_kept:.3f} of those kept"
        )


@dataclass(frozen=True, eq=False)
class Aggregate:
    """Counts of patients by covariate pattern, arm, and the interval and outcome in which follow-up ends."""

    # one categorical column a covariate, named `covariate: NAME`; treated (bool), interval (from 0), event
    # (bool); patients, and the sums over them of the time spent in that interval and of its square
    rows: pd.DataFrame
    cutpoints: tuple[float, ...]  # inner limits of the intervals
    time_unit: str
    treated: str  # the value of the treatment column that means treated
    # last follow-up of the untreated and of the treated; where small counts are withheld, the time to which
    # at least that many were followed
    follow_up: tuple[float, float]
    withheld: tuple[Withheld, ...] = (Withheld(),)  # one a site

    @property
    def covariates(self) -> dict[str, tuple[str, ...]]:
        """Levels by covariate."""
        return {
            name.removeprefix(PREFIX): tuple(map(str, self.rows[name].cat.categories))
            for name in self.rows.columns
            if name.startswith(PREFIX)
        }

    @property
    def patterns(self) -> list[str]:
        """The columns of the covariates."""
        return [name for name in self.rows.columns if name.startswith(PREFIX)]


def write_aggregate(aggregate: Aggregate, path: Path) -> None:
    """Write an aggregate as one parquet file, which states what it holds."""
    stated = {
        "cutpoints": aggregate.cutpoints,
        "time_unit": aggregate.time_unit,
        "treated": aggregate.treated,
        "follow_up": aggregate.follow_up,
        "levels": aggregate.covariates,
        "withheld": [asdict(one) for one in aggregate.withheld],
    }
    plain = aggregate.rows.astype(dict.fromkeys(aggregate.patterns, str))
    table = pa.Table.from_pandas(plain, preserve_index=False)
    pq.write_table(table.replace_schema_metadata({KEY: json.dumps(stated)}), path)


def read_aggregate(path: Path, place: str) -> Aggregate:
    """Return the aggregate in a file.

    Raises
    ------
    InputError
        Where the file is none, or its counts cannot be those of patients.
    """
    try:
        table = pq.read_table(path)
        stated: dict[str, Any] = json.loads((table.schema.metadata or {})[KEY])
        rows = table.to_pandas(ignore_metadata=True)
        levels = {f"{PREFIX}{name}": list(known) for name, known in stated["levels"].items()}
        rows = rows[[*levels, *OWN]].copy()
        for name, known in levels.items():
            rows[name] = pd.Categorical(rows[name], categories=known)
        read = Aggregate(
            rows.astype({TREATED: bool, INTERVAL: int, EVENT: bool} | dict.fromkeys(SUMS, float)),
            tuple(map(float, stated["cutpoints"])),
            stated["time_unit"],
            stated["treated"],
            (float(stated["follow_up"][0]), float(stated["follow_up"][1])),
            tuple(Withheld(**one) for one in stated["withheld"]),
        )
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError, IndexError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{place} must be a table that `rtsurv aggregate` wrote, but found {path}: {reason}; make it again from the patients"
        ) from error
    _check(read, path)
    return read


def _check(aggregate: Aggregate, path: Path) -> None:
    """Refuse counts that no patients have: an edited file, or one of another program."""
    rows, widths = aggregate.rows, np.append(np.diff([0.0, *aggregate.cutpoints]), np.inf)
    count, time, squared = (rows[name].to_numpy() for name in SUMS)
    interval = rows[INTERVAL].to_numpy()
    problems = {
        "patients must be whole numbers from 1": (count >= 1) & (count == np.round(count)),
        "covariates must be levels that the table states": rows[aggregate.patterns].notna().all(axis=1),
        "interval must be one of those between the cut points": (interval >= 0) & (interval < len(widths)),
        "rows must differ": ~rows.duplicated([*aggregate.patterns, TREATED, INTERVAL, EVENT]),
    }
    widest = widths[np.clip(interval, 0, len(widths) - 1)]
    close, most = 1.0 + 1e-6, np.minimum(widest, 1e150)  # finite: times of 0 are allowed
    problems["time must lie within the interval of each patient"] = (time >= 0) & (
        time <= count * most * close
    )
    problems["time_squared must suit patients and time"] = (squared * count * close >= time**2) & (
        squared <= time * most * close
    )
    wrong = [
        f"{what} ({int((~np.asarray(right)).sum())} rows)"
        for what, right in problems.items()
        if not np.all(right)
    ]
    if wrong:
        raise InputError(f"{path}: {'; '.join(wrong)}; make the table again from the patients")


def added(aggregates: Sequence[Aggregate], places: Sequence[str]) -> Aggregate:
    """Return the aggregate of all patients behind several: the sums of their counts.

    Raises
    ------
    InputError
        Where they do not count the same things.
    """
    first, *others = aggregates
    for other, place in zip(others, places[1:], strict=True):
        for what in ("cutpoints", "time_unit", "treated", "covariates"):
            own, found = getattr(first, what), getattr(other, what)
            if own != found:
                raise InputError(
                    f"{place}: {what} must be those of {places[0]}, {own}, but found {found}; write one study file with cut points, "
                    "levels and bins, and make each table with it"
                )
    if not others:
        return first
    keys = [*first.patterns, TREATED, INTERVAL, EVENT]
    rows = pd.concat([one.rows for one in aggregates], ignore_index=True)
    summed = rows.groupby(keys, observed=True, sort=True)[list(SUMS)].sum().reset_index()
    ends = np.max([one.follow_up for one in aggregates], axis=0)
    withheld = tuple(part for one in aggregates for part in one.withheld)
    return replace(first, rows=summed, follow_up=(float(ends[0]), float(ends[1])), withheld=withheld)


def without_small_counts(aggregate: Aggregate, smallest: int) -> Aggregate:
    """Return an aggregate none of whose counts lies between 1 and `smallest`.

    A count is that of the patients of a pattern and arm whose follow-up ends in an interval, with or without the event. To leave out single
    counts would leave out deaths where they are rare: patterns are left out whole, in both arms, so that what is kept is compared within
    its patterns.

    Raises
    ------
    InputError
        Where nothing that can be analysed is kept.
    """
    rows = aggregate.rows
    pattern, least = _least(rows, aggregate.patterns)
    kept = rows[least >= smallest]
    if kept.empty or kept[TREATED].nunique() < 2 or not kept[EVENT].any():
        raise InputError(
            f"--smallest-cell must leave patients of both arms and events, but with {smallest} it leaves {len(kept)} of {len(rows)} counts; "
            "give fewer cut points, coarser levels or bins, or fewer covariates"
        )
    patients, events = rows["patients"], rows["patients"] * rows[EVENT]
    left = least < smallest
    withheld = Withheld(
        smallest,
        int(pattern[left].nunique()),
        int(pattern.nunique()),
        round(float(patients[left].sum() / patients.sum()), 3),
        round(float(events[left].sum() / events.sum()), 3),
        _rate_ratio(rows, aggregate.cutpoints),
        _rate_ratio(kept, aggregate.cutpoints),
    )
    return replace(aggregate, rows=kept.reset_index(drop=True), withheld=(withheld,))


def withheld_with_fewer_cutpoints(aggregate: Aggregate, smallest: int) -> dict[tuple[float, ...], float]:
    """Return the share of patients who would be withheld with every second cut point, every third and so on, by cut points."""
    found, rows, cuts = {}, aggregate.rows, aggregate.cutpoints
    for step in range(2, len(cuts) + 1):
        fewer = cuts[step - 1 :: step]
        joined = rows.assign(
            **{INTERVAL: np.searchsorted(fewer, np.array([0.0, *cuts])[rows[INTERVAL]], side="right")}
        )
        keys = [*aggregate.patterns, TREATED, INTERVAL, EVENT]
        counts = joined.groupby(keys, observed=True)["patients"].sum().reset_index()
        _, least = _least(counts, aggregate.patterns)
        found[fewer] = float(counts.loc[least < smallest, "patients"].sum() / counts["patients"].sum())
    return found


def _rate_ratio(rows: pd.DataFrame, cutpoints: tuple[float, ...]) -> float:
    """Return the crude ratio of event rates, treated against untreated."""
    starts = np.array([0.0, *cutpoints])
    at_risk = rows["patients"] * starts[rows[INTERVAL]] + rows["time"]
    events = rows["patients"] * rows[EVENT]
    rates = [events[arm].sum() / at_risk[arm].sum() for arm in (rows[TREATED], ~rows[TREATED])]
    return float(rates[0] / rates[1]) if rates[1] > 0 else float("nan")


def _least(rows: pd.DataFrame, patterns: list[str]) -> tuple[pd.Series, pd.Series]:
    """Return the number of each row's pattern, and the smallest count of that pattern."""
    pattern = rows.groupby(patterns, observed=True, sort=False).ngroup() if patterns else rows[EVENT] * 0
    return pattern, rows["patients"].groupby(pattern).transform("min")
