"""Invert the published curve of one arm to a first cohort for the chain: a particle filter, then times within the gaps."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from data.published.evidence import Evidence
from data.published.reconstruction.density import END_WIDTH
from data.published.reconstruction.losses import LossShape, draw_followups, marked_shape, shape_of
from data.published.reconstruction.margins import ARMS, Strata
from data.published.reconstruction.particles import PARTICLES, Grid, draw_path
from data.published.reconstruction.readings import READING_SD, Reading, read

SKEW = 0.7  # of the losses between two columns: evenly, or more of them early or late
FINEST = 0.02  # cumulative hazard of death in one gap: wider ones are cut
LOWEST = 0.01  # survival where the curve reaches zero, for the hazard
CALIBRATION_SD = 0.5  # standard deviation of the error at an end of an axis, in units of the resolution
SHARED_SD = 0.1  # the same of the second arm of a figure, around the first


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
    curve : str
        The name of the curve.
    """

    time: np.ndarray
    event: np.ndarray
    losses: LossShape
    axis: np.ndarray
    curve: str


def published_arms(evidence: Evidence, strata: Strata, draws: np.random.Generator) -> dict[int, Arm]:
    """Pseudo-patients of every stratum whose arm has a published curve, by the number of the stratum.

    A stratum takes the curve of its own phase; those outside the matched set take part of their arm's.
    """
    found: dict[int, Arm] = {}
    axes: dict[str, np.ndarray] = {}
    for number, (treated, matched) in enumerate(zip(strata.treated, strata.matched, strict=True)):
        arm = ARMS[int(treated)]
        for phase in ("after", "before") if matched else ("before",):
            curve = next(
                (one for one in evidence.curves if (one.arm, one.phase, one.subgroup) == (arm, phase, "")),
                None,
            )
            if curve is None:
                continue
            size, axis = evidence.size(arm, phase), axes.get(curve.curve)
            known = (np.zeros(2), CALIBRATION_SD) if axis is None else (axis, SHARED_SD)
            whole = arm_of(read(curve), size, *known, draws)
            axes[curve.curve] = whole.axis
            part = draws.permutation(size)[: strata.sizes[number]]
            found[number] = replace(whole, time=whole.time[part], event=whole.event[part])
            break
    return found


def arm_of(reading: Reading, size: int, axis: np.ndarray, axis_sd: float, draws: np.random.Generator) -> Arm:
    """Pseudo-patients of an arm that have its curve.

    Parameters
    ----------
    reading : Reading
    size : int
    axis, axis_sd : ndarray of float (2,), float
        Mean and standard deviation of the errors of the axis at survival 0 and 1, in units of the resolution.
    draws : Generator
    """
    times, grid, columns = _grid(reading)
    step = reading.curve.survival_resolution
    died, lost, errors, followup = draw_path(
        grid, size, READING_SD * step, axis * step, axis_sd * step, draw_followups(reading, size, PARTICLES, draws),
        0.0 if len(reading.curve.censor_marks) else SKEW, reading.rate, draws,
    )  # fmt: skip
    late = np.where(times[1:] > reading.end, reading.end, times[1:])
    time_died, time_lost = (
        draws.uniform(np.repeat(times[:-1], count), np.repeat(late, count)) for count in (died, lost)
    )
    followed = reading.end * (1 + END_WIDTH * draws.random(size - len(time_died) - len(time_lost)))
    time = np.concatenate([time_died, time_lost, followed])
    event = (np.arange(size) < len(time_died)).astype(np.int64)
    losses = _losses(reading, shape_of(reading, followup), columns, time, event, size)
    return Arm(np.maximum(time, 1e-9 * reading.end), event, losses, errors / step, reading.curve.curve)


def _grid(reading: Reading) -> tuple[np.ndarray, Grid, np.ndarray]:
    """Times between which deaths and losses are drawn, what is printed of each gap, and the columns of the risk table."""
    curve, chosen = reading.curve, reading.beside
    used = (curve.at_risk_time > 0) & (curve.at_risk_time <= reading.end)
    columns = curve.at_risk_time[used]
    edges = np.unique(
        np.concatenate([[0.0], curve.time[chosen][curve.time[chosen] > 0], columns, [reading.end]])
    )
    falls = -np.diff(np.log(np.maximum(np.interp(edges, reading.time, reading.survival), LOWEST)))
    parts = np.maximum(np.ceil(falls / FINEST), 1).astype(int)
    pieces = [np.linspace(*ends, k, endpoint=False) for ends, k in zip(pairwise(edges), parts, strict=True)]
    times = np.concatenate([*pieces, edges[-1:]])
    hazard = np.repeat(falls / parts, parts)
    gaps = len(times) - 1

    def at_end(when: np.ndarray, values: np.ndarray, nothing: float) -> np.ndarray:
        found = np.full(gaps, nothing)
        inside = when > 0
        found[np.searchsorted(times, when[inside]) - 1] = values[inside]
        return found

    events = np.where(
        np.isnan(curve.events), curve.at_risk.max(initial=0) - curve.at_risk - curve.censored, curve.events
    )[used]
    counted = at_end(columns, curve.at_risk[used], -1.0).astype(np.int64)
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
    return times, Grid(
        time=times,
        hazard=hazard,
        reading=at_end(curve.time[chosen], curve.survival[chosen], np.nan),
        marked=marked,
        counted=counted,
        events=np.nan_to_num(at_end(columns, events, -1.0), nan=-1.0).astype(np.int64),
        bridge=bridge,
        share=share,
        before=before,
        reached=height,
    ), columns  # fmt: skip


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
