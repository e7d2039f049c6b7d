"""R-hat, effective sample sizes and Monte Carlo errors of many quantities are those of ArviZ, one by one."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from numpy.testing import assert_allclose

from inference.diagnostics import rhat_ess

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


KINDS = [
    "independent",
    "heavy tails",
    "ties",
    "chains apart",
    "drift",
    "sticky",
    "very sticky",
    "antithetic",
]


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
