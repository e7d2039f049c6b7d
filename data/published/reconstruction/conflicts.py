"""Targets that cannot be met, and what they pull against: what gets worse whenever a missed one gets better."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from data.published.reconstruction.statistics import penalties
from data.published.reconstruction.target import Target

if TYPE_CHECKING:
    from data.published.reconstruction.cohorts import State

TRIALS = 3000  # moves that are looked at
HOT = 1e9  # so hot that the targets do not count: moves are those of the generative model
NAMED = 3


def conflicts_of(
    targets: tuple[Target, ...], missed: list[int], state: State, draws: np.random.Generator
) -> tuple[str, ...]:
    """One sentence for each missed target: how far it is off, and which targets moves towards it make worse.

    Of a curve the worst point stands for all that are missed.

    Single moves are tried from the state in which the chain ended, as if targets did not count, and taken back. Over
    those that bring the missed target nearer, the mean change of every other target's squared deviation is
    taken; those that grow are what it pulls against.
    """
    layout = state.layout
    points = _points_of_curves(targets, missed, state.values)
    missed = list(points)
    changes, gains = [], []
    start = penalties(state.values, layout)
    for _ in range(TRIALS):
        tried = deepcopy(state)
        tried.step(np.array([HOT]), draws)
        change = penalties(tried.values, layout) - start
        changes.append(change)
        gains.append(change[missed] < -1e-9)
    table, better = np.array(changes), np.array(gains)
    found = []
    for column, number in enumerate(missed):
        target = targets[number]
        value = target.value(float(state.values[number]))
        text = f"{target.name}: printed {target.operator.strip('=')}{target.printed:.4g}, reached {value:.4g}"
        if points[number] > 1:
            text += f", the worst of {points[number]} points of this curve"
        if better[:, column].any():
            mean = table[better[:, column]].mean(axis=0)
            worst = [place for place in np.argsort(-mean)[:NAMED] if mean[place] > 0]
            pulled = "; ".join(targets[place].name for place in worst)
            text += (
                f"; moves towards it worsen {pulled}"
                if pulled
                else "; nothing stands against it but the chain's length"
            )
        else:
            text += "; no single move brings it nearer"
        found.append(text)
    return tuple(found)


def _points_of_curves(targets: tuple[Target, ...], missed: list[int], values: np.ndarray) -> dict[int, int]:
    """The missed targets, of the points of a curve the worst only, with how many points it stands for (1 for other targets)."""
    of_curve: dict[object, list[int]] = {}
    for number in missed:
        target = targets[number]
        of_curve.setdefault(number if target.figure is None else (target.figure, target.of), []).append(
            number
        )
    return {
        max(alike, key=lambda one: abs(targets[one].deviation(float(values[one])))): len(alike)
        for alike in of_curve.values()
    }
