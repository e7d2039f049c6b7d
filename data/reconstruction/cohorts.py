"""One cohort of pseudo-patients: covariates, a first draw, the chain that anneals and then samples, and what came of it."""

from dataclasses import dataclass

import numpy as np

from data.evidence import Evidence
from data.reconstruction.arrays import Layout, Membership
from data.reconstruction.chain import CHANCES, Places, run
from data.reconstruction.conflicts import conflicts_of
from data.reconstruction.covariates import draw_covariates
from data.reconstruction.deaths import DeathCount, death_classes, death_counts, first_lifetimes
from data.reconstruction.layout import layout_of, membership_of
from data.reconstruction.lifetimes import Lifetimes, draw_lifetimes
from data.reconstruction.margins import Strata, strata_of
from data.reconstruction.modalities import ModalityGroups, draw_modalities, modality_groups
from data.reconstruction.statistics import evaluate, misfit
from data.reconstruction.targets import Target, targets_of
from data.study import Study

ANNEALED, SAMPLED = 110_000, 60_000  # moves
BLOCK = 10_000  # of random numbers held at a time
REHEATED = 20.0  # where a target is missed at the end, the chain is heated to this once more
ATTEMPTS = 4  # of which each draws covariates and generative model anew, while a target is missed
HOTTEST = 50.0  # divides the first misfit: so hot that it hardly counts
DECIMALS = 4  # of times


@dataclass(frozen=True, eq=False)
class Plan:
    """What all cohorts of a study share: strata, printed deaths, targets."""

    study: Study
    evidence: Evidence
    strata: Strata
    deaths: tuple[DeathCount, ...]
    targets: tuple[Target, ...]
    modalities: tuple[ModalityGroups, ...]


@dataclass(frozen=True, eq=False)
class PseudoCohort:
    """A cohort of pseudo-patients, listed by stratum.

    Attributes
    ----------
    covariates : ndarray of int (patient, covariate)
        Level numbers.
    time, event : ndarray (patient,)
    values : ndarray of float (target,)
        The statistics, on the scale of print.
    modalities : list of ndarray of int (treated patient,)
        Group numbers, for every set of groups without printed sizes.
    modality_values : list of ndarray of float
        Their statistics, on the scale of print.
    conflicts : tuple of str
        Which targets are missed, and what they pull against.
    """

    covariates: np.ndarray
    time: np.ndarray
    event: np.ndarray
    values: np.ndarray
    modalities: list[np.ndarray]
    modality_values: list[np.ndarray]
    conflicts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class State:
    """A cohort on its way: everything that the chain reads and changes."""

    order: np.ndarray
    rank: np.ndarray
    time: np.ndarray
    event: np.ndarray
    values: np.ndarray
    places: Places
    layout: Layout
    member: Membership
    lifetimes: Lifetimes

    def advance(self, temperatures: np.ndarray, draws: np.random.Generator) -> None:
        """Run the chain, one move for each temperature."""
        for start in range(0, len(temperatures), BLOCK):
            block = temperatures[start : start + BLOCK]
            run(
                self.order, self.rank, self.time, self.event, self.values, self.places, self.layout, self.member,
                self.lifetimes, draws.random((len(block), CHANCES)), draws.standard_normal((len(block), 2)), block,
            )  # fmt: skip

    @property
    def misfit(self) -> float:
        """Half the sum of squared deviations in units of the rounding."""
        return float(misfit(self.values, self.layout))


def plan_of(study: Study, evidence: Evidence) -> Plan:
    """Check the evidence and list the targets.

    Raises
    ------
    InputError
        If the evidence contradicts itself; nothing is drawn then.
    """
    strata = strata_of(study, evidence)
    deaths = death_counts(evidence, strata)
    targets = targets_of(study, evidence)
    return Plan(study, evidence, strata, deaths, targets, modality_groups(study, evidence))


def compile_chain(plan: Plan) -> None:
    """Compile all that draws cohorts, by one move; other processes find it in numba's cache."""
    draws = np.random.default_rng(0)
    covariates = draw_covariates(plan.study, plan.evidence.names.constraints, plan.strata, draws)
    state = _first_state(plan, covariates, draws)
    state.advance(np.ones(1), draws)
    draw_modalities(plan.modalities, plan.strata, state.time, state.event, draws)


def draw_cohort(plan: Plan, seed: int, number: int) -> PseudoCohort:
    """Cohort `number` of a seed: the same whatever other cohorts are drawn."""
    draws = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    best = None
    # A generative model under which print is hardly possible is drawn anew: print speaks against it.
    for _ in range(ATTEMPTS):
        covariates, state = _sampled(plan, draws)
        missed = _missed(plan, state)
        if best is None or len(missed) < len(best[2]):
            best = covariates, state, missed
        if not missed:
            break
    assert best is not None, "there is at least one attempt"
    covariates, state, missed = best
    found = conflicts_of(plan.targets, missed, state, draws) if missed else ()
    values = np.array([target.value(value) for target, value in zip(plan.targets, state.values, strict=True)])
    groups, group_values, more = draw_modalities(plan.modalities, plan.strata, state.time, state.event, draws)
    return PseudoCohort(covariates, state.time, state.event, values, groups, group_values, (*found, *more))


def _sampled(plan: Plan, draws: np.random.Generator) -> tuple[np.ndarray, State]:
    """One attempt: covariates, and the state in which the chain ends."""
    covariates = draw_covariates(plan.study, plan.evidence.names.constraints, plan.strata, draws)
    state = _first_state(plan, covariates, draws)
    state.advance(np.geomspace(max(1.0, state.misfit / HOTTEST), 1.0, ANNEALED), draws)
    state.advance(np.ones(SAMPLED), draws)
    if _missed(plan, state):
        state.advance(np.geomspace(REHEATED, 1.0, SAMPLED // 2), draws)
        state.advance(np.ones(SAMPLED // 2), draws)
    _round(state)
    return covariates, state


def _first_state(plan: Plan, covariates: np.ndarray, draws: np.random.Generator) -> State:
    lifetimes = draw_lifetimes(plan.study, plan.evidence, plan.strata, covariates, draws)
    time, event = first_lifetimes(plan.deaths, plan.strata, lifetimes, draws)
    layout = layout_of(plan.targets)
    member = membership_of(plan.targets, plan.study, plan.strata, covariates)
    order = np.argsort(time).astype(np.int64)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    places = Places(
        lifetimes.stratum,
        np.concatenate([[0], np.cumsum(plan.strata.sizes)]).astype(np.int64),
        death_classes(plan.deaths, plan.strata)[lifetimes.stratum].astype(np.int64),
    )
    values = np.zeros(len(plan.targets))
    evaluate(order, time, event, layout, member, values)
    return State(order, rank, time, event, values, places, layout, member, lifetimes)


def _missed(plan: Plan, state: State) -> list[int]:
    """The targets that are more than their tolerance from print."""
    return [
        number
        for number, target in enumerate(plan.targets)
        if abs(target.deviation(target.value(float(state.values[number])))) > 1
    ]


def _round(state: State) -> None:
    """Round times, keeping their order and each its own, and compute the statistics of the rounded."""
    unit = 10.0**-DECIMALS
    ticks = np.maximum(np.rint(state.time[state.order] / unit), 1.0)
    steps = np.arange(len(ticks))
    # the smallest change that leaves no two alike: every time is at least one unit after that before it
    ticks = np.maximum.accumulate(ticks - steps) + steps
    state.time[state.order] = np.round(ticks * unit, DECIMALS)
    evaluate(state.order, state.time, state.event, state.layout, state.member, state.values)
