"""Arms of a first cohort from their published curves, with the curves of their subgroups: who of an arm has a level."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from data.published.evidence import Evidence
from data.published.published_curves import PublishedCurve
from data.published.reconstruction.covariates import DrawnCovariates
from data.published.reconstruction.curve_targets import CALIBRATION_SD, figure_name
from data.published.reconstruction.inversion import NOBODY, Arm, Members, arm_of
from data.published.reconstruction.margins import ARMS, Strata, level_number
from data.published.reconstruction.readings import read
from data.study.study import Study

SHARED_SD = 0.1  # standard deviation of the axis errors of the second arm of a figure around the first, as CALIBRATION_SD


@dataclass(frozen=True, eq=False)
class PublishedArms:
    """Arms made from published curves, and the errors of the axes that they were read by."""

    # by the number of the stratum, those of its pseudo-patients
    strata: dict[int, Arm] = field(default_factory=dict)
    # by the name of a figure, (2,) errors of its axis of survival
    axes: dict[str, np.ndarray] = field(default_factory=dict)

    def draw(
        self, curve: PublishedCurve, size: int, draws: np.random.Generator, members: Members = NOBODY
    ) -> Arm:
        """An arm, or a subgroup of one, from its curve, by the axes of its figure."""
        axis = self.axes.get(figure_name(curve))
        known = (np.zeros(2), CALIBRATION_SD) if axis is None else (axis, SHARED_SD)
        made = arm_of(read(curve), size, *known, draws, members)
        self.axes[figure_name(curve)] = made.axis
        return made


def published_arms(
    study: Study, evidence: Evidence, strata: Strata, drawn: DrawnCovariates, draws: np.random.Generator
) -> PublishedArms:
    """Pseudo-patients of every stratum whose arm has a published curve; levels are exchanged, in place, to fit curves of subgroups.

    A stratum takes the curve of its own phase; those outside the matched set take part of their arm's. The subgroups of one covariate are
    drawn first, each from its curve, and the whole arm around them. Those of further covariates are drawn alone: their
    members are then those of the arm that are nearest in time. A covariate that a constraint of the study names keeps its
    levels; the chain alone meets such curves.
    """
    found = PublishedArms()
    names, ends = list(study.covariates), np.cumsum(strata.sizes)
    for number, (treated, matched) in enumerate(zip(strata.treated, strata.matched, strict=True)):
        arm = ARMS[int(treated)]
        for phase in ("after", "before") if matched else ("before",):
            curve = next(_curves(evidence, arm, phase, ""), None)
            if curve is None:
                continue
            columns = [
                name
                for name in names
                if name not in _constrained(evidence) and any(_curves(evidence, arm, phase, name))
            ]
            inside = (strata.treated == treated) & (strata.matched | (phase == "before"))
            own = slice(ends[number] - strata.sizes[number], ends[number])
            made: dict[str, Members] = {
                name: _members(found, study, evidence, strata, inside, (arm, phase, name), draws)
                for name in columns
            }
            whole = found.draw(
                curve, evidence.size(arm, phase), draws, made[columns[0]] if columns else NOBODY
            )
            part = _part(
                whole.level,
                strata.counts[columns[0]][number] if columns else np.zeros(0),
                strata.sizes[number],
                draws,
            )
            one = replace(whole, time=whole.time[part], event=whole.event[part], level=whole.level[part])
            found.strata[number] = one
            for name in columns:
                level = one.level
                if name != columns[0]:
                    few = _part(made[name].level, strata.counts[name][number], 0, draws)
                    level = np.full(len(one.time), -1)
                    level[nearest(made[name].time[few], made[name].event[few], one.time, one.event)] = made[
                        name
                    ].level[few]
                column = names.index(name)
                _exchange_levels(drawn.levels[own, column], drawn.latent[own, column], level, draws)
            break
    return found


def _curves(evidence: Evidence, arm: str, phase: str, name: str) -> Iterator[PublishedCurve]:
    """The curves of subgroups of a covariate, or with the empty name those of the whole arm."""
    for curve in evidence.curves:
        if (curve.arm, curve.phase, curve.subgroup.partition("=")[0]) == (arm, phase, name):
            yield curve


def _constrained(evidence: Evidence) -> set[str]:
    """The covariates that constraints name."""
    constraints = evidence.names.constraints
    return {one for rule in constraints.requires for one in (rule.column, rule.given)} | {
        *constraints.at_least_one
    }


def _members(
    found: PublishedArms,
    study: Study,
    evidence: Evidence,
    strata: Strata,
    inside: np.ndarray,
    of: tuple[str, str, str],
    draws: np.random.Generator,
) -> Members:
    """The subgroups of a covariate in an arm and phase, whose strata are marked, each from its curve."""
    parts = []
    for curve in _curves(evidence, *of):
        level = level_number(study, of[2], curve.subgroup.partition("=")[2])
        size = int(strata.counts[of[2]][inside, level].sum())
        if size:
            one = found.draw(curve, size, draws)
            parts.append((one.time, one.event, np.full(size, level)))
    return Members(*(np.concatenate(one) for one in zip(*parts, strict=True))) if parts else NOBODY


def _part(level: np.ndarray, counts: np.ndarray, size: int, draws: np.random.Generator) -> np.ndarray:
    """Places of those of an arm who are in a stratum, at random: so many of each level as it counts, and others up to its size."""
    mixed = draws.permutation(len(level))
    chosen = [mixed[level[mixed] == one][: int(counts[one])] for one in np.unique(level[level >= 0])]
    others = mixed[level[mixed] < 0]
    return np.concatenate([*chosen, others[: max(size - sum(map(len, chosen)), 0)]]).astype(int)


def _exchange_levels(
    levels: np.ndarray, latent: np.ndarray, level: np.ndarray, draws: np.random.Generator
) -> None:
    """Exchange levels of a covariate within a stratum, in place, with the latents behind them; -1 for any level."""
    spare = np.bincount(levels) - np.bincount(level[level >= 0], minlength=levels.max() + 1)
    wanted = level.copy()
    wanted[wanted < 0] = draws.permutation(np.repeat(np.arange(len(spare)), spare))
    before = latent.copy()
    for one in np.unique(levels):
        givers, takers = (
            (first == one) & (other != one) for first, other in ((levels, wanted), (wanted, levels))
        )
        latent[takers] = before[givers]
    levels[:] = wanted


def nearest(time: np.ndarray, event: np.ndarray, others: np.ndarray, died: np.ndarray) -> np.ndarray:
    """Places of those, each once, who are nearest to some times: deaths to deaths, losses to losses, the rest wherever they fit.

    Parameters
    ----------
    time, event : ndarray (wanted,)
    others, died : ndarray (candidate,)
        At least as many.
    """
    found = np.full(len(time), -1)
    for kinds in ((1,), (0,), (0, 1)):
        wanted = np.flatnonzero((found < 0) & np.isin(event, kinds))
        able = np.setdiff1d(np.flatnonzero(np.isin(died, kinds)), found)
        rows, columns = linear_sum_assignment(np.abs(time[wanted, None] - others[able]))
        found[wanted[rows]] = able[columns]
    return found
