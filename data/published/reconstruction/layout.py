"""Targets as arrays for the compiled statistics, and which pseudo-patient counts in which of them."""

from bisect import bisect_left
from itertools import pairwise

import numpy as np

from data.published.reconstruction.arrays import Layout, Membership
from data.published.reconstruction.margins import Strata, level_number
from data.published.reconstruction.target import CoxFit, Group, Subject, Target
from data.study.cells import canonical
from data.study.study import Study


def parts_of(targets: tuple[Target, ...]) -> tuple[list[Group], list[tuple[Group, Group]], list[CoxFit]]:
    """The groups, pairs of groups and Cox fits that targets need, in the order of their first use."""
    groups: dict[Group, None] = {}
    pairs: dict[tuple[Group, Group], None] = {}
    fits: dict[CoxFit, None] = {}
    for target in targets:
        match _read_from(target.of):
            case Group() as group:
                groups[group] = None
            case CoxFit() as fit:
                fits[fit] = None
            case (Group() as one, Group() as other):
                pairs[one, other] = None
                groups |= {one: None, other: None}
    return list(groups), list(pairs), list(fits)


def _read_from(of: Subject) -> Subject:
    """The curve, log-rank test or Cox fit that gives the statistic of a target."""
    return of[0] if isinstance(of, tuple) and isinstance(of[0], CoxFit) else of


def layout_of(targets: tuple[Target, ...], names: list[str]) -> Layout:
    """The targets as arrays; `names` are the covariates in their order."""
    groups, pairs, fits = parts_of(targets)
    place: dict[Subject, int] = {
        one: number for alike in (groups, pairs, fits) for number, one in enumerate(alike)
    }
    part: dict[Subject, int] = {one: number for number, one in enumerate([*groups, *pairs, *fits])}
    times = [
        sorted(at for target in targets if target.of == group for at in target.times) for group in groups
    ]
    ends = np.cumsum([0, *(len(fit.terms) for fit in fits)])

    def index(of: Subject) -> int:
        match of:
            case (CoxFit() as fit, int(term)):
                return int(ends[place[fit]]) + term
            case _:
                return place[of]

    def checkpoint(target: Target, which: int) -> int:
        return int(bisect_left(times[place[target.of]], target.times[which])) if target.times else -1

    parts = np.array([part[_read_from(target.of)] for target in targets], np.int64)
    counts = np.bincount(parts, minlength=len(part))
    return Layout(
        reverse=np.array([group.reverse for group in groups], np.uint8),
        pairs=np.array([(place[one], place[other]) for one, other in pairs], np.int64).reshape(-1, 2),
        checkpoint_first=np.cumsum([0, *map(len, times)]).astype(np.int64),
        checkpoints=np.array([at for own in times for at in own], float),
        fit_first=ends.astype(np.int64),
        log_ratio=np.array([term.log_ratio for fit in fits for term in fit.terms], float),
        kind=np.array([target.kind for target in targets], np.int64),
        index=np.array([index(target.of) for target in targets], np.int64),
        at=np.array([checkpoint(target, 0) for target in targets], np.int64),
        until=np.array([checkpoint(target, -1) for target in targets], np.int64),
        aim=np.array([target.aim for target in targets], float),
        width=np.array([target.width for target in targets], float),
        flat=np.array([target.flat for target in targets], float),
        bound=np.array([target.operator != "=" for target in targets], np.uint8),
        part_first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        part_targets=np.argsort(parts, kind="stable").astype(np.int64),
        part_column=np.array(
            [
                *(_column(one.column, names) for one in (*groups, *(one for one, _ in pairs))),
                *(-1 for _ in fits),
            ],
            np.int64,
        ),
        term_column=np.array([_column(term.column, names) for fit in fits for term in fit.terms], np.int64),
    )


def _column(name: str, names: list[str]) -> int:
    """Place of a covariate; -1 for the treatment and for none."""
    return names.index(name) if name in names else -1


def membership_of(
    targets: tuple[Target, ...], study: Study, strata: Strata, covariates: np.ndarray
) -> Membership:
    """Which pseudo-patient counts where, given the covariates of a cohort."""
    groups, pairs, fits = parts_of(targets)
    of_patient = strata.of_patient
    treated, matched = strata.treated[of_patient], strata.matched[of_patient]
    everybody = np.ones(len(of_patient), bool)
    names = list(study.covariates)

    def inside(phase: str) -> np.ndarray:
        return matched if phase == "after" else everybody

    def holds(column: str, levels: tuple[str, ...]) -> np.ndarray:
        if column == "treatment":
            given = canonical(study.treatment.treated) in map(canonical, levels) or "1" in levels
            return treated if given else ~treated
        return np.isin(
            covariates[:, names.index(column)], [level_number(study, column, one) for one in levels]
        )

    marks = np.zeros((len(of_patient), len(groups)), bool)
    for number, group in enumerate(groups):
        marks[:, number] = inside(group.phase)
        if group.arm:
            marks[:, number] &= treated == (group.arm == "treated")
        if group.column:
            marks[:, number] &= holds(group.column, (group.level,))
    terms = [(fit, term) for fit in fits for term in fit.terms]
    columns = (
        np.array([holds(term.column, term.levels) for _, term in terms], float).reshape(-1, len(of_patient)).T
    )
    linear = np.zeros((len(of_patient), len(fits)))
    for column, (fit, term) in enumerate(terms):
        linear[:, fits.index(fit)] += columns[:, column] * term.log_ratio
    in_fit = np.array([inside(fit.phase) for fit in fits], np.uint8).reshape(-1, len(of_patient)).T.copy()
    weights = np.exp(linear)
    counted = weights * in_fit
    ends = np.cumsum([0, *(len(fit.terms) for fit in fits)])
    square = np.zeros((len(terms), max((len(fit.terms) for fit in fits), default=1)))
    for number, (start, end) in enumerate(pairwise(ends)):
        own = columns[:, start:end]
        square[start:end, : end - start] = own.T @ (own * counted[:, [number]])
    sides = [marks[:, groups.index(one)] + 2 * marks[:, groups.index(other)] for one, other in pairs]
    return Membership(
        roles=np.array([*marks.T, *sides, *in_fit.T], np.int32),
        sizes=marks.sum(axis=0).astype(np.int64),
        terms=np.ascontiguousarray(columns.T),
        weights=np.ascontiguousarray(weights.T),
        risk=counted.sum(axis=0),
        risk_term=np.array(
            [square[number, number - ends[ends <= number][-1]] for number in range(len(terms))], float
        ),
        risk_square=square,
    )
