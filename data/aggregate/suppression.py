"""Withhold small counts: a covariate pattern with one, in either arm, is left out whole."""

from __future__ import annotations

from dataclasses import replace

from data.aggregate.raw_cells import rate_ratio
from data.aggregate.table import EVENT, TREATED, Aggregate, Withheld
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
    pattern = (
        rows.groupby(aggregate.patterns, observed=True, sort=False).ngroup()
        if aggregate.patterns
        else rows[EVENT] * 0
    )
    least = rows["patients"].groupby(pattern).transform("min")
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
