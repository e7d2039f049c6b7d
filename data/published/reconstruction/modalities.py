"""Groups of the treated whose sizes are not printed: sizes and members drawn, given their medians and their log-rank test."""

import math
from dataclasses import dataclass

import numba
import numpy as np
from scipy import stats

from data.published.evidence import Evidence
from data.published.reconstruction.arrays import LOG_RANK, MEDIAN, OVERALL
from data.published.reconstruction.cox_rows import invert
from data.published.reconstruction.margins import Strata
from data.published.reconstruction.statistics import penalty
from data.published.reconstruction.target import Target
from data.published.reconstruction.targets import estimate_target, p_target

CONCENTRATION = 4.0  # of the Dirichlet distribution of the shares: groups of rather unlike sizes
SMALLEST = 10  # members of a group
MOVES = 10_000
HOTTEST = 200.0  # temperature
ROUNDS = 8  # the first cools, further ones sample on while a target is missed


@dataclass(frozen=True)
class ModalityGroups:
    """Groups of one analysis: their names, and a target for each median and one for the test of all.

    `arm` and `phase` say whom they divide.
    """

    analysis: str
    arm: str
    phase: str
    groups: tuple[str, ...]
    targets: tuple[Target, ...]


def modality_groups(evidence: Evidence) -> tuple[ModalityGroups, ...]:
    """The sets of groups that no covariate marks."""
    names = evidence.names.subgroups
    found: dict[tuple[str, str], list] = {}
    for row in evidence.subgroups:
        if row.subgroup not in names.columns and names.phase in evidence.phases:
            found.setdefault((row.analysis, row.arm), []).append(row)
    sets = []
    for (analysis, arm), rows in found.items():
        listed = [
            estimate_target(f"median of {row.subgroup}", "modality median", row.median, MEDIAN, row.subgroup)
            for row in rows
        ]
        if len(rows) > 1:
            kind = LOG_RANK if len(rows) == 2 else OVERALL
            name = f"log-rank P, {analysis}"
            listed.append(p_target(name, "modality log-rank", rows[0].p, kind, analysis, len(rows) - 1))
        sets.append(
            ModalityGroups(analysis, arm, names.phase, tuple(row.subgroup for row in rows), tuple(listed))
        )
    return tuple(sets)


def members_of(groups: ModalityGroups, strata: Strata) -> np.ndarray:
    """Numbers of the pseudo-patients that a set of groups divides."""
    of_patient = strata.of_patient
    inside = strata.treated[of_patient] == (groups.arm == "treated")
    if groups.phase == "after":
        inside &= strata.matched[of_patient]
    return np.flatnonzero(inside)


def draw_modalities(
    sets: tuple[ModalityGroups, ...],
    strata: Strata,
    time: np.ndarray,
    event: np.ndarray,
    draws: np.random.Generator,
) -> tuple[list[np.ndarray], list[np.ndarray], tuple[str, ...]]:
    """Group numbers of the members of every set, their statistics on the scale of print, and what is missed."""
    labels, reached, conflicts = [], [], []
    for groups in sets:
        members = members_of(groups, strata)
        by_time = np.argsort(time[members])
        order, count = members[by_time], len(groups.groups)
        shares = draws.dirichlet(np.full(count, CONCENTRATION))
        label = draws.choice(count, size=len(order), p=shares).astype(np.int64)
        kept = draws.permutation(len(order))[: count * SMALLEST]
        label[kept] = np.arange(len(kept)) % count
        aim = np.array([target.aim for target in groups.targets])
        width = np.array([target.width for target in groups.targets])
        flat = np.array([target.flat for target in groups.targets])
        bound = np.array([target.operator == "<" for target in groups.targets], np.uint8)
        values = np.zeros(count + 1)
        temperatures = np.geomspace(HOTTEST, 1.0, MOVES)
        for _ in range(ROUNDS):
            chances = draws.random((MOVES, 4))
            relabel(label, time[order], event[order], aim, width, flat, bound, chances, temperatures, values)
            found = values[: len(aim)].tolist()
            printed = [_printed(*one, count) for one in zip(groups.targets, found, strict=True)]
            missed = [
                f"{target.name}: printed {target.printed:.4g}, reached {value:.4g}; no division into groups was "
                f"found that holds it together with the other numbers of {groups.analysis}"
                for target, value in zip(groups.targets, printed, strict=True)
                if abs(target.deviation(value)) > 1
            ]
            if not missed:
                break
            temperatures = np.ones(MOVES)
        by_member = np.empty(len(members), dtype=np.int64)
        by_member[by_time] = label
        labels.append(by_member)
        reached.append(np.array(printed))
        conflicts += missed
    return labels, reached, tuple(conflicts)


def _printed(target: Target, statistic: float, count: int) -> float:
    if target.kind == OVERALL:
        return float(stats.chi2.sf(statistic, count - 1))
    return target.value(float(statistic))


@numba.njit(cache=True)
def group_statistics(label, time, event, values):
    """Put the median of every group in `values`, and behind them the log-rank chi-square of all, or its root for two.

    `label`, `time` and `event` are of the members (member,) in the order of time; `values` is (group + 1,).
    """
    count = values.size - 1
    at_risk = np.zeros(count)
    for k in label:
        at_risk[k] += 1
    survival = np.ones(count)
    excess = np.zeros(count)
    covariance = np.zeros((count - 1, count - 1))
    for k in range(count):
        values[k] = 2.0 * time[-1]
    total = float(label.size)
    for m in range(label.size):
        k = label[m]
        if event[m]:
            before = survival[k]
            survival[k] *= (at_risk[k] - 1.0) / at_risk[k]
            if survival[k] <= 0.5 + 1e-12 < before:
                values[k] = time[m]
            excess[k] += 1.0
            for i in range(count):
                share = at_risk[i] / total
                excess[i] -= share
                for j in range(count - 1):
                    if i < count - 1:
                        covariance[i, j] += share * ((1.0 if i == j else 0.0) - at_risk[j] / total)
        at_risk[k] -= 1.0
        total -= 1.0
    values[count] = 0.0
    inverse = np.empty((count - 1, count - 1))
    if count > 1 and invert(covariance, inverse):
        for i in range(count - 1):
            for j in range(count - 1):
                values[count] += excess[i] * inverse[i, j] * excess[j]
    if count == 2:
        values[count] = math.sqrt(values[count])


@numba.njit(cache=True)
def _misfit(values, aim, width, flat, bound):
    total = 0.0
    for k in range(aim.size):
        total += penalty(values[k], aim[k], width[k], flat[k], bound[k])
    return total


@numba.njit(cache=True)
def relabel(label, time, event, aim, width, flat, bound, chances, temperatures, values):
    """Sample group numbers given the printed statistics: Metropolis moves of one member, or of two that change places."""
    count = values.size - 1
    sizes = np.zeros(count)
    for k in label:
        sizes[k] += 1
    group_statistics(label, time, event, values)
    tried = values.copy()
    current = _misfit(values, aim, width, flat, bound)
    for m in range(temperatures.size):
        p, q = int(chances[m, 0] * label.size), -1
        old, new = label[p], int(chances[m, 1] * 2 * count)
        gain = 0.0
        if new < count:
            if new == old or sizes[old] <= SMALLEST:
                continue
            # the shares are integrated out of their Dirichlet distribution
            gain = math.log((sizes[new] + CONCENTRATION) / (sizes[old] - 1.0 + CONCENTRATION))
        else:
            q = int(chances[m, 2] * label.size)
            new = label[q]
            if new == old:
                continue
            label[q] = old
        label[p] = new
        group_statistics(label, time, event, tried)
        misfit = _misfit(tried, aim, width, flat, bound)
        if misfit < current + temperatures[m] * (gain - math.log(chances[m, 3] + 1e-300)):
            current = misfit
            for k in range(values.size):
                values[k] = tried[k]
            if q < 0:
                sizes[old] -= 1
                sizes[new] += 1
        else:
            label[p] = old
            if q >= 0:
                label[q] = new
