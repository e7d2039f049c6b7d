"""Which fits an analysis makes, and which worker makes them."""

from collections import deque

import pytest

from inference.fits.analysis import MAIN_ADJUSTMENTS, plan
from inference.fits.workers import COMPILATION, Beside, _next, _Worker, fit_cost, structure_of, worker_shares
from inference.sampling.engine import SamplerSettings
from models.priors import PriorSet

EFFECTS = ("by_interval", "by_subgroup")
DESIGNS = {"cut": 20, "matched": 20, "iptw": 4000, "overlap": 4000}


def planned(**how):
    others = [PriorSet("default"), PriorSet("vague")]
    return plan(others[0], others, SamplerSettings(), DESIGNS, **how)


def test_effects_that_change_stand_beside_the_main_model_without_feedback():
    made = planned(effects=EFFECTS)
    assert (made.main.effect, made.main.adjustment) == ("constant", "joint")
    assert [(one.effect, one.adjustment, one.baseline) for one in made.effects] == [
        (effect, "cut", "piecewise_exponential") for effect in EFFECTS
    ]
    assert {one.effect for one in (*made.models, *made.exposures, *made.prior_sets)} == {"constant"}
    groups = (*made.models, *made.exposures, *made.effects, *made.prior_sets, *made.prior_sets_cut)
    assert made.requests == groups
    assert planned(effects=EFFECTS, quick=True).effects == ()


def test_the_main_model_stands_beside_the_cut_under_every_prior_set():
    """Joint is never reported without cut; a quick look repeats the main model alone."""
    made = planned()
    assert {one.adjustment for one in made.models} >= {"joint", "cut"}
    repeated = [(one.adjustment, one.priors.name) for one in (*made.prior_sets, *made.prior_sets_cut)]
    assert repeated == [("joint", "vague"), ("cut", "vague")]
    assert planned(quick=True).prior_sets_cut == ()


def test_only_what_is_read_is_computed():
    made = planned(effects=EFFECTS, cohorts=20)
    assert all(one.predictive for one in made.models)
    assert [one.adjustment for one in made.models if one.left_out] == ["joint", "joint"]
    assert not any(one.predictive or one.left_out for one in (*made.effects, *made.prior_sets))
    assert all(one.left_out for one in planned().models)


@pytest.fixture
def requests():
    return planned(effects=EFFECTS, cohorts=20).requests


def two_workers(requests, cohorts):
    """Workers without processes, with all fits of some cohorts shared between them."""
    missing = [(number, cohort) for cohort in range(cohorts) for number in range(len(requests))]
    shares = worker_shares([requests[number] for number, _ in missing])
    workers = []
    for place in (0, 1):
        own = {one for one, worker in shares.items() if worker == place}
        waiting = deque(job for job in missing if structure_of(requests[job[0]]) in own)
        workers.append(_Worker(None, waiting, own))
    return workers


def test_every_structure_has_one_worker_and_the_work_is_even(requests):
    first, second = two_workers(requests, 20)
    assert not first.structures & second.structures
    assert len(first.waiting) + len(second.waiting) == 20 * len(requests)
    loads = [sum(fit_cost(requests[number]) for number, _ in one.waiting) for one in (first, second)]
    assert max(loads) < 1.35 * min(loads)
    effects = {structure_of(one) for one in requests if one.adjustment == "cut"}
    assert len(effects) == 4  # piecewise and Weibull, by interval, by subgroup
    assert (
        len({structure_of(one) for one in requests}) == 9
    )  # none, joint and cut of both; two that change; maximised
    assert set(MAIN_ADJUSTMENTS) == {one.adjustment for one in requests}


def test_a_worker_does_its_own_fits_then_what_is_bound_to_none_then_those_of_the_other(requests):
    idle, busy = two_workers(requests, 3)
    own, others = list(idle.waiting), list(busy.waiting)
    plot = Beside("plot", lambda: None)
    unbound = deque([plot])
    assert [_next(idle, (idle, busy), requests, unbound) for _ in own] == own
    assert _next(idle, (idle, busy), requests, unbound) is plot
    taken = _next(idle, (idle, busy), requests, unbound)
    assert taken in others
    assert taken not in busy.waiting
    assert taken[1] == 2  # from the end of the other's queue
    again = _next(idle, (idle, busy), requests, unbound)
    assert structure_of(requests[again[0]]) == structure_of(requests[taken[0]])


def test_what_is_not_worth_compiling_for_is_left_to_the_other(requests):
    idle, busy = two_workers(requests, 1)
    idle.waiting.clear()
    while sum(fit_cost(requests[number]) for number, _ in busy.waiting) >= 2 * COMPILATION:
        busy.waiting.pop()
    assert busy.waiting
    assert _next(idle, (idle, busy), requests, deque()) is None
    idle.structures.add(structure_of(requests[busy.waiting[-1][0]]))
    assert _next(idle, (idle, busy), requests, deque()) is not None
