"""Covariates move in the chain: statistics remain those from scratch, counts hold, and the generative model is left invariant."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from data.published.evidence_names import Constraints
from data.published.reconstruction.assumptions import STATED
from data.published.reconstruction.cohorts import first_state, held_covariates, plan_of
from data.published.reconstruction.covariates import draw_covariates, move_loadings, precision_of
from data.published.reconstruction.density import draw_lifetime
from data.published.reconstruction.exchange import latent_gain
from data.published.reconstruction.layout import membership_of
from data.published.reconstruction.statistics import evaluate


@pytest.fixture(scope="module")
def plan(li2024, evidence):
    return plan_of(li2024, evidence)


@pytest.fixture(scope="module")
def moved(plan):
    """A cohort before and after 20,000 moves that cool."""
    draws = np.random.default_rng(1)
    state = first_state(plan, draws)
    before = state.covariates.levels.copy()
    state.advance(np.geomspace(1000, 1, 20_000), draws)
    return before, state


def test_the_ratio_of_an_exchange_is_that_of_normal_densities():
    draws = np.random.default_rng(2)
    precision = precision_of(draws.normal(0, 0.7, (5, 3)))
    latent = draws.normal(size=(4, 5))
    density = stats.multivariate_normal(np.zeros(5), np.linalg.inv(precision)).logpdf
    for p, q, column in ((0, 3, 2), (1, 2, 4), (3, 0, 0)):
        exchanged = latent.copy()
        exchanged[[p, q], column] = latent[[q, p], column]
        expected = density(exchanged).sum() - density(latent).sum()
        assert latent_gain(p, q, column, latent, precision) == pytest.approx(expected, abs=1e-10)


def test_the_precision_is_that_of_a_correlation():
    correlation = np.linalg.inv(precision_of(np.random.default_rng(3).normal(0, 0.7, (6, 3))))
    assert np.diag(correlation) == pytest.approx(np.ones(6))
    assert np.abs(correlation - np.eye(6)).max() > 0.1


def test_places_and_statistics_after_moves_are_those_from_scratch(plan, moved):
    _, state = moved
    member = membership_of(plan.targets, plan.study, plan.strata, state.covariates.levels)
    for name in member._fields:
        assert getattr(state.member, name) == pytest.approx(getattr(member, name), abs=1e-10), name
    values = np.zeros(len(plan.targets))
    evaluate(state.order, state.time, state.event, state.layout, member, values)
    assert state.values == pytest.approx(values, abs=1e-9)


def test_relative_hazards_follow_the_covariates(moved):
    _, state = moved
    effects = state.lifetimes.effects[state.lifetimes.stratum]
    columns = np.arange(effects.shape[1])
    expected = effects[np.arange(len(effects))[:, None], columns, state.covariates.levels].sum(axis=1)
    assert np.log(state.lifetimes.relative) == pytest.approx(expected - state.lifetimes.centre, abs=1e-10)


def test_covariates_move_and_counts_and_constraints_hold(plan, moved):
    before, state = moved
    levels, strata = state.covariates.levels, plan.strata
    assert (before != levels).mean(axis=0).min() > 0.02
    for column, name in enumerate(plan.study.covariates):
        for number in range(len(strata.sizes)):
            own = strata.of_patient == number
            counted = np.bincount(levels[own, column], minlength=strata.counts[name].shape[1])
            assert counted.tolist() == strata.counts[name][number].tolist()
            by_rank = levels[own, column][np.argsort(state.covariates.latent[own, column])]
            assert (np.diff(by_rank) >= 0).all()
    names = list(plan.study.covariates)
    hormones, receptor = levels[:, names.index("hormone_therapy")], levels[:, names.index("hr_expression")]
    assert (receptor[hormones == 1] == 1).all()
    sites = [names.index(site) for site in ("bone", "brain", "liver", "lung", "other_site")]
    assert (levels[:, sites] == 1).any(axis=1).all()


def test_loadings_given_latents_leave_their_prior_invariant():
    """Latents drawn given loadings, and loadings given latents, in turn: loadings keep the moments of their prior."""
    draws = np.random.default_rng(4)
    loadings = draws.normal(0, 0.5, (3, 3))
    found = []
    for _ in range(6000):
        root = np.linalg.cholesky(np.linalg.inv(precision_of(loadings)))
        latent = draws.standard_normal((12, 3)) @ root.T
        move_loadings(loadings, latent, 0.5, draws)
        found.append(loadings.copy())
    thinned = np.array(found)[::10]
    assert np.abs(thinned.mean(axis=0)).max() < 4 * 0.5 / np.sqrt(len(thinned) / 2)
    assert (thinned**2).mean() == pytest.approx(0.25, rel=0.1)


@pytest.mark.slow
@pytest.mark.long
def test_without_targets_the_chain_leaves_the_generative_model_invariant(plan):
    """Cohorts drawn from the model, covariates and lifetimes, have the same summaries before and after the chain."""
    draws = np.random.default_rng(5)
    names = plan.evidence.names.model_copy(update={"constraints": Constraints()})
    plan = replace(plan, deaths=(), evidence=replace(plan.evidence, names=names))
    state = first_state(plan, draws)
    state = replace(state, layout=state.layout._replace(width=np.full_like(state.layout.width, 1e9)))
    assert (state.places.kind == -1).all()
    before, after = [], []
    for _ in range(150):
        _fill(state, plan, draws)
        before.append(_summaries(state))
        state.advance(np.ones(6000), draws)
        after.append(_summaries(state))
    before, after = np.array(before), np.array(after)
    apart = (before - after).mean(axis=0) / ((before - after).std(axis=0, ddof=1) / np.sqrt(len(before)))
    assert np.abs(apart).max() < 4
    assert after.std(axis=0) == pytest.approx(before.std(axis=0), rel=0.35)
    correlations = [np.corrcoef(one, other)[0, 1] for one, other in zip(before.T, after.T, strict=True)]
    assert np.median(correlations) < 0.5  # they moved


def _fill(state, plan, draws):
    """Put covariates and lifetimes of the generative model in place, its hazards and effects as they are."""
    drawn = draw_covariates(plan.study, Constraints(), plan.strata, draws, STATED)
    for at, new in zip(state.covariates, held_covariates(plan, drawn), strict=True):
        at[:] = new
    state.loadings[:] = drawn.loadings
    for at, new in zip(
        state.member, membership_of(plan.targets, plan.study, plan.strata, drawn.levels), strict=True
    ):
        at[:] = new
    lifetimes = state.lifetimes
    effects = lifetimes.effects[lifetimes.stratum]
    rows = np.arange(len(effects))[:, None]
    total = effects[rows, np.arange(effects.shape[1]), drawn.levels].sum(axis=1)
    lifetimes.relative[:] = np.exp(total - lifetimes.centre)
    for p in range(len(state.time)):
        state.time[p] = 0
        while state.time[p] == 0:
            state.time[p], state.event[p] = draw_lifetime(
                p, *draws.random(3), draws.standard_normal(), lifetimes
            )
    state.order[:] = np.argsort(state.time)
    state.rank[state.order] = np.arange(len(state.time))
    evaluate(state.order, state.time, state.event, state.layout, state.member, state.values)


def _summaries(state):
    levels, time, event = state.covariates.levels, state.time, state.event
    risk = np.log(state.lifetimes.relative)
    correlation = np.corrcoef(levels.T)
    pairs = correlation[np.triu_indices(len(correlation), 1)]
    found = [np.abs(pairs).mean(), pairs[0], pairs[20], (state.loadings**2).mean(), risk.std()]
    found += [np.corrcoef(risk, event)[0, 1], np.corrcoef(risk, np.log(time))[0, 1]]
    for stratum in range(4):
        own = state.lifetimes.stratum == stratum
        found += [event[own].mean(), (time[own] < 12).mean(), (time[own] < 36).mean()]
    for column in range(levels.shape[1]):
        found.append(event[levels[:, column] == 1].mean())
    return found
