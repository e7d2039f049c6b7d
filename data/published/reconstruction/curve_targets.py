"""Targets of published curves: the points read from a figure, the exact numbers under it, and the axes that points share.

A reading (t, y) is the curve at a time and height that are shifted and stretched by the errors of the two points on each
axis that the figure was calibrated with. They are drawn along with the cohort.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from data.published.evidence import Evidence
from data.published.published_curves import PublishedCurve
from data.published.reconstruction.arrays import AT_RISK, EVENTS, SURVIVAL, Layout
from data.published.reconstruction.readings import READING_SD, read
from data.published.reconstruction.target import COUNT, CURVE, Figure, Group, Target
from data.study.study import Study

TOLERANCE = 2.0  # of a reading, in units of its resolution
COUNT_SD = 0.15  # half a pseudo-patient is the tolerance; the width makes counts all but exact
CALIBRATION_SD = 0.5  # standard deviation of the error at an end of an axis, in units of the resolution
STEP = 0.5  # standard deviation of a proposed change


def curve_targets(study: Study, evidence: Evidence) -> list[Target]:
    """The targets of every published curve: its points, numbers at risk, cumulative events and losses."""
    labels = study.treatment.labels
    found = []
    for curve in evidence.curves:
        column, _, level = curve.subgroup.partition("=")
        group = Group(curve.phase, curve.arm, column, level or "1")
        who = f"{curve.curve}, {labels[curve.arm]}"
        found += [*_points(curve, _figure(evidence, curve), group, who), *_end(curve, group, who)]
        size = evidence.size(curve.arm, curve.phase) if not column else float(curve.at_risk.max(initial=0))
        found += _counts(curve, group, size, who, study.time_unit)
    return found


def figure_name(curve: PublishedCurve) -> str:
    """The name of the figure that a curve is on, with the subgroup, if it is of one."""
    return f"{curve.curve}, {curve.subgroup}" if curve.subgroup else curve.curve


def _figure(evidence: Evidence, curve: PublishedCurve) -> Figure:
    """The figure of a curve, which the other arm shares."""
    alike = [one for one in evidence.curves if (one.curve, one.subgroup) == (curve.curve, curve.subgroup)]
    return Figure(
        figure_name(curve),
        max(read(one).end for one in alike),
        max(one.time_resolution for one in alike),
        max(one.survival_resolution for one in alike),
    )


def _points(curve: PublishedCurve, figure: Figure, group: Group, who: str) -> list[Target]:
    step = curve.survival_resolution
    return [
        Target(
            f"{who}, read at {curve.time[place]:.6g}",
            CURVE,
            float(curve.survival[place]),
            TOLERANCE * step,
            "=",
            SURVIVAL,
            group,
            float(curve.time[place]),
            float(curve.survival[place]),
            READING_SD * step,
            time_error=curve.time_resolution / 2,
            figure=figure,
        )
        for place in read(curve).chosen
    ]


def _end(curve: PublishedCurve, group: Group, who: str) -> list[Target]:
    """Somebody is followed to where the curve ends, unless it ends because all have died, or a count says so."""
    last = float(curve.time[-1])
    if curve.survival[-1] <= 0 or (curve.at_risk[curve.at_risk_time >= last] > 0).any():
        return []
    name, before = f"followed to the end of the curve, {who}", last - curve.time_resolution / 2
    return [_count(name, 1.0, before, AT_RISK, group, ">")]


def _count(name: str, printed: float, time: float, kind: int, group: Group, operator: str = "=") -> Target:
    return Target(name, COUNT, printed, 0.5, operator, kind, group, time, printed, COUNT_SD)


def _counts(curve: PublishedCurve, group: Group, size: float, who: str, unit: str) -> list[Target]:
    """Numbers at risk after time 0, cumulative events, and losses as the events that are left."""
    found = []
    for time, at_risk, events, censored in zip(
        curve.at_risk_time, curve.at_risk, curve.events, curve.censored, strict=True
    ):
        if time <= 0:
            continue
        # times are continuous: those of the column's time itself may fall on either side of it, as the figure says
        before = float(np.nextafter(time, 0.0)) if curve.at_risk_counts != "at" else float(time)
        when = f"at {before:g} {unit}, {who}"
        found.append(_count(f"at risk {when}", float(at_risk), before, AT_RISK, group))
        if not np.isnan(events):
            found.append(_count(f"events {when}", float(events), before, EVENTS, group))
        elif not np.isnan(censored):
            found.append(_count(f"events {when}", float(size - at_risk - censored), before, EVENTS, group))
    return found


@dataclass(frozen=True, eq=False)
class Axes:
    """The axes of every figure of a study, for one cohort."""

    # (point,) int: which target a point is, and on which figure
    target: np.ndarray
    figure: np.ndarray
    # (point,) as read
    time: np.ndarray
    survival: np.ndarray
    time_error: np.ndarray
    # (checkpoint,) of every checkpoint, as they are without errors: the group and target, the time, the point
    # of a figure or -1, and whether it is the later of a point's two
    group: np.ndarray
    entry_target: np.ndarray
    entry_time: np.ndarray
    point: np.ndarray
    until: np.ndarray
    ends: np.ndarray  # (figure,) time at which the axis ends
    resolution: np.ndarray  # (figure, 2) of time and of survival
    # (figure, 4) at the beginning and end of the axis of time, at survival 0 and 1, in units of the
    # resolution; changed in place
    errors: np.ndarray

    def place(self, layout: Layout) -> None:
        """Put the points where the errors say, in the layout."""
        error = self.errors[self.figure] * np.repeat(self.resolution[self.figure], 2, axis=1)
        share = self.time / self.ends[self.figure]
        at = self.time + error[:, 0] * (1 - share) + error[:, 1] * share
        layout.aim[self.target] = (
            self.survival + error[:, 2] * (1 - self.survival) + error[:, 3] * self.survival
        )
        times, read = self.entry_time.copy(), self.point >= 0
        side = np.where(self.until[read], 1.0, -1.0)
        times[read] = at[self.point[read]] + side * self.time_error[self.point[read]]
        order = np.lexsort((times, self.group))
        layout.checkpoints[:] = times[order]
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order)) - layout.checkpoint_first[self.group[order]]
        alone = ~self.until
        layout.at[self.entry_target[alone]] = place[alone]
        layout.until[self.entry_target[alone]] = place[alone]
        layout.until[self.entry_target[self.until]] = place[self.until]

    def move(self, figure: int, side: int, draws: np.random.Generator) -> tuple[float, float]:
        """Propose another error, and return the old one and the change of its log density.

        An axis that is stretched spreads the errors of its readings: their densities are those of the points as read.
        """
        old, before = float(self.errors[figure, side]), self._log_stretch(figure)
        new = old + STEP * draws.standard_normal()
        self.errors[figure, side] = new
        return old, 0.5 * (old**2 - new**2) / CALIBRATION_SD**2 + self._log_stretch(figure) - before

    def _log_stretch(self, figure: int) -> float:
        stretch = 1 + (self.errors[figure, 3] - self.errors[figure, 2]) * self.resolution[figure, 1]
        return float((self.figure == figure).sum() * np.log(max(stretch, 1e-9)))


def axes_of(targets: tuple[Target, ...], layout: Layout, known: Mapping[str, np.ndarray]) -> Axes:
    """The axes of the figures that targets were read from, with the errors of survival that the arms were made with."""
    points = [(number, target) for number, target in enumerate(targets) if target.figure is not None]
    figures = list(dict.fromkeys(target.figure for target in targets if target.figure is not None))
    place: dict[Figure | None, int] = {figure: number for number, figure in enumerate(figures)}
    listed = {number: row for row, (number, _) in enumerate(points)}
    entries = [
        (group, number, time, listed.get(number, -1), side)
        for group, (first, last) in enumerate(pairwise(layout.part_first[: len(layout.reverse) + 1]))
        for number in layout.part_targets[first:last]
        for side, time in enumerate(targets[number].times)
    ]
    group, number, time, point, side = (
        (np.array(column) for column in zip(*entries, strict=True)) if entries else (np.zeros(0, int),) * 5
    )
    errors = np.zeros((len(figures), 4))
    for figure in figures:
        errors[place[figure], 2:] = known.get(figure.curve, 0.0)
    return Axes(
        target=np.array([number for number, _ in points], int),
        figure=np.array([place[target.figure] for _, target in points], int),
        time=np.array([target.time for _, target in points], float),
        survival=np.array([target.printed for _, target in points], float),
        time_error=np.array([target.time_error for _, target in points], float),
        group=group.astype(int), entry_target=number.astype(int), entry_time=time.astype(float), point=point.astype(int),
        until=side.astype(bool),
        ends=np.array([figure.end for figure in figures], float),
        resolution=np.array([(figure.time_resolution, figure.survival_resolution) for figure in figures]).reshape(-1, 2),
        errors=errors,
    )  # fmt: skip
