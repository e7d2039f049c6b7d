"""Chains of one distribution have uniform p values, however correlated, and chains that part do not."""

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import binom, kruskal

from inference.diagnostics.rank_test import rank_test


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
