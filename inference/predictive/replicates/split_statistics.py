"""The statistics of a study in which treatment begins during follow-up, for many replicated cohorts at once.

None of them looks at who was ever treated, which is the future: they count events and time at risk by the state that each
patient is in, or take all patients together.
"""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from inference.frequentist.cox_model import independent_columns
from inference.frequentist.efron import EfronCox
from inference.predictive.replicates.risk_sets import ProductLimit, log_rank_chi_square
from inference.predictive.replicates.statistics import times_of_statistics

STATES = ("untreated", "treated")


def split_rows(
    time: NDArray, event: NDArray, start: NDArray, entry: NDArray
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the stretches of time at risk of a cohort: untreated until treatment begins, and treated from then on.

    Parameters
    ----------
    time, entry : (patient,) array
        Patients are at risk on (entry, time].
    event : (patient,) array of bool
    start : (patient,) array
        Of treatment; infinite for the never treated.

    Returns
    -------
    tuple of (row,) array
        Position of the patient, entry, time, event and treated (bool); stretches without length are left out.
    """
    switch = np.clip(start, entry, time)
    before, after = np.flatnonzero(switch > entry), np.flatnonzero(time > switch)
    patient = np.concatenate([before, after])
    ends = np.concatenate([switch[before], time[after]])
    died = np.concatenate([event[before] & (switch[before] == time[before]), event[after]])
    begins = np.concatenate([entry[before], switch[after]])
    return patient, begins, ends, died, np.arange(patient.size) >= before.size


def split_statistics(
    time: ArrayLike,
    event: ArrayLike,
    start: ArrayLike,
    entry: ArrayLike,
    design_values: ArrayLike,
    times: ArrayLike,
    grid: ArrayLike,
    cutpoints: ArrayLike,
) -> xr.Dataset:
    """Return survival of all patients, events by state, and estimates with exposure that changes, of every replicated cohort.

    The observed cohort goes through the same function as a single replicate.

    Parameters
    ----------
    time, event : (replicate, patient) or (patient,) array
        As in `replicate_statistics`.
    start : array, same shape
        When treatment began, before ``time``; NaN for who was never treated.
    entry : (patient,) array
        Start of observation (left truncation).
    design_values : (patient, term) array
        Columns that the adjusted Cox model holds fixed; may have no column.
    times, grid, cutpoints : array
        As in `replicate_statistics`.

    Returns
    -------
    Dataset
        ``kaplan_meier`` (replicate, grid_time), ``survival`` (replicate, time) and ``median`` (replicate; inf: not reached)
        of all patients; ``events`` (replicate, state), ``events_by_interval`` (replicate, state, interval) and
        ``cumulative_events`` (replicate, state, grid_time) by the state in which they came; ``started`` (replicate), how many
        began treatment; ``log_rank`` (replicate; chi-square with exposure that changes: Mantel and Byar 1974, doi
        10.1080/01621459.1974.10482934), ``cox_unadjusted`` and ``cox_adjusted`` (replicate; log hazard ratio of
        treatment as a time-dependent covariate, Efron ties; NaN where there is no finite estimate); ``follow_up``
        (replicate).
    """
    time, event = np.atleast_2d(np.asarray(time, dtype=float)), np.atleast_2d(np.asarray(event, dtype=bool))
    start = np.atleast_2d(np.asarray(start, dtype=float))
    entry, values = np.asarray(entry, dtype=float), np.asarray(design_values, dtype=float)
    times, grid, cutpoints = (np.asarray(one, dtype=float) for one in (times, grid, cutpoints))
    _check(time, event, start, entry, values)
    values = values[:, independent_columns(values)] if values.shape[1] else values

    replicates, intervals = time.shape[0], cutpoints.size + 1
    curves, survival = np.empty((replicates, grid.size)), np.empty((replicates, times.size))
    by_interval = np.empty((replicates, 2, intervals), dtype=np.int64)
    cumulative = np.empty((replicates, 2, grid.size), dtype=np.int64)
    names = ("median", "log_rank", "cox_unadjusted", "cox_adjusted")
    single = {name: np.empty(replicates) for name in names}
    for replicate in range(replicates):
        begun = np.where(np.isnan(start[replicate]), np.inf, start[replicate])
        everybody = ProductLimit(time[replicate], event[replicate], entry)
        curves[replicate], survival[replicate] = everybody(grid), everybody(times)
        single["median"][replicate] = everybody.median
        patient, begins, ends, died, treated = split_rows(time[replicate], event[replicate], begun, entry)
        for state in (0, 1):
            deaths = np.sort(ends[died & (treated == bool(state))])
            interval = np.searchsorted(cutpoints, deaths, side="left")
            by_interval[replicate, state] = np.bincount(interval, minlength=intervals)
            cumulative[replicate, state] = np.searchsorted(deaths, grid, side="right")
        columns = np.column_stack([treated.astype(float), values[patient]])
        single["log_rank"][replicate] = log_rank_chi_square(ends, died, treated, begins)
        single["cox_unadjusted"][replicate] = EfronCox(ends, died, begins, columns[:, :1]).maximise()[0]
        single["cox_adjusted"][replicate] = EfronCox(ends, died, begins, columns).maximise()[0]

    return xr.Dataset(
        {
            "kaplan_meier": (("replicate", "grid_time"), curves),
            "survival": (("replicate", "time"), survival),
            "events": (("replicate", "state"), by_interval.sum(axis=-1)),
            "events_by_interval": (("replicate", "state", "interval"), by_interval),
            "cumulative_events": (("replicate", "state", "grid_time"), cumulative),
            "started": ("replicate", (~np.isnan(start)).sum(axis=1)),
            "follow_up": ("replicate", time.max(axis=1)),
            **{name: ("replicate", value) for name, value in single.items()},
        },
        coords={
            "replicate": np.arange(replicates),
            "state": list(STATES),
            **times_of_statistics(grid, times, cutpoints),
        },
    )


def _check(time: NDArray, event: NDArray, start: NDArray, entry: NDArray, values: NDArray) -> None:
    if not (time.shape == event.shape == start.shape and (time.shape[1],) == entry.shape == values.shape[:1]):
        raise ValueError(
            "time, event and start must be (replicate, patient), and entry and design_values have a row a patient, but "
            f"found {time.shape}, {event.shape}, {start.shape}, {entry.shape} and {values.shape}"
        )
    if not np.all(time > entry):
        raise ValueError(f"time must be above entry, but found {int(np.sum(~(time > entry)))} that are not")
    if np.any(start >= time):
        raise ValueError(
            f"start must be before time, or NaN where treatment never begins, but found {int(np.sum(start >= time))} that "
            "are not"
        )
