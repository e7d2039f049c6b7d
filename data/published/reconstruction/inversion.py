"""Invert the published curve of one arm to a first cohort for the chain: a particle filter, then times within the gaps.

Loss to follow-up is a trial's accrual and its few early losses, or what the marks of the figure show.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from data.published.reconstruction.density import END_WIDTH
from data.published.reconstruction.particles import PARTICLES, Grid, draw_path, draw_window, loss_hazard
from data.published.reconstruction.readings import READING_SD, Reading

NEAR = 2.0  # units of the reading of time within which a death belongs to a fall of the whole curve
PIECES = 12  # of constant hazard, where nothing is printed
# Of 386 arms of 193 published curves (kmdata): 8 % were lost in the first fifth of the figure on average.
EVENLY = (1.0, 4.0)  # beta distribution of the share lost evenly by the end of the figure
MARKED = 0.97  # share of the losses that marks show, where there are any
HIDDEN = (1.0, 2.0)  # losses for each mark
# precision of the gamma process of deaths, log-uniformly, in pseudo-patients of the arm: ties are many, or none
TOGETHER = (0.1, 100.0)
SKEW = 0.7  # of the losses between two columns: evenly, or more of them early or late
FINEST = 0.02  # cumulative hazard of death in one gap: wider ones are cut
LOWEST = 0.01  # survival where the curve reaches zero, for the hazard


@dataclass(frozen=True, eq=False)
class Members:
    """Pseudo-patients of an arm whose times are known from curves of their subgroups, beside the curve of the whole arm."""

    # (member,) each; `level` is that of the covariate whose subgroups have curves
    time: np.ndarray
    event: np.ndarray
    level: np.ndarray

    def at_risk(self, times: np.ndarray) -> np.ndarray:
        """How many have these times or later ones."""
        return len(self.time) - np.searchsorted(np.sort(self.time), times, side="left")

    def died_by(self, times: np.ndarray) -> np.ndarray:
        """How many have died before these times."""
        return np.searchsorted(np.sort(self.time[self.event == 1]), times, side="left")

    def moved_to_falls(self, reading: Reading, times: np.ndarray, draws: np.random.Generator) -> "Members":
        """The same members, their deaths in gaps between times (gap + 1,) in which the whole curve falls, where one is near."""
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


NOBODY = Members(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class LossShape:
    """Cumulative hazard of loss to follow-up, linear between knots."""

    # (knot,) times from 0 to the end of the figure, and the cumulative hazard there
    knots: np.ndarray
    reached: np.ndarray

    def at(self, time: np.ndarray) -> np.ndarray:
        """The cumulative hazard at times."""
        return np.interp(time, self.knots, self.reached)


def draw_followups(reading: Reading, size: int, count: int, draws: np.random.Generator) -> np.ndarray:
    """Draw what is not known of the follow-up, as the particle filter takes it (particle, 4)."""
    end, marks = reading.end, len(reading.curve.censor_marks)
    if marks:
        share = np.minimum(marks / size * draws.uniform(*HIDDEN, count), 0.98)
        return np.stack([-np.log1p(-share), np.zeros(count), np.ones(count), np.ones(count)], axis=1)
    found = np.zeros((count, 4))
    found[:, 0] = -np.log1p(-draws.beta(*EVENLY, count)) / end
    for followup in found:
        draw_window(followup, 0.0, end, draws)
    return found


def shape_of(reading: Reading, followup: np.ndarray) -> LossShape:
    """The cumulative hazard of loss of a follow-up as it was drawn (4,)."""
    if len(reading.curve.censor_marks):
        shape = marked_shape(reading)
        return LossShape(shape.knots, followup[0] * shape.reached)
    knots = np.linspace(0.0, reading.end, PIECES + 1)
    return LossShape(knots, np.array([loss_hazard(time, followup) for time in knots]))


def marked_shape(reading: Reading) -> LossShape:
    """Losses at the censor marks, each as wide as two steps of the reading, and a small share of them anywhere; 1 in total."""
    marks, width = reading.curve.censor_marks, reading.curve.time_resolution
    ends = np.concatenate([[0.0, reading.end], marks - width, marks + width])
    edges = np.unique(np.clip(ends, 0.0, reading.end))
    middle, length = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    near = (np.abs(middle[:, None] - marks) <= width).sum(axis=1)
    rate = MARKED * near / (near * length).sum() + (1 - MARKED) / reading.end
    return LossShape(edges, np.concatenate([[0.0], np.cumsum(rate * length)]))


@dataclass(frozen=True, eq=False)
class Arm:
    """An arm made from its curve."""

    # (patient,) those followed to the end of the figure have times after it, by less than `END_WIDTH` of it
    time: np.ndarray
    event: np.ndarray
    losses: LossShape  # the cumulative hazard of loss that the generative model of this cohort has
    axis: np.ndarray  # (2,) errors of the axis at survival 0 and 1, in units of the resolution
    # (patient,) int: of the members whose times are known from curves of their own; -1 of the others
    level: np.ndarray


def arm_of(
    reading: Reading,
    size: int,
    axis: np.ndarray,
    axis_sd: float,
    draws: np.random.Generator,
    members: Members = NOBODY,
) -> Arm:
    """Pseudo-patients of an arm that have its curve; members, whose times are known from curves of their own, come first.

    `axis` (2,) and `axis_sd` are the mean and standard deviation of the errors of the axis at survival 0 and 1, in units of
    the resolution.
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
