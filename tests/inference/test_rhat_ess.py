"""Chains: R-hat, effective sample sizes and Monte Carlo errors as ArviZ has them, the rank test, divergent transitions."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from numpy.testing import assert_allclose
from scipy.signal import lfilter
from scipy.stats import binom, kruskal

from inference.diagnostics import rhat_ess
from inference.diagnostics.checks.convergence import divergence_check
from inference.diagnostics.rank_test import rank_test

BY_ARVIZ = {
    "rhat": array_stats.rhat,
    "ess_bulk": lambda one: array_stats.ess(one, method="bulk"),
    "ess_tail": lambda one: array_stats.ess(one, method="tail", prob=(0.05, 0.95)),
    "mcse_mean": lambda one: array_stats.mcse(one, method="mean"),
}


def series(kind: str, chains: int, draws: int, rows: int = 12) -> np.ndarray:
    rng = np.random.default_rng(7)
    noise = rng.normal(size=(rows, chains, draws))
    if kind == "independent":
        return noise
    if kind == "heavy tails":
        return rng.standard_cauchy(noise.shape)
    if kind == "ties":
        return np.round(noise)
    if kind == "chains apart":
        return noise + np.arange(chains)[:, None]
    if kind == "drift":
        return noise + np.linspace(0, 3, draws)
    along = {"sticky": 0.9, "very sticky": 0.995, "antithetic": -0.7}[kind]
    for draw in range(1, draws):
        noise[..., draw] += along * noise[..., draw - 1]
    return noise


KINDS = ["independent", "heavy tails", "ties", "chains apart", "drift", "sticky", "very sticky", "antithetic"]


@pytest.mark.parametrize("shape", [(4, 250), (2, 501), (1, 60), (3, 10)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", BY_ARVIZ)
def test_numbers_are_those_of_arviz(number, kind, shape):
    draws = series(kind, *shape)
    assert_allclose(getattr(rhat_ess, number)(draws), [BY_ARVIZ[number](one) for one in draws], rtol=1e-9)


@pytest.mark.parametrize("number", ["ess_bulk", "ess_tail"])
def test_what_never_varies_counts_fully(number):
    assert getattr(rhat_ess, number)(np.full((2, 4, 100), 3.0)) == pytest.approx(400)


@pytest.mark.parametrize("number", BY_ARVIZ)
def test_rows_are_computed_in_parts_and_keep_their_dimensions(number, monkeypatch):
    draws = series("sticky", 2, 100).reshape(3, 4, 2, 100)
    whole = getattr(rhat_ess, number)(draws)
    assert whole.shape == (3, 4)
    monkeypatch.setattr(rhat_ess, "AT_ONCE", 700)
    assert_allclose(getattr(rhat_ess, number)(draws), whole, rtol=1e-12)
    assert getattr(rhat_ess, number)(draws[:0]).shape == (0, 4)


def chains(count, draws, correlation, rng, shift=0.0, scale=1.0):
    """Stationary autoregressive chains; the first is shifted and scaled."""
    noise = rng.normal(size=(count, draws + 200)) * np.sqrt(1 - correlation**2)
    found = lfilter([1.0], [1.0, -correlation], noise, axis=1)[:, 200:]
    found[0] = scale * found[0] + shift
    return found


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("correlation", [-0.7, 0.0, 0.8])
def test_the_level_is_held(count, correlation):
    rng = np.random.default_rng(1)
    p = np.array([rank_test(chains(count, 300, correlation, rng)) for _ in range(300)])
    for level in (0.01, 0.05):
        assert (p < level).sum() <= binom.ppf(0.9999, len(p), 1.3 * level)
    assert (p > 0.5).mean() > 0.35


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize(("shift", "scale"), [(1.0, 1.0), (0.0, 2.0)])
def test_chains_that_part_are_found(count, shift, scale):
    rng = np.random.default_rng(2)
    p = [rank_test(chains(count, 500, 0.3, rng, shift, scale)) for _ in range(20)]
    assert max(p) < 0.01


def test_independent_draws_are_tested_as_they_are():
    rng = np.random.default_rng(3)
    draws = rng.permuted(np.tile(np.arange(400.0), (2, 1)), axis=1) + rng.normal(size=(2, 400)) / 100
    level = kruskal(*draws).pvalue
    spread = kruskal(*np.abs(draws - np.median(draws))).pvalue
    assert rank_test(draws) == pytest.approx(min(1.0, 2 * min(level, spread)))


def test_no_p_where_there_is_nothing_to_compare():
    rng = np.random.default_rng(4)
    for draws in (rng.normal(size=(1, 200)), np.ones((4, 200)), np.cumsum(rng.normal(size=(2, 30)), axis=1)):
        assert np.isnan(rank_test(draws))


@pytest.mark.parametrize(
    ("divergent", "draws", "status"),
    [
        (0, 4000, "pass"),
        (1, 80_000, "warn"),
        (3, 4000, "warn"),
        (4, 4000, "warn"),
        (5, 4000, "fail"),
        (1, 900, "fail"),
    ],
)
def test_more_than_one_in_a_thousand_draws_fail(divergent, draws, status):
    assert divergence_check(divergent, draws).status == status
