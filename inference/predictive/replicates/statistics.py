"""The statistics of a survival paper, for many replicated cohorts at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from inference.frequentist.cox_model import independent_columns
from inference.frequentist.efron import EfronCox
from inference.predictive.replicates.risk_sets import ProductLimit, log_rank_chi_square

ARMS = ("control", "treated")
MANY = 3000
"""Patients from whom on two threads are faster than one: numpy lets go of the lock for long arrays."""


def replicate_statistics(
    time: ArrayLike,
    event: ArrayLike,
    treatment: ArrayLike,
    entry: ArrayLike | None,
    design_values: ArrayLike,
    times: ArrayLike,
    grid: ArrayLike,
    cutpoints: ArrayLike,
) -> xr.Dataset:
    """Return Kaplan-Meier curves, medians, deaths, log-rank and Cox estimates of every replicated cohort.

    The observed cohort goes through the same function as a single replicate.

    Parameters
    ----------
    time : (replicate, patient) or (patient,) array
        Time of the event or of the end of observation, above ``entry``.
    event : array of bool, same shape
        True for an event.
    treatment : (patient,) array of bool
    entry : (patient,) array or None
        Start of observation (left truncation); patients are at risk on (entry, time].
    design_values : (patient, term) array
        Columns that the adjusted Cox model holds fixed; may have no column.
    times : (time,) array
        Of the survival probabilities.
    grid : (grid_time,) array
        Of the curves.
    cutpoints : (interval - 1,) array
        Ends of the intervals (a, b] in which deaths are counted; the last one is open.

    Returns
    -------
    Dataset
        ``kaplan_meier`` (replicate, arm, grid_time), ``survival`` (replicate, arm, time), ``median``
        (replicate, arm; inf: not reached), ``follow_up`` (replicate, arm; the last time anybody was under
        observation), ``events`` (replicate, arm), ``events_by_interval`` (replicate, arm, interval),
        ``log_rank`` (replicate; chi-square), ``cox_unadjusted`` and ``cox_adjusted`` (replicate; log hazard
        ratio of the treated, Efron ties; NaN where there is no finite estimate). Curves are carried forward
        beyond the follow-up of their arm, in the observed and the replicated cohorts alike: see
        ``follow_up``.

    Notes
    -----
    No library is called for each replicate: on gbsg2 (686 patients, nine columns, one core) 300
    replicates take 0.5 s here and 26 s through lifelines (52 times as long). Tests hold every statistic equal
    to lifelines' and statsmodels', with ties and with left truncation.
    """
    time, event = np.atleast_2d(np.asarray(time, dtype=float)), np.atleast_2d(np.asarray(event, dtype=bool))
    treatment = np.asarray(treatment, dtype=bool)
    entry = np.zeros(treatment.size) if entry is None else np.asarray(entry, dtype=float)
    times, grid, cutpoints = (np.asarray(values, dtype=float) for values in (times, grid, cutpoints))
    columns = np.column_stack([treatment.astype(float), np.asarray(design_values, dtype=float)])
    _check(time, event, treatment, entry, columns)
    # Collinear columns would make the information singular; the treatment effect does not need them.
    columns = columns[:, independent_columns(columns) | (np.arange(columns.shape[1]) == 0)]

    replicates, arms, intervals = time.shape[0], (~treatment, treatment), cutpoints.size + 1
    curves = np.empty((replicates, 2, grid.size))
    survival = np.empty((replicates, 2, times.size))
    median, follow_up = np.empty((replicates, 2)), np.empty((replicates, 2))
    by_interval = np.empty((replicates, 2, intervals), dtype=np.int64)
    chi_square, unadjusted, adjusted = np.empty(replicates), np.empty(replicates), np.empty(replicates)

    def fill(replicate: int) -> None:
        at, died = time[replicate], event[replicate]
        for position, arm in enumerate(arms):
            curve = ProductLimit(at[arm], died[arm], entry[arm])
            curves[replicate, position] = curve(grid)
            survival[replicate, position] = curve(times)
            median[replicate, position] = curve.median
            follow_up[replicate, position] = at[arm].max(initial=0.0)
            interval = np.searchsorted(cutpoints, at[arm & died], side="left")
            by_interval[replicate, position] = np.bincount(interval, minlength=intervals)
        chi_square[replicate] = log_rank_chi_square(at, died, treatment, entry)
        unadjusted[replicate] = EfronCox(at, died, entry, columns[:, :1]).maximise()[0]
        adjusted[replicate] = EfronCox(at, died, entry, columns).maximise()[0]

    if treatment.size > MANY:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(fill, range(replicates)))
    else:
        for replicate in range(replicates):
            fill(replicate)
    return xr.Dataset(
        {
            "kaplan_meier": (("replicate", "arm", "grid_time"), curves),
            "survival": (("replicate", "arm", "time"), survival),
            "median": (("replicate", "arm"), median),
            "follow_up": (("replicate", "arm"), follow_up),
            "events": (("replicate", "arm"), by_interval.sum(axis=-1)),
            "events_by_interval": (("replicate", "arm", "interval"), by_interval),
            "log_rank": ("replicate", chi_square),
            "cox_unadjusted": ("replicate", unadjusted),
            "cox_adjusted": ("replicate", adjusted),
        },
        coords={
            "replicate": np.arange(replicates),
            "arm": list(ARMS),
            **times_of_statistics(grid, times, cutpoints),
        },
    )


def times_of_statistics(grid: NDArray, times: NDArray, cutpoints: NDArray) -> dict[str, Any]:
    """Return the coordinates of statistics in time."""
    edges = np.concatenate([[0.0], cutpoints, [np.inf]])
    return {
        "grid_time": grid,
        "time": times,
        "interval": np.arange(cutpoints.size + 1),
        "interval_start": ("interval", edges[:-1]),
        "interval_end": ("interval", edges[1:]),
    }


def _check(time: NDArray, event: NDArray, treatment: NDArray, entry: NDArray, columns: NDArray) -> None:
    patients = treatment.size
    if time.shape != event.shape or time.shape[1] != patients or entry.shape != (patients,):
        raise ValueError(
            f"time and event must be (replicate, {patients}) and entry ({patients},), but found "
            f"{time.shape}, {event.shape} and {entry.shape}; give one column a patient"
        )
    if columns.shape[0] != patients:
        raise ValueError(
            f"design_values must have {patients} rows, but found {columns.shape[0]}; give one a patient"
        )
    if not np.all(time > entry):
        raise ValueError(
            f"time must be above entry, but found {int(np.sum(~(time > entry)))} that are not; draw "
            "replicated times conditional on being event-free at entry"
        )
