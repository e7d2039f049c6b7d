"""A fit as a tree: its groups, dimensions and names, and the way back from disk."""

import json

import arviz as az
import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from inference.adjustments import ADJUSTMENTS
from inference.estimands.curves import time_grid
from inference.fits.datatree import from_tree
from inference.fits.tables import estimate
from inference.predictive.pointwise import pointwise_log_likelihood
from inference.sampling.walk import walk_arrays

pytestmark = pytest.mark.slow
POOLED = ("cut", "matched")
MAXIMISED = ("iptw", "overlap", "matched")
CHAINS, DRAWS, DESIGNS = 2, 250, 3
INTERVALS = ["(0, 12]", "(12, 36]", "(36, inf)"]
TERMS = ["age", "grade[T.II]", "grade[T.III]"]


@pytest.fixture(params=list(ADJUSTMENTS))
def fit(request, tiny_fits):
    return request.param, *tiny_fits[request.param]


@pytest.fixture
def stored(fit, tmp_path):
    """The tree after a round trip through a file."""
    fit[3].to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    tree = xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf")
    tree.load()
    tree.close()
    return tree


def test_groups_are_those_of_the_contract(fit):
    """Maximisers have no sampler and no prior; a model of pairs, or of weights, has no likelihood of each patient."""
    name, _, _, tree = fit
    groups = {"posterior", "observed_data", "constant_data"}
    if name != "cut":
        groups |= {"treatment_model"}
    if name not in MAXIMISED:
        groups |= {"sample_stats", "prior", "prior_predictive"}
    if name in ("none", "joint", "cut"):
        groups |= {"posterior_predictive", "log_likelihood", "log_prior"}
    assert set(tree.children) == groups
    assert json.loads(tree.attrs["provenance"]) == {"study": "simulated", "seed": 3}


def test_parameters_have_the_contract_s_names_dimensions_and_coordinates(fit, stored):
    name, *_ = fit
    posterior = stored["posterior"].to_dataset()
    lead = ("chain", "draw", "design") if name in POOLED else ("chain", "draw")
    dims = {"treatment_effect": lead, "log_hazard": (*lead, "interval")}
    if name not in MAXIMISED:
        dims |= {"log_hazard_level": lead, "log_hazard_step_sd": lead}
    if name in ("none", "joint", "cut"):
        dims["outcome_coefficients"] = (*lead, "term")
    if name in ("joint", "cut"):
        dims["propensity_effect"] = lead
    if name in ("joint", "cut"):
        dims["propensity_intercept"] = ("chain", "draw")
        dims["propensity_coefficients"] = ("chain", "draw", "term")
    assert {str(key): value.dims for key, value in posterior.data_vars.items()} == dims
    draws = {"matched": -(-CHAINS * DRAWS // DESIGNS), "iptw": DESIGNS, "overlap": DESIGNS}
    assert posterior.sizes["chain"] == (1 if name in MAXIMISED else CHAINS)
    assert posterior.sizes["draw"] == draws.get(name, DRAWS)
    assert posterior["interval"].to_numpy().tolist() == INTERVALS
    if name not in MAXIMISED:
        assert posterior["term"].to_numpy().tolist() == TERMS
    if name in POOLED:
        assert posterior.sizes["design"] == DESIGNS
    if name == "cut":
        assert posterior["design_draw"].dims == ("design",)
    if "treatment_model" in stored.children:
        alone = stored["treatment_model"].to_dataset()
        fitted = {"matched": 1, "iptw": DESIGNS, "overlap": DESIGNS}.get(name, CHAINS * DRAWS)
        assert alone.sizes["chain"] * alone.sizes["draw"] == fitted
        assert set(alone.data_vars) == {"propensity_intercept", "propensity_coefficients"}


def test_the_way_back_gives_the_same_samples(fit, stored):
    name, problem, adjusted, _ = fit
    back = from_tree(stored, problem, name)
    assert back.adjustment == name
    assert back.modes == adjusted.modes
    # outcome draws of several designs are kept in single precision
    tolerance = 1e-6 if name in POOLED else 0.0
    for one, two in zip(back.designs, adjusted.designs, strict=True):
        assert set(one.parameters) == set(two.parameters)
        for key, value in two.parameters.items():
            assert_allclose(one.parameters[key], value, rtol=tolerance, atol=tolerance)
        assert_allclose(one.propensity, two.propensity, rtol=1e-12)
        assert one.posterior.spec == two.posterior.spec
        assert one.posterior.cohort.sha256 == two.posterior.cohort.sha256
        if name == "cut":
            assert_allclose(one.posterior.score, two.posterior.score, rtol=1e-12)
    for key, value in adjusted.statistics.items():
        assert_array_equal(back.statistics[key], value)
    # so is the treatment model beside a latent score
    tolerance = 1e-6 if name == "joint" else 0.0
    for key, value in adjusted.treatment.items():
        assert_allclose(back.treatment[key], value, rtol=tolerance, atol=tolerance)
    assert set(back.statistics) == set(adjusted.statistics)
    if name == "cut":
        assert_array_equal(back.design_draws, adjusted.design_draws)


def test_the_way_back_gives_the_same_estimands(fit, stored, small_cohort):
    name, problem, adjusted, _ = fit
    grid = time_grid((12.0, 36.0), 60.0, (12.0, 36.0), 72.0)
    one, two = (
        estimate(each, small_cohort, grid, 5).table for each in (adjusted, from_tree(stored, problem, name))
    )
    # draws in single precision may change ranks, and so what is computed from ranks
    from_ranks = ["ess_bulk", "ess_tail", "rhat"]
    loose = one.select_dtypes("number").drop(columns=from_ranks if name in POOLED else [])
    assert_allclose(two[loose.columns].to_numpy(), loose.to_numpy(), rtol=1e-4 if name in POOLED else 1e-10)
    populations = {"iptw": {"all"}, "overlap": {"overlap"}, "matched": {"matched"}}
    expected = populations.get(name, {"conditional", "all", "treated", "overlap"})
    assert set(one["population"]) == set(two["population"]) == expected


def volume_of_walk(problem, step_sd):
    """Log Jacobian of the sampler's coordinates: of log sigma, and of steps scaled by the root of 1 / (1 / sigma^2 + I)."""
    information = walk_arrays(problem.cohort, problem.spec.baseline)["walk_information"]
    given = 1.0 / (step_sd[..., None] ** -2 + information)
    return np.log(step_sd) + 0.5 * np.log(given).sum(axis=-1)


@pytest.mark.parametrize("name", ["none", "joint"])
def test_the_sampler_s_density_is_prior_times_likelihood(tiny_fits, name):
    """Draws, log prior and log likelihood of a tree add up to the log density that the sampler reports."""
    tree = tiny_fits[name][2]
    prior = sum(tree["log_prior"][key] for key in tree["log_prior"].data_vars)
    likelihood = sum(
        tree["log_likelihood"][key].astype(float).sum("patient") for key in tree["log_likelihood"].data_vars
    )
    volume = volume_of_walk(tiny_fits[name][0], tree["posterior"]["log_hazard_step_sd"].to_numpy())
    assert_allclose(
        (prior + likelihood).to_numpy() + volume, tree["sample_stats"]["logp"].to_numpy(), atol=1e-3
    )


def test_each_design_of_a_cut_has_its_own_density(tiny_fits):
    _, adjusted, tree = tiny_fits["cut"]
    first = adjusted.designs[0]
    likelihood = pointwise_log_likelihood(first.posterior, first.parameters)["time"].sum(axis=-1)
    prior = sum(tree["log_prior"][key].to_numpy() for key in tree["log_prior"].data_vars)
    total = prior + likelihood + volume_of_walk(tiny_fits["cut"][0], first.parameters["log_hazard_step_sd"])
    assert_allclose(total, adjusted.statistics["logp"][..., 0], atol=1e-6)


def test_the_log_prior_is_by_parameter(tiny_fits, small_cohort):
    tree = tiny_fits["joint"][2]
    posterior = tree["posterior"]
    expected = stats.norm(0, 0.5).logpdf(posterior["treatment_effect"])
    assert_allclose(tree["log_prior"]["treatment_effect"], expected)
    per_sd = [1.0 / small_cohort.covariates["age"].std(ddof=0), 1.0, 1.0]  # age in years, two levels of grade
    expected = stats.norm(0, per_sd).logpdf(posterior["outcome_coefficients"]).sum(axis=-1)
    assert_allclose(tree["log_prior"]["outcome_coefficients"], expected)
    assert set(tree["log_prior"].data_vars) == set(posterior.data_vars)


@pytest.mark.filterwarnings(
    "ignore:Estimated shape parameter:UserWarning"
)  # of 500 draws, 0.63 is soon exceeded
def test_leave_one_out_works_on_the_times(fit, stored):
    name, *_ = fit
    if ADJUSTMENTS[name].population:
        assert "log_likelihood" not in stored.children
        return
    loo = az.loo(stored, var_name="time", pointwise=True)
    assert np.isfinite(loo.elpd)
    assert loo.n_data_points == 120
    assert 1 < loo.p < 15
    assert set(stored["log_likelihood"].data_vars) == ({"time", "treatment"} if name == "joint" else {"time"})


def test_observed_and_constant_data_are_the_cohort(fit, small_cohort):
    tree = fit[3]
    assert_array_equal(tree["observed_data"]["time"], small_cohort.time)
    assert_array_equal(tree["observed_data"]["event"], small_cohort.event)
    assert_array_equal(tree["observed_data"]["treatment"], small_cohort.treatment)
    assert_array_equal(tree["observed_data"]["patient"], small_cohort.patient)
    constant = tree["constant_data"]
    assert constant["exposure"].dims == ("patient", "interval")
    assert_allclose(constant["exposure"].sum("interval"), small_cohort.time)
    assert constant["outcome_design"].dims == ("patient", "term")
    assert float(constant["treatment_effect_sigma"]) == 0.5


def test_prior_and_posterior_have_the_same_parameters(fit):
    name, *_, tree = fit
    if ADJUSTMENTS[name].maximises:
        assert not {"prior", "prior_predictive"} & set(tree.children)
        return
    prior, posterior = tree["prior"], tree["posterior"]
    outcome = {key for key in posterior.data_vars if not str(key).startswith("propensity_")}
    assert outcome <= set(prior.data_vars)
    assert tree["prior_predictive"]["time"].dims == ("chain", "draw", "patient")
    for key in outcome:
        trailing = [dim for dim in posterior[key].dims if dim not in ("chain", "draw", "design")]
        assert list(prior[key].dims) == ["chain", "draw", *trailing]


def test_arviz_summarises_the_posterior(fit, stored):
    name, *_ = fit
    if name not in POOLED:
        summary = az.summary(stored, var_names=["treatment_effect", "log_hazard"], round_to="none")
        assert list(summary.index) == ["treatment_effect", *(f"log_hazard[{label}]" for label in INTERVALS)]


def test_nothing_of_the_file_is_a_python_object(stored):
    for group in stored.subtree:
        for variable in group.to_dataset(inherit=False).variables.values():
            assert variable.dtype.kind in "fiubUO"
            if variable.dtype.kind == "O":
                assert all(isinstance(value, str) for value in variable.to_numpy().ravel())
