"""Targets of published curves: the points read from a figure, and the exact numbers under it."""

import numpy as np

from data.published.evidence import Evidence
from data.published.published_curves import PublishedCurve
from data.published.reconstruction.arrays import AT_RISK, EVENTS, SURVIVAL
from data.published.reconstruction.readings import READING_SD, read
from data.published.reconstruction.target import COUNT, CURVE, Figure, Group, Target
from data.study.study import Study

TOLERANCE = 2.0  # of a reading, in units of its resolution
COUNT_SD = 0.15  # half a pseudo-patient is the tolerance; the width makes counts all but exact


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
    return [
        Target(
            f"followed to the end of the curve, {who}", COUNT, 1.0, 0.5, ">", AT_RISK, group,
            last - curve.time_resolution / 2, 1.0, COUNT_SD,
        )
    ]  # fmt: skip


def _counts(curve: PublishedCurve, group: Group, size: float, who: str, unit: str) -> list[Target]:
    """Numbers at risk after time 0, cumulative events, and losses as the events that are left."""
    found = []

    def count(name: str, kind: int, printed: float, time: float) -> None:
        found.append(
            Target(
                f"{name} at {time:g} {unit}, {who}",
                COUNT,
                float(printed),
                0.5,
                "=",
                kind,
                group,
                time,
                float(printed),
                COUNT_SD,
            )
        )

    for time, at_risk, events, censored in zip(
        curve.at_risk_time, curve.at_risk, curve.events, curve.censored, strict=True
    ):
        if time <= 0:
            continue
        # times are continuous: those of the column's time itself may fall on either side of it, as the figure says
        before = float(np.nextafter(time, 0.0)) if curve.at_risk_counts != "at" else float(time)
        count("at risk", AT_RISK, at_risk, before)
        if not np.isnan(events):
            count("events", EVENTS, events, before)
        elif not np.isnan(censored):
            count("events", EVENTS, size - at_risk - censored, before)
    return found
