"""Members of an arm whose times are known from curves of their subgroups, beside the curve of the whole arm."""

from dataclasses import dataclass, field

import numpy as np

from data.published.reconstruction.readings import Reading

NEAR = 2.0  # units of the reading of time within which a death belongs to a fall of the whole curve


@dataclass(frozen=True, eq=False)
class Members:
    """Pseudo-patients of an arm.

    Attributes
    ----------
    time, event, level : ndarray (member,)
        `level` is that of the covariate whose subgroups have curves.
    """

    time: np.ndarray = field(default_factory=lambda: np.zeros(0))
    event: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    level: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def at_risk(self, times: np.ndarray) -> np.ndarray:
        """How many have these times or later ones."""
        return len(self.time) - np.searchsorted(np.sort(self.time), times, side="left")

    def died_by(self, times: np.ndarray) -> np.ndarray:
        """How many have died before these times."""
        return np.searchsorted(np.sort(self.time[self.event == 1]), times, side="left")

    def moved_to_falls(self, reading: Reading, times: np.ndarray, draws: np.random.Generator) -> "Members":
        """The same members, their deaths in gaps in which the whole curve falls, where one is near.

        Parameters
        ----------
        reading : Reading
            Of the whole curve.
        times : ndarray (gap + 1,)
        draws : Generator
        """
        gaps = np.flatnonzero(np.diff(np.interp(times, reading.time, reading.survival)) < 0)
        deaths = np.flatnonzero(self.event == 1)
        if not len(deaths) or not len(gaps):
            return self
        start, stop = times[gaps], times[gaps + 1]
        at = self.time[deaths, None]
        distance = np.maximum(np.maximum(start - at, at - stop), 0.0)
        nearest = distance.argmin(axis=1)
        moved = (distance.min(axis=1) > 0) & (distance.min(axis=1) <= NEAR * reading.curve.time_resolution)
        time = self.time.copy()
        time[deaths[moved]] = draws.uniform(start[nearest[moved]], stop[nearest[moved]])
        return Members(time, self.event, self.level)


NOBODY = Members()
