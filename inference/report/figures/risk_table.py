"""The table under a survival curve: who is at risk, and how many were censored and had the event until then."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from inference.report.figures.style import ARM_COLOURS, OBSERVED, SMALL, WIDTH, canvas, narrow
from inference.report.figures.wording import wrapped

AT_RISK, EVENTS = "At risk", "Events"
LINE = 0.16  # inches: height of a row
DIGIT = 5.0  # points: width of a digit


@dataclass(frozen=True, eq=False)
class Followed:
    """Times at risk of an arm, of one cohort or of several."""

    # (episode,) start and end of each, in the unit of the study
    entry: np.ndarray
    time: np.ndarray
    event: np.ndarray  # (episode,) whether it ends in the event
    cohorts: int = 1  # counts are means over so many
    left: str = "Censored"  # what it is called to leave without the event
    weight: np.ndarray | None = None  # (episode,) what each counts; 1 if None

    def until(self, times: Sequence[float]) -> dict[str, list[int]]:
        """Return who is at risk just before each time, and how many left and had the event before it: sums of weights, rounded."""
        at = np.asarray(times, dtype=float)[:, None]
        over = self.time < at
        entered = (self.entry < at) | (self.entry <= 0.0)
        found = {AT_RISK: entered & ~over, self.left: over & ~self.event, EVENTS: over & self.event}
        weight = np.ones(self.time.size) if self.weight is None else self.weight
        return {
            name: np.rint(inside @ weight / self.cohorts).astype(int).tolist()
            for name, inside in found.items()
        }


def together(parts: Iterable[Followed]) -> Followed:
    """Return the times at risk of several cohorts, of which counts are means."""
    listed = list(parts)
    entry, time, event = (
        np.concatenate([getattr(one, name) for one in listed]) for name in ("entry", "time", "event")
    )
    weights = [np.ones(one.time.size) if one.weight is None else one.weight for one in listed]
    return Followed(entry, time, event, len(listed), listed[0].left, np.concatenate(weights))


def followed_patients(patients: pd.DataFrame, cohorts: int) -> Followed:
    """Return the times at risk of pseudo-patients (``time, event``) of so many cohorts."""
    time, event = patients["time"].to_numpy(float), patients["event"].to_numpy() == 1
    return Followed(np.zeros(time.size), time, event, cohorts)


def time_ticks(axes: Axes, end: float, at_most: int, known: Sequence[float] = ()) -> list[float]:
    """Give an axis of time ticks up to its end, and return them: the columns of the table; round ones, or those known that have room."""
    found = known or MaxNLocator(at_most, steps=[1, 2, 2.5, 3, 5, 10]).tick_values(0, end)
    ticks: list[float] = []
    for tick in found:
        if tick <= end and (not (known and ticks) or tick - ticks[-1] >= 0.9 * end / at_most):
            ticks.append(float(tick))
    axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    return ticks


def above_tables(
    height: float, lines: int, count: int, width: float = WIDTH, columns: int = 3
) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    """Return a figure of panels, each above an axes for a table; one below the other where figures are made for one column.

    Parameters
    ----------
    height : float
        Of a panel, in inches, without its table.
    lines : int
        Of a table.
    count : int
        Number of panels.
    width : float
        Of the figure, in inches.
    columns : int
        At most so many panels stand beside each other.
    """
    below, across = LINE * lines, 1 if narrow() else min(columns, count)
    above, down = 0.9 * height if narrow() and count > 1 else height, -(-count // across)
    figure = canvas((above + below) * down, width)
    drawn = figure.subplots(2 * down, across, squeeze=False, height_ratios=[above, below] * down)
    panels = list(zip(drawn[::2].ravel(), drawn[1::2].ravel(), strict=True))
    for axes in (one for panel in panels[count:] for one in panel):
        axes.set_visible(False)
    return figure, panels[:count]


def table_below(
    axes: Axes,
    table: Axes,
    end: float,
    followed: Mapping[str, Followed],
    labels: Mapping[str, str],
    at_most: int = 5,
    **how: Any,
) -> None:
    """Give a panel of `above_tables` its axis of time, and print its `risk_table` below at most so many ticks."""
    axes.set_xlim(0, end)
    table.set_xlim(0, end)
    risk_table(table, followed, labels, time_ticks(axes, end, at_most), **how)


def risk_table(
    axes: Axes,
    followed: Mapping[str, Followed],
    labels: Mapping[str, str],
    ticks: Sequence[float],
    colours: Mapping[str, str] = ARM_COLOURS,
    width: int = 0,
    *,
    named: bool = True,
) -> None:
    """Print the table, in the form that readers prefer (Morris and others 2019, doi 10.1136/bmjopen-2019-030215).

    Parameters
    ----------
    axes : Axes
        Below the curve, with its axis of time.
    followed : mapping
        By arm, or by group.
    labels : mapping
        Headings of those that are shown; an empty one is left out.
    ticks : sequence of float
        Times of the columns.
    colours : mapping
        By arm, or by group.
    width : int
        Letters of a heading's line; by default those that fit a figure of one panel.
    named : bool
        Whether rows have their names: beside the first panel of a figure they do.
    """
    size, place = 0.8 * SMALL if narrow() else SMALL, 0
    names: list[str] = []
    digits = 3
    for arm in (arm for arm in labels if arm in followed):
        said: dict[str, Any] = {"va": "center", "fontsize": size, "color": colours.get(arm, OBSERVED)}
        heading = wrapped(labels[arm], 46 if narrow() else width or 90)
        for line in heading.split("\n") if heading else ():
            across = axes.get_yaxis_transform()
            axes.text(0.0, place, line, transform=across, fontweight="bold", **said).set_in_layout(False)
            names.append("")
            place += 1
        for name, counts in followed[arm].until(ticks).items():
            digits = max(digits, len(f"{counts[0]}"))
            for tick, count in zip(ticks, counts, strict=True):
                axes.text(tick, place, f"{count}", ha="center", **said)
            names.append(name if named or narrow() else "")
            place += 1
    axes.set_ylim(place - 0.5, -0.5)
    axes.set_yticks(range(len(names)), labels=names)
    axes.tick_params(length=0, labelbottom=False)
    # beside the middle of the first column
    axes.tick_params(axis="y", pad=12 + DIGIT * (digits - 3) / 2, labelsize=size)
    axes.spines[:].set_visible(False)
