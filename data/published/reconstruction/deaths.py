"""Printed numbers of deaths: which strata share them, and a first draw that has them exactly."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import LinearConstraint, milp

from data.errors import InputError
from data.published.evidence import Evidence
from data.published.reconstruction.density import draw_lifetime
from data.published.reconstruction.inversion import Arm
from data.published.reconstruction.lifetimes import Lifetimes
from data.published.reconstruction.margins import ARMS, Strata

TRIES = 400  # of new draws for each pseudo-patient, before events are flipped


@dataclass(frozen=True)
class DeathCount:
    """A printed number of deaths, of an arm ("" for both) and phase, and the strata that it counts."""

    arm: str
    phase: str
    count: int
    strata: tuple[int, ...]


def death_counts(evidence: Evidence, strata: Strata) -> tuple[DeathCount, ...]:
    """Return the printed numbers of deaths.

    Raises
    ------
    InputError
        If no cohort can have them all.
    """
    found = []
    for row in evidence.survival:
        if row.quantity == "deaths" and row.phase in evidence.phases and row.arm != "contrast":
            inside = [
                number
                for number in range(len(strata.sizes))
                if (row.phase == "before" or strata.matched[number])
                and row.arm in ("", ARMS[int(strata.treated[number])])
            ]
            found.append(DeathCount(row.arm, row.phase, int(row.number.value), tuple(inside)))
    if found and _nearest(tuple(found), strata, np.zeros(len(strata.sizes))) is None:
        listed = ", ".join(f"{one.count} {one.arm or 'of all'} {one.phase} matching" for one in found)
        raise InputError(
            f"{evidence.folder / 'survival.csv'}: deaths must agree with each other and with n, but no cohort can have "
            f"{listed}; correct the rows."
        )
    return tuple(found)


def death_classes(counts: tuple[DeathCount, ...], strata: Strata) -> np.ndarray:
    """Class of every stratum: deaths may move between strata of one class; -1 where their number is free."""
    signatures = [tuple(number in one.strata for one in counts) for number in range(len(strata.sizes))]
    listed = sorted({one for one in signatures if any(one)})
    return np.array([listed.index(one) if any(one) else -1 for one in signatures])


def _nearest(counts: tuple[DeathCount, ...], strata: Strata, drawn: np.ndarray) -> np.ndarray | None:
    """The numbers of deaths by stratum nearest to those drawn that add up to print, or None."""
    size = len(strata.sizes)
    rows = np.array([[float(number in one.strata) for number in range(size)] for one in counts])
    # minimise the sum of |deaths - drawn|, written with the difference as a variable of its own
    apart = np.vstack([np.hstack([np.eye(size), -np.eye(size)]), np.hstack([np.eye(size), np.eye(size)])])
    upper = np.concatenate([drawn, np.full(size, np.inf)])
    lower = np.concatenate([np.full(size, -np.inf), drawn])
    totals = [one.count for one in counts]
    solved = milp(
        np.concatenate([np.zeros(size), np.ones(size)]),
        integrality=np.concatenate([np.ones(size), np.zeros(size)]),
        bounds=(np.zeros(2 * size), np.concatenate([strata.sizes, np.full(size, np.inf)])),
        constraints=[
            LinearConstraint(apart, lower, upper),
            LinearConstraint(np.hstack([rows, np.zeros_like(rows)]), totals, totals),
        ],
    )
    return np.rint(solved.x[:size]).astype(int) if solved.success else None


def first_lifetimes(
    counts: tuple[DeathCount, ...],
    strata: Strata,
    lifetimes: Lifetimes,
    draws: np.random.Generator,
    arms: Mapping[int, Arm],
) -> tuple[np.ndarray, np.ndarray]:
    """Times and events drawn from the generative model, or made from a published curve, with the printed numbers of deaths."""
    size = len(lifetimes.stratum)
    time, event = np.zeros(size), np.zeros(size, dtype=np.int64)

    def draw(p: int) -> tuple[float, int]:
        while True:
            found = draw_lifetime(p, *draws.random(3), draws.standard_normal(), lifetimes)
            if found[0] > 0:
                return found

    for p in range(size):
        if lifetimes.stratum[p] not in arms:
            time[p], event[p] = draw(p)
    for number, arm in arms.items():
        own = lifetimes.stratum == number
        time[own], event[own] = arm.time, arm.event
    if not counts:
        return time, event
    drawn = np.bincount(lifetimes.stratum, event, len(strata.sizes))
    wanted = _nearest(counts, strata, drawn)
    assert wanted is not None, "counts of deaths were checked to agree"
    for number in np.flatnonzero(death_classes(counts, strata) >= 0):
        own = np.flatnonzero(lifetimes.stratum == number)
        for _ in range(TRIES * len(own)):
            missing = wanted[number] - event[own].sum()
            if missing == 0:
                break
            p = int(draws.choice(own))
            if number in arms:
                break
            if event[p] != (missing > 0):
                new = draw(p)
                if new[1] != event[p]:
                    time[p], event[p] = new
        missing = wanted[number] - event[own].sum()
        flipped = draws.permutation(own[event[own] == (missing < 0)])[: abs(missing)]
        event[flipped] = 1 - event[flipped]
    return time, event
