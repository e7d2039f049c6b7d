"""Calibration of the treatment model: the isotonic regression, and how often it is flagged where the model is right or wrong."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
import xarray as xr
from arviz_stats.helper_stats import isotonic_fit
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.optimize import isotonic_regression

from data.simulation.simulate import Truth, simulate_cohort
from inference.adjustments import ADJUSTMENTS
from inference.diagnostics.checks.treatment_calibration import treatment_calibration_checks
from inference.diagnostics.loo import leave_one_out
from inference.diagnostics.loo_pit import uniformity
from inference.diagnostics.predicted import of_cohorts, predictions
from inference.diagnostics.treatment_calibration import (
    GRID,
    fitted_probability,
    isotonic_share,
    treatment_calibration,
)


def treated_as(cohort_of, size, seed, square=0.0, columns=3):
    """A cohort whose treatment follows a logistic model, the first covariate strongly and with a square."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((size, columns))
    values[:, 10:] = values[:, 10:] > 0.8
    weak = 0.3 * (np.arange(1, columns) % 3 - 1)
    log_odds = -0.3 + values[:, 0] + values[:, 1:] @ weak + square * (values[:, 0] ** 2 - 1.0)
    treatment = rng.random(size) < 1.0 / (1.0 + np.exp(-log_odds))
    named = {f"x{number}": column for number, column in enumerate(values.T)}
    return cohort_of(rng.exponential(1.0, size) + 0.01, np.ones(size), treatment, **named)


def p_value(cohort, seed=1):
    (check,) = treatment_calibration_checks(treatment_calibration(cohort, seed))
    return check.value


def test_the_share_of_four_patients_is_pooled_by_hand():
    """Treated 0, 1, 0, 1 by rising probability: the second and third are pooled to 0.5."""
    probability = np.array([0.1, 0.3, 0.5, 0.9])
    treatment = np.array([False, True, False, True])
    share, miscalibration = isotonic_share(treatment, probability)
    assert_allclose(np.interp([0.1, 0.3, 0.5, 0.9], GRID, share), [0.0, 0.5, 0.5, 1.0], atol=1e-12)
    brier = (0.1**2 + 0.7**2 + 0.5**2 + 0.1**2) / 4
    assert_allclose(miscalibration, brier - 0.5 / 4)


def test_the_share_is_that_of_arviz():
    rng = np.random.default_rng(2)
    probability = rng.random(300)
    treatment = rng.random(300) < probability
    tree = xr.DataTree.from_dict(
        {
            "/posterior_predictive": xr.Dataset(
                {"a": (("chain", "draw", "patient"), np.tile(probability, (1, 2, 1)))}
            ),
            "/observed_data": xr.Dataset({"a": ("patient", treatment.astype(float))}),
        }
    )
    fitted = isotonic_fit(tree, ["a"], "posterior_predictive", 0.95)["a"]
    share, _ = isotonic_share(treatment, probability)
    x, y = (fitted.sel(plot_axis=axis).to_numpy() for axis in ("x", "y"))
    assert_allclose(share, np.interp(GRID, x, y), atol=1e-12)


def test_nothing_is_off_where_the_probability_is_the_isotonic_regression_itself():
    rng = np.random.default_rng(4)
    probability = np.sort(rng.random(500))
    treatment = rng.random(500) < probability**2
    assert isotonic_share(treatment, probability)[1] > 0.01
    calibrated = isotonic_regression(treatment.astype(float)).x
    assert_allclose(isotonic_share(treatment, calibrated.round(12))[1], 0.0, atol=1e-12)
    constant = np.full(500, treatment.mean())
    assert_allclose(isotonic_share(treatment, constant)[1], 0.0, atol=1e-15)
    assert_allclose(isotonic_share(treatment, constant + 0.1)[1], 0.01, rtol=1e-9)


def test_patients_with_the_same_probability_have_the_same_share():
    treatment = np.array([False, True, True, False, True, False])
    for order in (np.arange(6), np.arange(6)[::-1]):
        share, _ = isotonic_share(treatment[order], np.array([0.4] * 4 + [0.6] * 2)[order])
        assert_allclose(np.interp([0.4, 0.6], GRID, share), [0.5, 0.5])


def test_the_probability_is_logistic_regression(cohort_of):
    cohort = treated_as(cohort_of, 4000, 3)
    reference = sm.Logit(cohort.treatment.astype(float), sm.add_constant(cohort.propensity.values)).fit(
        disp=0
    )
    both = np.stack([cohort.treatment, ~cohort.treatment])
    found = fitted_probability(cohort.propensity.values, both)
    assert_allclose(found[0], reference.predict(), atol=2e-3)
    assert_allclose(found[0] + found[1], 1.0, atol=1e-6)


def test_the_right_model_is_flagged_as_often_as_it_should_be(cohort_of, full):
    """One in 20 cohorts of 200 patients, neither more nor, as with treatments that are not refitted, fewer."""
    cohorts = 400 if full else 40
    p = np.array([p_value(treated_as(cohort_of, 200, seed)) for seed in range(cohorts)])
    assert np.sum(p <= 0.05) <= stats.binom.ppf(0.999, cohorts, 0.05)
    assert abs(p.mean() - 0.5) < 3.3 * np.sqrt(1 / 12 / cohorts)


@pytest.mark.long
def test_many_covariates_flag_the_right_model_no_more_often(cohort_of):
    p = np.array([p_value(treated_as(cohort_of, 488, seed, columns=22)) for seed in range(100)])
    assert np.sum(p <= 0.05) <= stats.binom.ppf(0.999, 100, 0.05)
    assert abs(p.mean() - 0.5) < 3.3 * np.sqrt(1 / 12 / 100)


def test_a_missing_square_of_a_strong_confounder_is_flagged(cohort_of):
    p = [p_value(treated_as(cohort_of, 1000, seed, square=1.0)) for seed in range(8)]
    assert max(p) < 0.05


def test_the_band_is_around_the_diagonal_and_the_curve_within_the_cohort_s_range(cohort_of):
    cohort = treated_as(cohort_of, 400, 1)
    found = treatment_calibration(cohort, 1)
    fitted = fitted_probability(cohort.propensity.values, cohort.treatment[None])[0]
    inside = (fitted.min() <= GRID) & (fitted.max() >= GRID)
    assert_array_equal(np.isfinite(found["share"]), inside)
    core = (np.quantile(fitted, 0.1) < GRID) & (np.quantile(fitted, 0.9) > GRID)
    assert np.all(found["lower"][core] < GRID[core])
    assert np.all(found["upper"][core] > GRID[core])


def test_it_is_of_the_cohort_and_its_seed(cohort_of):
    cohort = treated_as(cohort_of, 200, 1)
    first = treatment_calibration(cohort, 1)
    other = treatment_calibration(cohort, 2)
    assert float(first["miscalibration"]) == float(other["miscalibration"])
    assert not first["replicated_miscalibration"].equals(other["replicated_miscalibration"])
    xr.testing.assert_identical(treatment_calibration(cohort, 1), first)
    assert (
        treatment_calibration(treated_as(cohort_of, 200, 2), 1)["miscalibration"] != first["miscalibration"]
    )


def test_without_covariates_there_is_nothing_to_calibrate(cohort_of):
    found = treatment_calibration(cohort_of([1.0, 2.0], [1, 1], [0, 1]), 1)
    assert not found.data_vars
    assert treatment_calibration_checks(found) == []


def test_covariates_that_determine_treatment_break_nothing(cohort_of):
    x = np.linspace(-1, 1, 60)
    assert 0.0 < p_value(cohort_of(np.full(60, 2.0), np.ones(60), x > 0, x=x)) <= 1.0


def test_cohorts_lie_side_by_side_with_one_imputation_each():
    """Of cohorts that share nothing but their number of patients."""
    pits = np.random.default_rng(1).random((3, 20, 5))
    parts = [xr.Dataset({"pit": (("imputation", "patient"), pit)}) for pit in pits]
    assert_array_equal(of_cohorts(parts)["pit"], pits[:, 0])
    assert of_cohorts(parts)["pit"].dims == ("cohort", "patient")
    assert not of_cohorts([xr.Dataset(), xr.Dataset()]).data_vars


def test_simulated_cohorts_of_the_project_pass():
    p = [p_value(simulate_cohort(Truth(), 300, seed=seed)) for seed in range(20)]
    assert np.sum(np.array(p) <= 0.05) <= stats.binom.ppf(0.999, 20, 0.05)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
def test_predictions_of_every_adjustment(tiny_fits):
    """Times of left-out patients where there is a posterior of all; treatment unless weights or pairs are judged by balance."""
    shares = []
    for name, (problem, adjusted, tree) in tiny_fits.items():
        if ADJUSTMENTS[name].population:
            assert not predictions(adjusted, problem, None, replicated=True).data_vars
            continue
        survival = leave_one_out(adjusted, tree["posterior"].to_dataset()).survival
        found = predictions(adjusted, problem, survival, replicated=True)
        again = predictions(adjusted, problem, survival, replicated=True)
        xr.testing.assert_identical(found, again)
        pit, event = found["pit"].to_numpy(), problem.cohort.event
        assert np.ptp(pit[:, event], axis=0).max() == 0.0
        assert np.ptp(pit[:, ~event], axis=0).min() > 0.0
        assert uniformity(pit)[0] > 0.001
        shares.append(found["share"])
        own = replace(problem, settings=replace(problem.settings, seed=4))
        other = predictions(adjusted, own, survival, replicated=False)
        assert set(other.data_vars) == {"pit"}
        assert np.all(other["pit"].to_numpy()[:, ~event] != pit[:, ~event])
    assert len(shares) == 3
    xr.testing.assert_identical(shares[0], shares[1])
