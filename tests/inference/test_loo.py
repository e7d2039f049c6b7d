"""Leave-one-out scores: those of ArviZ, what they are where they cannot be computed, and the estimate where only some patients are left out."""

import numpy as np
import pytest
import xarray as xr
from arviz_stats import loo
from scipy.special import logsumexp

from data.simulation.simulate import Truth, simulate_cohort
from inference.adjustments.adjusted import AdjustedSample
from inference.diagnostics.loo import _relative_efficiency, leave_one_out, psis
from inference.predictive import pointwise
from inference.predictive.pointwise import kept_log_likelihood, left_out_patients, total_log_likelihood
from models.baselines import PiecewiseExponential


def by_patient(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, -1, 0).reshape(values.shape[-1], -1)


def test_a_likelihood_that_no_draw_moves_has_no_score():
    elpd, pareto_k, _ = psis(np.full((3, 200), -1.5), 1.0)
    assert np.isnan(elpd).all()
    assert np.isnan(pareto_k).all()
    assert elpd.shape == (3,)


def test_scores_of_a_nearly_constant_likelihood_are_its_level():
    elpd, _, log_weights = psis(-1.5 + 0.01 * np.random.default_rng(2).standard_normal((3, 1000)), 1.0)
    np.testing.assert_allclose(np.exp(log_weights).sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(elpd, -1.5, atol=0.02)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
@pytest.mark.parametrize("chains", [1, 2, 4])
def test_scores_are_those_of_arviz(chains):
    rng = np.random.default_rng(chains)
    slow = np.cumsum(rng.standard_normal((chains, 300)), axis=1) / 10.0
    heavy = rng.standard_t(3, (chains, 300, 7)) * np.linspace(0.1, 2.0, 7)
    values = -1.0 + heavy + slow[..., None]
    posterior = xr.Dataset(
        {"a": (("chain", "draw"), slow), "b": (("chain", "draw", "term"), heavy[..., :2] + slow[..., None])}
    )
    group = xr.Dataset({"time": (("chain", "draw", "patient"), values)})
    fit = xr.DataTree.from_dict({"/log_likelihood": group, "/posterior": posterior})
    expected = loo(fit, pointwise=True, var_name="time")
    elpd, pareto_k, _ = psis(by_patient(values), _relative_efficiency(posterior))
    np.testing.assert_allclose(elpd, expected.elpd_i, rtol=1e-9)
    np.testing.assert_allclose(pareto_k, expected.pareto_k, rtol=1e-9)


def test_other_faults_are_not_hidden(monkeypatch):
    def broken(*args, **kwargs):
        raise ValueError("something else")

    monkeypatch.setattr("arviz_stats.base.array_stats.psislw", broken)
    with pytest.raises(ValueError, match="something else"):
        psis(np.full((3, 200), -1.5), 1.0)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
def test_of_many_patients_some_are_left_out_and_the_sum_is_estimated(made, monkeypatch):
    """Values by parts of patients are those of all at once; a fifth of the patients gives the sum of all to a few hundredths."""
    cohort = simulate_cohort(Truth(latest_entry=5.0), 400, seed=3)
    design = made(cohort, PiecewiseExponential((12.0, 36.0)), draws=100)
    adjusted = AdjustedSample("none", (design,), {}, {})
    posterior = xr.Dataset({"a": (("chain", "draw"), design.parameters["treatment_effect"])})
    whole, values = leave_one_out(adjusted, posterior), kept_log_likelihood(adjusted)["time"]
    total = total_log_likelihood(adjusted)["time"]
    monkeypatch.setattr(pointwise, "MOST_LEFT_OUT", 80)
    monkeypatch.setattr("models.arrays.TOGETHER", 7_000)  # 35 patients of 200 draws at a time
    some, known = leave_one_out(adjusted, posterior), left_out_patients(400)
    np.testing.assert_allclose(total_log_likelihood(adjusted)["time"], total, rtol=1e-6)
    np.testing.assert_allclose(kept_log_likelihood(adjusted)["time"], values[..., known], rtol=1e-5)
    assert len(known) == 80
    assert np.flatnonzero(np.isfinite(some.pareto_k)).tolist() == known.tolist()
    for one, other in zip(some, whole, strict=True):
        np.testing.assert_allclose(one[known], other[known], rtol=1e-4, atol=1e-6)
    within = logsumexp(by_patient(values.astype(float)), axis=1) - np.log(200)
    cost = whole.elpd - within
    error = 400 * cost[known].std() / np.sqrt(80)
    assert some.elpd.sum() == pytest.approx(within.sum() + 5 * cost[known].sum(), rel=1e-5)
    assert abs(some.elpd.sum() - whole.elpd.sum()) < 4 * error
