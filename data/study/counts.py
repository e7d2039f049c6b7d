"""Counts: what a table of events and time at risk says of the patients whom a row of a cohort stands for."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Exits:
    """Patients by the interval in which their follow-up ends, and by whether it ends in the event."""

    row: np.ndarray  # (exit,) int: of the cohort, covariate pattern and arm
    interval: np.ndarray  # (exit,) int: from 0
    event: np.ndarray  # (exit,) bool
    patients: np.ndarray  # (exit,) how many, at least 1
    # (exit,) sums over these patients of the time spent in that interval, and of its square
    time: np.ndarray
    time_squared: np.ndarray


@dataclass(frozen=True, eq=False)
class Counts:
    """Numbers of patients, events by interval and time at risk by interval, of each row of a cohort.

    They are sufficient for hazards that are constant within the intervals and for a treatment model of the row's covariates.

    Attributes
    ----------
    cutpoints : tuple of float
        Inner limits of the intervals, in the study's time unit.
    patients : ndarray (row,)
    deaths, exposure : ndarray (row, interval)
        Events, and time at risk in the study's time unit.
    exits : Exits
        Of what deaths and exposure are the sums: for what needs their variances and covariances too.
    """

    cutpoints: tuple[float, ...]
    patients: np.ndarray
    deaths: np.ndarray
    exposure: np.ndarray
    exits: Exits


def counts_of(exits: Exits, rows: int, cutpoints: tuple[float, ...]) -> Counts:
    """Return the counts of each row from those of its exits: whoever leaves in an interval was at risk all through those before."""
    widths = np.diff([0.0, *cutpoints])
    leaving, deaths, exposure = np.zeros((3, rows, len(cutpoints) + 1))
    place = exits.row, exits.interval
    np.add.at(leaving, place, exits.patients)
    np.add.at(deaths, place, exits.patients * exits.event)
    np.add.at(exposure, place, exits.time)
    later = leaving[:, ::-1].cumsum(axis=1)[:, ::-1] - leaving
    exposure[:, :-1] += later[:, :-1] * widths
    return Counts(cutpoints, leaving.sum(axis=1), deaths, exposure, exits)
