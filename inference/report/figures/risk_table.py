"""The table under a survival curve: who is at risk, and how many were censored and had the event until then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from inference.report.figures.style import ARM_COLOURS, SMALL, narrow
from inference.report.figures.wording import wrapped

AT_RISK, EVENTS = "At risk", "Events"


@dataclass(frozen=True, eq=False)
class Followed:
    """Times at risk of an arm, of one cohort or of several.

    Attributes
    ----------
    entry, time : ndarray (episode,)
        Start and end of each, in the unit of the study.
    event : ndarray of bool (episode,)
        Whether it ends in the event.
    cohorts : int
        Counts are means over so many.
    left : str
        What it is called to leave without the event.
    """

    entry: np.ndarray
    time: np.ndarray
    event: np.ndarray
    cohorts: int = 1
    left: str = "Censored"

    def until(self, times: Sequence[float]) -> dict[str, list[int]]:
        """Return who is at risk just before each time, and how many left and had the event before it."""
        at = np.asarray(times, dtype=float)[:, None]
        over = self.time < at
        entered = (self.entry < at) | (self.entry <= 0.0)
        found = {AT_RISK: entered & ~over, self.left: over & ~self.event, EVENTS: over & self.event}
        return {
            name: np.rint(inside.sum(axis=1) / self.cohorts).astype(int).tolist()
            for name, inside in found.items()
        }


def risk_table(
    axes: Axes, followed: Mapping[str, Followed], labels: Mapping[str, str], ticks: Sequence[float]
) -> None:
    """Print the table, in the form that readers prefer (Morris and others 2019, doi 10.1136/bmjopen-2019-030215).

    Parameters
    ----------
    axes : Axes
        Below the curve, with its axis of time.
    followed, labels : mapping
        By arm.
    ticks : sequence of float
        Times of the columns.
    """
    size, place = 0.8 * SMALL if narrow() else SMALL, 0
    names: list[str] = []
    for arm in (arm for arm in labels if arm in followed):
        said: dict[str, Any] = {"va": "center", "fontsize": size, "color": ARM_COLOURS[arm]}
        for line in wrapped(labels[arm], 46 if narrow() else 90).split("\n"):
            across = axes.get_yaxis_transform()
            axes.text(0.0, place, line, transform=across, fontweight="bold", **said).set_in_layout(False)
            names.append("")
            place += 1
        for name, counts in followed[arm].until(ticks).items():
            for tick, count in zip(ticks, counts, strict=True):
                axes.text(tick, place, f"{count}", ha="center", **said)
            names.append(name)
            place += 1
    axes.set_ylim(place - 0.5, -0.5)
    axes.set_yticks(range(len(names)), labels=names)
    axes.tick_params(length=0, labelbottom=False)
    axes.tick_params(axis="y", pad=12, labelsize=size)
    axes.spines[:].set_visible(False)
