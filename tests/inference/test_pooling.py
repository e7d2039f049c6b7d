"""Readings of several cohorts as one: mixtures of draws, variances within and between, one R-hat."""

import dataclasses

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from inference.diagnostics.checks.result import CheckResult
from inference.diagnostics.summaries import ensemble_rhat, summarise
from inference.fits.fits import FitSummary
from inference.fits.pooling import pool, stack_cohorts
from inference.fits.tables import COLUMNS

RNG = np.random.default_rng(8)
CHECKS = ("R-hat", "bulk ESS", "tail ESS")


def summary_of(draws: np.ndarray, *checks: CheckResult, end: float = 60.0, level: float = 0.5) -> FitSummary:
    """A reading of one estimand whose draws (chain, draw) are given; curves stand at a level."""
    kept, dims = draws[None, ..., None], ("chain", "draw", "unit")
    summary = {name: value[0] for name, value in summarise(kept).items()}
    named = {"estimand": "log_hazard_ratio", "population": "conditional", "time": np.nan}
    benefit = {"probability_of_benefit": float((draws < 0).mean())}
    row = dict.fromkeys(COLUMNS, "") | named | benefit | summary
    times, by_arm = np.linspace(0.0, end, 7), np.full((3, 2, 4, 7), level)
    km = xr.Dataset(
        {
            "kaplan_meier": (("replicate", "arm", "grid_time"), np.full((1, 2, 7), level)),
            "median": (("replicate", "arm"), np.full((1, 2), end)),
        },
        coords={"grid_time": times},
    )
    status = [CheckResult("convergence", subject, "pass", 1.0, 1.01, "") for subject in CHECKS]
    parameter = (("parameter_name", *dims), np.nan_to_num(kept, posinf=0.0))
    drawn = {"estimand": (("row", *dims), kept), "parameter": parameter}
    of_arms = (("population", "arm", "draw", "time"), by_arm)
    curves = {"survival": of_arms, "hazard": of_arms, "average_hazard": (("draw", "time"), by_arm[0, 0])}
    arms = {"population": ["all", "treated", "overlap"], "arm": ["control", "treated"], "time": times}
    return FitSummary(
        request=None,
        estimands=pd.DataFrame([row])[list(COLUMNS)],
        curves=xr.Dataset(),
        replicated=km,
        observed=km,
        elpd=np.full(5, -2.0),
        checks=(*status, *checks),
        propensity=np.full(5, level),
        power_scaling=(0.1, 0.2),
        draws=xr.Dataset(drawn, coords={"parameter_name": ["treatment_effect"]}),
        curve_draws=xr.Dataset(curves, coords=arms),
        key=str(draws.sum()),
    )


def test_a_single_reading_is_its_own_pool():
    one = summary_of(RNG.normal(size=(4, 250)))
    assert pool([one]) is one


def test_variances_within_and_between_add_up_to_that_of_all_draws():
    parts = [RNG.normal(mean, 0.3, size=(4, 500)) for mean in (-0.9, -0.5, -0.1)]
    pooled = pool([summary_of(part) for part in parts])
    every = np.concatenate([part.ravel() for part in parts])
    row, split = pooled.estimands.iloc[0], pooled.pooling.iloc[0]
    assert_allclose(row["mean"], every.mean(), rtol=1e-6)
    assert_allclose(row["sd"], every.std(ddof=1), rtol=1e-3)
    assert_allclose(row[["lower", "median", "upper"]].astype(float), np.quantile(every, [0.025, 0.5, 0.975]))
    assert_allclose(row["probability_of_benefit"], (every < 0).mean())
    within = np.mean([part.var(ddof=1) for part in parts])
    between = np.var([part.mean() for part in parts], ddof=1)
    assert_allclose(split["within_variance"], within)
    assert_allclose(split["between_variance"], between)
    share = (1 + 1 / 3) * between / (within + (1 + 1 / 3) * between)
    assert_allclose(split["fraction_of_missing_information"], share)
    assert_allclose(split["error_over_cohorts"], np.sqrt(between / 3))
    assert share > 0.5
    assert row["mcse"] >= split["error_over_cohorts"]


def test_a_cohort_in_which_a_median_is_not_reached_leaves_no_mean_but_a_median():
    reached, beyond = RNG.normal(40, 3, size=(4, 250)), RNG.normal(50, 3, size=(4, 250))
    beyond[0, :30] = np.inf
    row = pool([summary_of(reached), summary_of(beyond)]).estimands.iloc[0]
    assert np.isnan(row["mean"])
    assert 42 < row["median"] < 48
    assert np.isinf(row["upper"]) == (30 / 2000 > 0.025)


def test_one_r_hat_is_arviz_for_one_posterior():
    for draws in (RNG.normal(size=(4, 250)), RNG.normal(size=(4, 250)) + np.arange(4)[:, None]):
        assert_allclose(ensemble_rhat(draws[None, ..., None])[0], az.rhat(draws), rtol=1e-6)


def test_r_hat_over_many_good_posteriors_is_below_the_limit_where_the_largest_is_above():
    draws = RNG.normal(size=(1, 4, 120, 60)) + np.arange(60)
    single = [float(az.rhat(draws[0, :, :, unit])) for unit in range(60)]
    assert max(single) > 1.01
    assert ensemble_rhat(draws)[0] < 1.01


@pytest.mark.parametrize("units", [3, 20])
def test_r_hat_over_posteriors_sees_one_whose_chains_disagree(units):
    draws = RNG.normal(size=(1, 4, 250, units))
    draws[0, 0, :, 0] += 6.0
    assert ensemble_rhat(draws)[0] > 1.01


def test_a_constant_quantity_has_converged():
    assert ensemble_rhat(np.ones((1, 4, 100, 3)))[0] == 1.0


def test_what_is_unsafe_in_one_cohort_is_unsafe_and_the_commonest_status_describes_the_patients():
    draws = [RNG.normal(size=(4, 250)) for _ in range(3)]

    def checks(mode: str, overlap: str, divergent: float) -> tuple[CheckResult, ...]:
        return (
            CheckResult("feedback", "second mode", mode, 0.2 if mode == "fail" else 0.0, 0.01, ""),
            CheckResult("overlap", "share outside", overlap, 0.1, 0.1, ""),
            CheckResult("convergence", "divergences", "pass", divergent, 0, "divergent transitions"),
        )

    found = [checks("pass", "warn", 0), checks("fail", "pass", 2), checks("pass", "pass", 1)]
    pooled = pool([summary_of(part, *own) for part, own in zip(draws, found, strict=True)])
    by_name = {check.name: check for check in pooled.checks}
    assert by_name["feedback: second mode"].status == "fail"
    assert by_name["feedback: second mode"].value == 0.2
    assert by_name["overlap: share outside"].status == "pass"
    assert "1 warn" in by_name["overlap: share outside"].text
    assert by_name["convergence: divergences"].value == 3


@pytest.mark.parametrize(
    ("status", "values", "threshold", "worst"),
    [
        ("warn", [0.72, 0.91, 0.75], 0.7, 0.91),
        ("pass", [0.2, 0.6, 0.5], 0.7, 0.6),
        ("fail", [90, 35, 80], 100, 35),
    ],
)
def test_a_convergence_check_shows_the_worst_cohort_with_its_value(status, values, threshold, worst):
    of = ("convergence", "tail index", status)
    checks = [CheckResult(*of, value, threshold, f"at {value}") for value in values]
    pooled = pool([summary_of(RNG.normal(size=(4, 250)), check) for check in checks])
    (shown,) = (check for check in pooled.checks if check.subject == "tail index")
    assert (shown.value, shown.status) == (worst, status)
    assert shown.text.endswith(f"in the worst of them: at {worst}")


def test_curves_are_pooled_within_the_follow_up_of_every_cohort():
    draws = RNG.normal(size=(4, 250))
    pooled = pool([summary_of(draws, end=60.0, level=0.4), summary_of(draws, end=90.0, level=0.6)])
    assert float(pooled.curves["time"].max()) == 60.0
    assert_allclose(pooled.curves["survival"].sel(quantile=0.5), 0.5)
    assert pooled.replicated.sizes["replicate"] == 2
    assert_allclose(pooled.observed["kaplan_meier"], 0.5)
    assert pooled.elpd.shape == (2, 5)


def test_trees_of_cohorts_become_one_with_a_cohort_dimension():
    posterior = xr.Dataset({"treatment_effect": (("chain", "draw"), np.zeros((2, 5)))})
    tree = xr.DataTree.from_dict({"/posterior": posterior})
    tree.attrs["provenance"] = '{"study": "a"}'
    stacked = stack_cohorts([tree, tree, tree])
    assert stacked["posterior"]["treatment_effect"].sizes == {"cohort": 3, "chain": 2, "draw": 5}
    assert list(stacked["posterior"]["cohort"]) == [1, 2, 3]
    assert stack_cohorts([tree]) is tree


def test_readings_of_the_effect_alone_have_no_replicates_to_pool():
    nothing = {"replicated": xr.Dataset(), "observed": xr.Dataset(), "elpd": np.full(5, np.nan)}
    alone = [summary_of(RNG.normal(size=(4, 250))) for _ in range(2)]
    pooled = pool([dataclasses.replace(one, **nothing) for one in alone])
    assert not pooled.replicated.data_vars
    assert not pooled.observed.data_vars
    assert np.isnan(pooled.elpd).all()
    assert np.isfinite(pooled.estimands["median"]).all()
