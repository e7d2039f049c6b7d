"""One cohort of pseudo-patients: covariates, a first draw, the chain that anneals and then samples, and what came of it."""

from dataclasses import dataclass

import numpy as np

from data.published.evidence import Evidence
from data.published.reconstruction.arrays import Covariates, Layout, Membership
from data.published.reconstruction.assumptions import STATED, Assumptions
from data.published.reconstruction.chain import CHANCES, CURVES, SUMMARIES, UNRELATED, Moves, Places, run
from data.published.reconstruction.conflicts import conflicts_of
from data.published.reconstruction.covariates import (
    DrawnCovariates,
    draw_covariates,
    move_loadings,
    precision_of,
)
from data.published.reconstruction.curve_targets import Axes, axes_of
from data.published.reconstruction.deaths import DeathCount, death_classes, death_counts, first_lifetimes
from data.published.reconstruction.layout import layout_of, membership_of
from data.published.reconstruction.lifetimes import Lifetimes, draw_lifetimes
from data.published.reconstruction.margins import Strata, level_number, strata_of
from data.published.reconstruction.modalities import ModalityGroups, draw_modalities, modality_groups
from data.published.reconstruction.published_arms import published_arms
from data.published.reconstruction.statistics import evaluate, misfit
from data.published.reconstruction.target import COUNT, CURVE, Target
from data.published.reconstruction.targets import targets_of
from data.study.study import Study

ANNEALED, SAMPLED = 110_000, 60_000  # moves
REFINED = 20_000  # moves from a cohort that has the curves already
BLOCK = 1000  # moves after which the correlation of the covariates is drawn anew
STARTS = 20  # first cohorts where subgroups have curves, of which the one nearest to print begins the chain
ROUNDS = 4  # of so many moves more beside a curve, while a target is missed
REHEATED = 200.0  # where a target is missed at the end, the chain is heated to this once more
ATTEMPTS = 4  # of which each draws covariates and generative model anew, while a target is missed
HOTTEST = 50.0  # divides the first misfit: so hot that it hardly counts
DECIMALS, FINE_DECIMALS = 4, 6  # of times; finer beside a curve, whose numbers at risk are exact


@dataclass(frozen=True, eq=False)
class Plan:
    """What all cohorts of a study share: strata, printed deaths, targets."""

    study: Study
    evidence: Evidence
    strata: Strata
    deaths: tuple[DeathCount, ...]
    targets: tuple[Target, ...]
    modalities: tuple[ModalityGroups, ...]
    assumptions: Assumptions = STATED

    @property
    def of_subgroups(self) -> bool:
        """Whether subgroups have curves of their own."""
        return any(curve.subgroup for curve in self.evidence.curves)

    @property
    def only_curves(self) -> bool:
        """Whether nothing is printed but curves and the counts under them."""
        return all(target.family in (CURVE, COUNT) for target in self.targets)

    @property
    def attempts(self) -> int:
        """How often a cohort may be begun anew; with curves and more, the curves' own model is hardly improved by another draw."""
        return ATTEMPTS if not self.evidence.curves or (self.only_curves and not self.of_subgroups) else 1


@dataclass(frozen=True, eq=False)
class PseudoCohort:
    """A cohort of pseudo-patients, listed by stratum."""

    covariates: np.ndarray  # (patient, covariate) int: level numbers
    # (patient,)
    time: np.ndarray
    event: np.ndarray
    values: np.ndarray  # (target,) the statistics, on the scale of print
    # (treated patient,) int: group numbers, for every set of groups without printed sizes
    modalities: list[np.ndarray]
    modality_values: list[np.ndarray]  # their statistics, on the scale of print
    conflicts: tuple[str, ...]  # which targets are missed, and what they pull against


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
    covariates: Covariates
    loadings: np.ndarray
    loading_sd: float
    axes: Axes
    moves: Moves
    widths: np.ndarray
    cold: np.ndarray

    def advance(self, temperatures: np.ndarray, draws: np.random.Generator) -> None:
        """Run the chain, one move for each temperature; what the filter found of a curve is not heated."""
        for start in range(0, len(temperatures), BLOCK):
            block = temperatures[start : start + BLOCK]
            self.layout.width[self.cold] = self.widths[self.cold] / np.sqrt(block[-1])
            self.step(block, draws)
            if len(self.loadings):
                move_loadings(self.loadings, self.covariates.latent, self.loading_sd, draws)
                self.covariates.precision[:] = precision_of(self.loadings)
            self._move_axes(float(block[-1]), draws)

    def step(self, temperatures: np.ndarray, draws: np.random.Generator) -> None:
        """Run one move for each temperature."""
        run(
            self.order, self.rank, self.time, self.event, self.values, self.places, self.moves, self.layout,
            self.member, self.lifetimes, self.covariates, draws.random((len(temperatures), CHANCES)),
            draws.standard_normal((len(temperatures), 2)), temperatures,
        )  # fmt: skip

    def _move_axes(self, temperature: float, draws: np.random.Generator) -> None:
        """Propose another error at each end of each axis, by the Metropolis rule of the other moves."""
        for figure, side in np.ndindex(*self.axes.errors.shape):
            current, values = self.misfit, self.values.copy()
            old, gain = self.axes.move(figure, side, draws)
            self.axes.place(self.layout)
            evaluate(self.order, self.time, self.event, self.layout, self.member, self.values)
            if not self.misfit < current + temperature * (gain - np.log(draws.random())):
                self.axes.errors[figure, side] = old
                self.axes.place(self.layout)
                self.values[:] = values

    @property
    def misfit(self) -> float:
        """Half the sum of squared deviations in units of the rounding."""
        return misfit(self.values, self.layout)


def plan_of(study: Study, evidence: Evidence, assumptions: Assumptions = STATED) -> Plan:
    """Check the evidence and list the targets.

    Raises
    ------
    InputError
        If the evidence contradicts itself; nothing is drawn then.
    """
    strata = strata_of(study, evidence)
    deaths = death_counts(evidence, strata)
    targets = targets_of(study, evidence)
    return Plan(study, evidence, strata, deaths, targets, modality_groups(evidence), assumptions)


def compile_chain(plan: Plan) -> None:
    """Compile all that draws cohorts, by one move; other processes find it in numba's cache."""
    draws = np.random.default_rng(0)
    state = first_state(plan, draws)
    state.advance(np.ones(1), draws)
    draw_modalities(plan.modalities, plan.strata, state.time, state.event, draws)


def draw_cohort(plan: Plan, seed: int, number: int) -> PseudoCohort:
    """Cohort `number` of a seed: the same whatever other cohorts are drawn."""
    draws = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    best = None
    # A generative model under which print is hardly possible is drawn anew: print speaks against it.
    for _ in range(plan.attempts):
        state = _sampled(plan, draws)
        missed = _missed(plan, state)
        if best is None or len(missed) < len(best[1]):
            best = state, missed
        if not missed:
            break
    assert best is not None, "there is at least one attempt"
    state, missed = best
    found = conflicts_of(plan.targets, missed, state, draws) if missed else ()
    values = np.array([target.value(value) for target, value in zip(plan.targets, state.values, strict=True)])
    groups, group_values, more = draw_modalities(plan.modalities, plan.strata, state.time, state.event, draws)
    end = state.lifetimes.end[state.lifetimes.stratum]
    return PseudoCohort(
        state.covariates.levels,
        np.minimum(state.time, np.round(end, FINE_DECIMALS)),
        state.event,
        values,
        groups,
        group_values,
        (*found, *more),
    )


def _sampled(plan: Plan, draws: np.random.Generator) -> State:
    """One attempt: the state in which the chain ends."""
    starts = STARTS if plan.of_subgroups else 1
    state = min((first_state(plan, draws) for _ in range(starts)), key=lambda one: one.misfit)
    if plan.only_curves:
        state.advance(np.ones(REFINED), draws)  # heat would undo what the filter found, step by step
    else:
        state.advance(np.geomspace(max(1.0, state.misfit / HOTTEST), 1.0, ANNEALED), draws)
        state.advance(np.ones(SAMPLED), draws)
    for _ in range(ROUNDS if plan.evidence.curves else 0):
        if _missed(plan, state):
            state.advance(np.ones(SAMPLED), draws)
    if _missed(plan, state) and not plan.evidence.curves:
        state.advance(np.geomspace(REHEATED, 1.0, SAMPLED // 2), draws)
        state.advance(np.ones(SAMPLED // 2), draws)
    _round(plan, state)
    return state


def first_state(plan: Plan, draws: np.random.Generator) -> State:
    """A cohort drawn from the generative model, with the printed numbers of deaths: where the chain begins."""
    drawn = draw_covariates(plan.study, plan.evidence.names.constraints, plan.strata, draws, plan.assumptions)
    published = published_arms(plan.study, plan.evidence, plan.strata, drawn, draws)
    arms = published.strata
    lifetimes = draw_lifetimes(
        plan.study, plan.evidence, plan.strata, drawn.levels, draws, plan.assumptions,
        {number: arm.losses for number, arm in arms.items()},
    )  # fmt: skip
    time, event = first_lifetimes(plan.deaths, plan.strata, lifetimes, draws, arms)
    layout = layout_of(plan.targets, list(plan.study.covariates))
    member = membership_of(plan.targets, plan.study, plan.strata, drawn.levels)
    order = np.argsort(time).astype(np.int64)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    places = Places(
        lifetimes.stratum,
        np.concatenate([[0], np.cumsum(plan.strata.sizes)]).astype(np.int64),
        death_classes(plan.deaths, plan.strata)[lifetimes.stratum].astype(np.int64),
    )
    values = np.zeros(len(plan.targets))
    axes = axes_of(plan.targets, layout, published.axes)
    axes.place(layout)
    evaluate(order, time, event, layout, member, values)
    return State(
        order, rank, time, event, values, places, layout, member, lifetimes, held_covariates(plan, drawn), drawn.loadings,
        plan.assumptions.loading_sd, axes, _moves(plan), layout.width.copy(),
        np.array([target.family in (CURVE, COUNT) for target in plan.targets], bool),
    )  # fmt: skip


def _moves(plan: Plan) -> Moves:
    if not plan.evidence.curves:
        return SUMMARIES
    return CURVES if plan.study.covariates else UNRELATED


def held_covariates(plan: Plan, drawn: DrawnCovariates) -> Covariates:
    """Covariates with the constraints that they hold, as arrays for the chain."""
    study, constraints = plan.study, plan.evidence.names.constraints
    names = list(study.covariates)

    def place(column: str, level: str) -> list[int]:
        return [names.index(column), level_number(study, column, level)]

    requires = [
        place(rule.column, rule.level) + place(rule.given, rule.given_level) for rule in constraints.requires
    ]
    sites = [place(site, "1") for site in constraints.at_least_one]
    return Covariates(
        drawn.levels, drawn.latent, precision_of(drawn.loadings),
        np.array(requires, np.int64).reshape(-1, 4), np.array(sites, np.int64).reshape(-1, 2),
    )  # fmt: skip


def _missed(plan: Plan, state: State) -> list[int]:
    """The targets that are more than their tolerance from print."""
    return [
        number
        for number, target in enumerate(plan.targets)
        if abs(target.deviation(target.value(float(state.values[number])))) > 1
    ]


def _round(plan: Plan, state: State) -> None:
    """Round times, keeping their order and each its own, and compute the statistics of the rounded from scratch."""
    unit = 10.0 ** -(FINE_DECIMALS if plan.evidence.curves else DECIMALS)
    ticks = np.maximum(np.rint(state.time[state.order] / unit), 1.0)
    steps = np.arange(len(ticks))
    # the smallest change that leaves no two alike: every time is at least one unit after that before it
    ticks = np.maximum.accumulate(ticks - steps) + steps
    state.time[state.order] = np.round(ticks * unit, FINE_DECIMALS)
    member = membership_of(plan.targets, plan.study, plan.strata, state.covariates.levels)
    evaluate(state.order, state.time, state.event, state.layout, member, state.values)
