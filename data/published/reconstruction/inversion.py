"""Invert the published curve of one arm to a first cohort for the chain: a particle filter, then times within the gaps."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from data.published.reconstruction.density import END_WIDTH
from data.published.reconstruction.losses import LossShape, draw_followups, marked_shape, shape_of
from data.published.reconstruction.members import NOBODY, Members
from data.published.reconstruction.particles import PARTICLES, Grid, draw_path
from data.published.reconstruction.readings import READING_SD, Reading

TOGETHER = (
    0.1,
    100.0,
)  # precision of the gamma process of deaths, log-uniformly, in pseudo-patients of the arm: ties are many, or none
SKEW = 0.7  # of the losses between two columns: evenly, or more of them early or late
FINEST = 0.02  # cumulative hazard of death in one gap: wider ones are cut
LOWEST = 0.01  # survival where the curve reaches zero, for the hazard


@dataclass(frozen=True, eq=False)
class Arm:
    """An arm made from its curve.

    Attributes
    ----------
    time, event : ndarray (patient,)
        Those followed to the end of the figure have times after it, by less than `END_WIDTH` of it.
    losses : LossShape
        The cumulative hazard of loss that the generative model of this cohort has.
    axis : ndarray of float (2,)
        Errors of the axis at survival 0 and 1, in units of the resolution.
    level : ndarray of int (patient,)
        Of the members whose times are known from curves of their own; -1 of the others.
    """

    time: np.ndarray
    event: np.ndarray
    losses: LossShape
    axis: np.ndarray
    level: np.ndarray


def arm_of(
    reading: Reading,
    size: int,
    axis: np.ndarray,
    axis_sd: float,
    draws: np.random.Generator,
    members: Members = NOBODY,
) -> Arm:
    """Pseudo-patients of an arm that have its curve.

    Parameters
    ----------
    reading : Reading
    size : int
    axis, axis_sd : ndarray of float (2,), float
        Mean and standard deviation of the errors of the axis at survival 0 and 1, in units of the resolution.
    draws : Generator
    members : Members
        Those whose times are known from curves of their own; they come first in the arm.
    """
    times, columns = _edges(reading)
    members = members.moved_to_falls(reading, times, draws)
    others = size - len(members.time)
    grid = _grid(reading, times, columns, members)
    step = reading.curve.survival_resolution
    died, lost, errors, followup = draw_path(
        grid, others, READING_SD * step, axis * step, axis_sd * step, draw_followups(reading, size, PARTICLES, draws),
        0.0 if len(reading.curve.censor_marks) else SKEW, size * np.exp(draws.uniform(*np.log(TOGETHER), PARTICLES)),
        reading.rate, draws,
    )  # fmt: skip
    late = np.where(times[1:] > reading.end, reading.end, times[1:])
    time_died, time_lost = (
        draws.uniform(np.repeat(times[:-1], count), np.repeat(late, count)) for count in (died, lost)
    )
    followed = reading.end * (1 + END_WIDTH * draws.random(others - len(time_died) - len(time_lost)))
    time = np.concatenate([members.time, time_died, time_lost, followed])
    event = np.concatenate([members.event, np.arange(others) < len(time_died)]).astype(np.int64)
    if (
        reading.curve.survival[-1] > 0 and time.max() < reading.curve.time[-1]
    ):  # it ends where the last is lost
        time[np.argmax(np.where(event == 0, time, 0.0))] = reading.end
    losses = _losses(reading, shape_of(reading, followup), columns, time, event, size)
    level = np.concatenate([members.level, np.full(others, -1)])
    return Arm(np.maximum(time, 1e-9 * reading.end), event, losses, errors / step, level)


def _edges(reading: Reading) -> tuple[np.ndarray, np.ndarray]:
    """Times between which deaths and losses are drawn, and the columns of the risk table."""
    curve, chosen = reading.curve, reading.beside
    columns = curve.at_risk_time[(curve.at_risk_time > 0) & (curve.at_risk_time <= reading.end)]
    edges = np.unique(
        np.concatenate([[0.0], curve.time[chosen][curve.time[chosen] > 0], columns, [reading.end]])
    )
    parts = np.maximum(np.ceil(_falls(reading, edges) / FINEST), 1).astype(int)
    pieces = [np.linspace(*ends, k, endpoint=False) for ends, k in zip(pairwise(edges), parts, strict=True)]
    return np.concatenate([*pieces, edges[-1:]]), columns


def _falls(reading: Reading, times: np.ndarray) -> np.ndarray:
    """The cumulative hazard between times, evenly between readings."""
    return -np.diff(np.log(np.maximum(np.interp(times, reading.time, reading.survival), LOWEST)))


def _grid(reading: Reading, times: np.ndarray, columns: np.ndarray, members: Members) -> Grid:
    """What is printed of each gap, of those who are no members."""
    curve, chosen = reading.curve, reading.beside
    used = np.isin(curve.at_risk_time, columns)
    gaps = len(times) - 1

    def at_end(when: np.ndarray, values: np.ndarray, nothing: float) -> np.ndarray:
        found = np.full(gaps, nothing)
        inside = when > 0
        found[np.searchsorted(times, when[inside]) - 1] = values[inside]
        return found

    events = np.where(
        np.isnan(curve.events), curve.at_risk.max(initial=0) - curve.at_risk - curve.censored, curve.events
    )[used]
    left = np.maximum(curve.at_risk[used] - members.at_risk(columns), 0)
    counted = at_end(columns, left, -1.0).astype(np.int64)
    place = np.flatnonzero(counted >= 0)
    marked = np.diff(marked_shape(reading).at(times)) if len(curve.censor_marks) else np.zeros(gaps)
    bridge, share, before, height = np.full(gaps, -1), np.zeros(gaps), np.zeros(gaps), np.zeros(gaps)
    for first, last in zip([0, *(place[:-1] + 1)], place, strict=False):
        inside = slice(first, last + 1)
        mass = (marked if len(curve.censor_marks) else np.diff(times))[inside]
        bridge[inside] = counted[last]
        share[inside] = mass / mass.sum()
        before[inside] = np.concatenate([[0.0], np.cumsum(share[inside])[:-1]])
        height[inside] = np.interp(times[last + 1], reading.time, reading.survival)
    return Grid(
        time=times,
        hazard=_falls(reading, times),
        reading=at_end(curve.time[chosen], curve.survival[chosen], np.nan),
        marked=marked,
        counted=counted,
        events=np.nan_to_num(at_end(columns, events - members.died_by(columns), -1.0), nan=-1.0).astype(np.int64),
        bridge=bridge,
        share=share,
        before=before,
        reached=height,
        known=members.at_risk(times[:-1]).astype(np.int64),
        known_died=np.diff(members.died_by(times)).astype(np.int64),
    )  # fmt: skip


def _losses(
    reading: Reading, shape: LossShape, columns: np.ndarray, time: np.ndarray, event: np.ndarray, size: int
) -> LossShape:
    """The hazard of loss of the generative model: between columns of the risk table as the arm was made; else as drawn.

    Each interval has at least half a loss.
    """
    if len(reading.curve.censor_marks):
        return LossShape(shape.knots, shape.reached + 0.5 / size * np.arange(len(shape.knots)))
    last = columns.max(initial=0.0)
    edges = np.unique(np.concatenate([[0.0], columns]))
    lost = np.histogram(time[event == 0], edges)[0] + 0.5
    exposure = np.diff(np.minimum(time[:, None], edges).sum(axis=0))
    rates = lost / np.maximum(exposure, 1e-9 * reading.end)
    table = np.concatenate([[0.0], np.cumsum(rates * np.diff(edges))])
    beyond = np.unique(np.append(shape.knots[shape.knots > last], reading.end))
    beyond = beyond[beyond > last]
    after = (
        table[-1] + shape.at(beyond) - shape.at(np.array([last])) + 0.5 / size * np.arange(1, len(beyond) + 1)
    )
    return LossShape(np.concatenate([edges, beyond]), np.concatenate([table, after]))
