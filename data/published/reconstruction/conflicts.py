"""Targets that cannot be met, and what they pull against: what gets worse whenever a missed one gets better."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from data.published.reconstruction.arrays import Layout
from data.published.reconstruction.chain import CHANCES, run
from data.published.reconstruction.statistics import penalty
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

    Single moves are tried from the state in which the chain ended, as if targets did not count, and taken back. Over
    those that bring the missed target nearer, the mean change of every other target's squared deviation is
    taken; those that grow are what it pulls against.
    """
    layout = state.layout
    changes, gains = [], []
    start = _penalties(state.values, layout)
    for _ in range(TRIALS):
        tried = deepcopy(state)
        run(
            tried.order, tried.rank, tried.time, tried.event, tried.values, tried.places, tried.moves, layout,
            tried.member, tried.lifetimes, tried.covariates, draws.random((1, CHANCES)), draws.standard_normal((1, 2)),
            np.array([HOT]),
        )  # fmt: skip
        change = _penalties(tried.values, layout) - start
        changes.append(change)
        gains.append(change[missed] < -1e-9)
    table, better = np.array(changes), np.array(gains)
    found = []
    for column, number in enumerate(missed):
        target = targets[number]
        value = target.value(float(state.values[number]))
        text = f"{target.name}: printed {target.operator if target.operator == '<' else ''}{target.printed:.4g}, reached {value:.4g}"
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


def _penalties(values: np.ndarray, layout: Layout) -> np.ndarray:
    return np.array(
        [
            penalty(*one)
            for one in zip(values, layout.aim, layout.width, layout.flat, layout.bound, strict=True)
        ]
    )
