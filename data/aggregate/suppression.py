"""Withhold small counts: a covariate pattern with one, in either arm, is left out whole."""

from dataclasses import replace

import numpy as np
import pandas as pd

from data.aggregate.raw_cells import rate_ratio
from data.aggregate.table import EVENT, INTERVAL, TREATED, Aggregate, Withheld
from data.errors import InputError


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
        rate_ratio(rows, aggregate.cutpoints),
        rate_ratio(kept, aggregate.cutpoints),
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


def _least(rows: pd.DataFrame, patterns: list[str]) -> tuple[pd.Series, pd.Series]:
    """Return the number of each row's pattern, and the smallest count of that pattern."""
    pattern = rows.groupby(patterns, observed=True, sort=False).ngroup() if patterns else rows[EVENT] * 0
    return pattern, rows["patients"].groupby(pattern).transform("min")
