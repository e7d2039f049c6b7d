"""Leave-one-out scores: what they are where they cannot be computed."""

import numpy as np
import pytest
import xarray as xr
from arviz_stats import loo

from inference.diagnostics.loo import leave_one_out


def fit_of(log_likelihood: np.ndarray) -> xr.DataTree:
    group = xr.Dataset({"time": (("chain", "draw", "patient"), log_likelihood)})
    posterior = xr.Dataset({"a": (("chain", "draw"), np.zeros(log_likelihood.shape[:2]))})
    return xr.DataTree.from_dict({"/log_likelihood": group, "/posterior": posterior})


def test_a_likelihood_that_no_draw_moves_has_no_score():
    elpd, pareto_k, _ = leave_one_out(fit_of(np.full((2, 100, 3), -1.5)))
    assert np.isnan(elpd).all()
    assert np.isnan(pareto_k).all()
    assert elpd.shape == (3,)


def test_scores_of_a_nearly_constant_likelihood_are_its_level():
    moved = -1.5 + 0.01 * np.random.default_rng(2).standard_normal((2, 500, 3))
    elpd, _, log_weights = leave_one_out(fit_of(moved))
    np.testing.assert_allclose(np.exp(log_weights).sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(elpd, -1.5, atol=0.02)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
@pytest.mark.parametrize("chains", [1, 2, 4])
def test_scores_are_those_of_arviz(chains):
    rng = np.random.default_rng(chains)
    slow = np.cumsum(rng.standard_normal((chains, 300)), axis=1) / 10.0
    heavy = rng.standard_t(3, (chains, 300, 7)) * np.linspace(0.1, 2.0, 7)
    fit = fit_of(-1.0 + heavy + slow[..., None])
    fit["/posterior"] = xr.Dataset(
        {"a": (("chain", "draw"), slow), "b": (("chain", "draw", "term"), heavy[..., :2] + slow[..., None])}
    )
    expected = loo(fit, pointwise=True, var_name="time")
    elpd, pareto_k, _ = leave_one_out(fit)
    np.testing.assert_allclose(elpd, expected.elpd_i, rtol=1e-9)
    np.testing.assert_allclose(pareto_k, expected.pareto_k, rtol=1e-9)


def test_other_faults_are_not_hidden(monkeypatch):
    def broken(*args, **kwargs):
        raise ValueError("something else")

    monkeypatch.setattr("arviz_stats.base.array_stats.psislw", broken)
    with pytest.raises(ValueError, match="something else"):
        leave_one_out(fit_of(np.full((2, 100, 3), -1.5)))
