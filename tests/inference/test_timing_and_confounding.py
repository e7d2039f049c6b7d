"""Delay and confounder together: restricted means by quadrature, pooling in closed form, and cohorts with a known truth."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from scipy import integrate, stats
from scipy.special import expit

from inference.estimands.curves import time_grid
from inference.sampling.approximation import approximate, approximate_draws
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.posterior import Posterior
from inference.sensitivity import timing_and_confounding as module
from inference.sensitivity.start_times import AtStart, Exponential
from inference.sensitivity.surface import (
    SHOWN,
    Surface,
    between_cells,
    fine_surface,
    pooled_surface,
    surface_checks,
    tipping_line,
)
from inference.sensitivity.timing_and_confounding import (
    DELAYS,
    EFFECT,
    STRENGTHS,
    confounder_of,
    draws_of_cohort,
    rmst_differences,
    surface_of_cohort,
)
from models.baselines import PiecewiseExponential
from models.effects import EFFECTS
from models.exposures.unknown_start import UnknownStart
from models.exposures.unknown_start_and_confounder import UnknownStartAndConfounder
from models.exposures.unmeasured_confounder import UnmeasuredConfounder
from models.priors import Prior, PriorSet
from models.specification import ModelSpec

DEFAULT = PriorSet("default")
WIDE = PriorSet("wide", "", {EFFECT: Prior("Normal", {"mu": 0.0, "sigma": 3.0})})  # draws nothing towards 0
SPEC = ModelSpec(PiecewiseExponential((12.0, 36.0)), EFFECTS["constant"]())


def written(start, by_delay, by_strength, sd):
    """A surface of cohorts whose log hazard ratios are planes over delay and log strength; RMST is -10 times as much."""
    delay, strength = np.meshgrid(DELAYS, np.log(STRENGTHS), indexing="ij")
    slices, cells = stats.norm.ppf((np.arange(2000) + 0.5) / 2000), ("delay", "strength")
    checked = {"shift": [0.01, -0.02], "sd_ratio": [1.03, 0.98], "rmst_shift": [-0.02, 0.01]}
    computed = []
    for one in start:
        mean = one + by_delay * delay + by_strength * strength
        moments = {"mean": (cells, mean), "sd": (cells, np.full(mean.shape, sd))}
        lost = {"rmst_difference": ((*cells, "draw"), -10 * (mean[..., None] + sd * slices))}
        of_cells = {name: ("cell", values) for name, values in checked.items()}
        computed.append(xr.Dataset(moments | lost | of_cells, attrs={"horizon": 60.0}))
    return pooled_surface(computed)


def test_cells_are_pooled_with_equal_weights():
    surface = written([-0.6, -0.2], 0.02, 0.3, 0.1)
    assert surface.cohorts == 2
    cell = surface.cells[(surface.cells["delay"] == 9) & (surface.cells["strength"] == 2.5)].iloc[0]
    moved = 9 * 0.02 + 0.3 * np.log(2.5)
    laws = [stats.norm(start + moved, 0.1) for start in (-0.6, -0.2)]
    draws = np.concatenate([law.ppf((np.arange(50_000) + 0.5) / 50_000) for law in laws])
    expected = np.quantile(draws, [0.5, 0.025, 0.975])
    found = cell[["hazard_ratio", "lower", "upper"]].astype(float)
    assert_allclose(np.log(found), expected, atol=1e-3)
    assert cell["probability_of_benefit"] == pytest.approx(np.mean([law.cdf(0) for law in laws]), abs=1e-9)
    reported = cell[["rmst_difference", "rmst_lower", "rmst_upper"]].astype(float)
    assert_allclose(reported, -10 * expected[[0, 2, 1]], atol=0.05)


def test_between_the_cells_and_on_the_line_a_plane_stays_one():
    surface = written([-0.6], 0.02, 0.3, 0.1)
    found = between_cells(surface, np.array([0.0, 6.5, 20.0]), np.array([1.0, 1.9, 3.3]))
    expected = -0.6 + 0.02 * np.array([0.0, 6.5, 20.0]) + 0.3 * np.log([1.0, 1.9, 3.3])
    assert_allclose(np.log(found["hazard_ratio"]), expected, atol=1e-9)
    assert_allclose(found["rmst_difference"], -10 * expected, atol=1e-6)
    assert_allclose(found["probability_of_benefit"], stats.norm.cdf(-expected / 0.1), rtol=0.02)
    # P = 0.95 where -0.6 + 0.02 delay + 0.3 log strength = -1.645 * 0.1
    line = tipping_line(surface).set_index("delay")["strength"]
    for delay in DELAYS[1:]:
        needed = np.exp((0.6 - stats.norm.ppf(0.95) * 0.1 - 0.02 * delay) / 0.3)
        if needed > STRENGTHS[-1]:
            assert np.isnan(line[delay])
        else:
            assert line[delay] == pytest.approx(max(needed, 1.0), rel=3e-3)
    assert line[24.0] == 1.0 or line[24.0] == pytest.approx(np.exp((0.6 - 0.16449 - 0.48) / 0.3), rel=3e-3)
    assert len(fine_surface(surface)) == SHOWN**2


def test_checks_warn_where_the_approximation_is_off():
    good = written([-0.6], 0.02, 0.3, 0.1)
    assert [check.status for check in surface_checks(good)] == ["pass"] * 3
    rows = [(9.0, 1.6, 0.0, 1.2, 0.3), (24.0, 4.0, -0.2, 1.0, 0.0)]
    checked = pd.DataFrame(rows, columns=["delay", "strength", "shift", "sd_ratio", "rmst_shift"])
    found = surface_checks(Surface(good.cells, checked, 60.0, 1))
    assert [check.status for check in found] == ["warn"] * 3
    assert [check.value for check in found] == pytest.approx([0.2, 0.2, 0.3])


def test_draws_are_even_and_enough_together():
    assert draws_of_cohort(1) == module.DRAWS
    assert [draws_of_cohort(count) % 2 for count in (1, 3, 7, 20, 50)] == [0] * 5
    assert all(count * draws_of_cohort(count) >= module.DRAWS for count in (1, 3, 7, 20, 50))


def test_restricted_means_agree_with_quadrature_patient_by_patient(cohort_of):
    rng = np.random.default_rng(8)
    time, severity = rng.uniform(2, 70, 12), rng.normal(0, 1, 12)
    cohort = cohort_of(time, np.ones(12), np.arange(12) % 3 == 0, severity=severity)
    confounder = UnmeasuredConfounder(0.2, 0.6, 0.9)
    log_hazard = np.log([[0.05, 0.02, 0.03], [0.02, 0.03, 0.04]])
    values = {
        "log_hazard": log_hazard,
        EFFECT: np.array([-0.6, 0.2]),
        "outcome_coefficients": np.array([[0.4], [0.2]]),
        "propensity_intercept": np.array([-0.3, 0.1]),
        "propensity_coefficients": np.array([[0.7], [-0.2]]),
    }
    weights = rng.standard_exponential((2, 12))
    grid = time_grid((12.0, 36.0), 60.0, (), 60.0)
    found = rmst_differences(values, SPEC, cohort, grid, confounder, weights)
    recorded = np.where(cohort.treatment, 0.2, 0.6).mean()
    covariate = cohort.outcome.values[:, 0]
    for draw in range(2):
        slope = values["propensity_coefficients"][draw, 0]
        q = expit(values["propensity_intercept"][draw] + slope * covariate)
        share = q * 0.2 + (1 - q) * 0.6

        def survival(t, treated, draw=draw, share=share):
            cumulative = np.exp(log_hazard[draw]) @ [min(t, 12), np.clip(t - 12, 0, 24), max(t - 36, 0.0)]
            eta = values["outcome_coefficients"][draw, 0] * covariate + treated * values[EFFECT][draw]
            by_condition = [np.exp(-cumulative * np.exp(eta + 0.9 * (u - recorded))) for u in (0, 1)]
            mixed = (1 - share) * by_condition[0] + share * by_condition[1]
            return mixed @ weights[draw] / weights[draw].sum()

        how = {"points": (12, 36), "epsabs": 1e-10}
        treated, control = (integrate.quad(survival, 0, 60, args=(arm,), **how)[0] for arm in (1, 0))
        assert found[draw] == pytest.approx(treated - control, abs=1e-5)


def seen(cohort_of, seed, delay, confounder, size=400, effect=0.0):
    """Patients with a covariate; candidates begin after an exponential delay; a condition is left out of the data."""
    rng = np.random.default_rng(seed)
    severity = rng.normal(0, 1, size)
    candidate = rng.random(size) < expit(0.2 + 0.5 * severity)
    has = rng.random(size) < np.where(candidate, confounder.p_treated, confounder.p_control)
    rate = np.exp(0.3 * severity + confounder.log_hazard_ratio * has)
    # The hazard is higher in the first year, so that it matters when those who wait do so.
    reached = rng.standard_exponential(size) / rate

    def time_of(cumulative):
        return np.where(cumulative <= 0.48, cumulative / 0.04, 12 + (cumulative - 0.48) / 0.015)

    start = np.where(candidate, rng.exponential(delay, size) if delay else 0.0, 1e6)
    before = 0.04 * np.minimum(start, 12) + 0.015 * np.clip(start - 12, 0, None)
    after = time_of(before + (reached - before) * np.exp(-effect))
    death = np.where(reached <= before, time_of(reached), after)
    closing = rng.uniform(40, 90, size)
    time = np.minimum(death, closing)
    return cohort_of(time, death <= closing, start < time, severity=severity)


def both(delay, strength):
    start = UnknownStart(Exponential("", "", delay) if delay else AtStart("", ""))
    exposure = UnknownStartAndConfounder(start, confounder_of(strength))
    return ModelSpec(SPEC.baseline, SPEC.effect, "absent", exposure)


@pytest.mark.slow
@pytest.mark.long
def test_its_edges_are_the_analyses_of_one_at_a_time(cohort_of):
    cohort = seen(cohort_of, 3, 6.0, confounder_of(2.0))
    at_zero = approximate(Posterior(cohort, both(0.0, 2.5), DEFAULT), EFFECT)
    alone = ModelSpec(SPEC.baseline, SPEC.effect, "absent", confounder_of(2.5))
    assert_allclose(at_zero, approximate(Posterior(cohort, alone, DEFAULT), EFFECT), atol=2e-3)
    harmless = approximate(Posterior(cohort, both(9.0, 1.0), DEFAULT), EFFECT)
    start = UnknownStart(Exponential("", "", 9.0), candidacy=False)
    alone = ModelSpec(SPEC.baseline, SPEC.effect, "absent", start)
    assert_allclose(harmless, approximate(Posterior(cohort, alone, DEFAULT), EFFECT), atol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("delay", "strength"), [pytest.param(9.0, 1.6, marks=pytest.mark.long), (24.0, 4.0)])
def test_the_approximation_agrees_with_draws(cohort_of, delay, strength):
    """A hazard that changes fourfold: with its step held at the prior median the mean would be 0.2 sd off."""
    cohort = seen(cohort_of, 5, 9.0, confounder_of(2.0))
    posterior = Posterior(cohort, both(delay, strength), DEFAULT)
    normals = np.random.default_rng(1).standard_normal((500, 20))
    (found,) = approximate_draws([posterior], EFFECT, np.concatenate([normals, -normals]))
    drawn = sample(posterior, SamplerSettings(4, 1000, 300, seed=3)).parameters
    sd = drawn[EFFECT].std()
    assert found.mean == pytest.approx(drawn[EFFECT].mean(), abs=0.1 * sd)
    assert found.sd == pytest.approx(sd, rel=0.08)
    assert found.parameters[EFFECT].mean() == pytest.approx(found.mean, abs=1e-9)
    assert found.parameters[EFFECT].std() == pytest.approx(found.sd, rel=0.07)
    steps = drawn["log_hazard"].reshape(-1, 3)
    means, atol = found.parameters["log_hazard"].mean(axis=0), 0.1 * steps.std(axis=0).max()
    assert_allclose(means, steps.mean(axis=0), atol=atol)


@pytest.mark.slow
def test_no_effect_is_found_at_the_true_delay_and_strength(cohort_of, full, capsys):
    """Treatment does nothing: either correction alone leaves a benefit, both together leave none."""
    cohorts = 100 if full else 20
    truth = confounder_of(2.5)
    cells = {"neither": (0.0, 1.0), "delay": (9.0, 1.0), "confounder": (0.0, 2.5), "both": (9.0, 2.5)}
    found = {name: [] for name in cells}
    for number in range(cohorts):
        cohort = seen(cohort_of, 900 + number, 9.0, truth)
        for name, cell in cells.items():
            found[name].append(approximate(Posterior(cohort, both(*cell), WIDE), EFFECT))
    bias, held = {}, {}
    for name, moments in found.items():
        mean, sd = np.array(moments).T
        bias[name] = round(float(mean.mean() / sd.mean()), 3)
        held[name] = int((np.abs(mean) < 1.959964 * sd).sum())
    with capsys.disabled():
        print(f"\ndelay and confounder, {cohorts} cohorts: bias in sd {bias}, {held=}")
    assert bias["neither"] < bias["delay"] < -0.5
    assert bias["neither"] < bias["confounder"] < -0.5
    assert abs(bias["both"]) < 0.05 + 3 / np.sqrt(cohorts)
    assert held["both"] >= 0.88 * cohorts
    assert held["neither"] < 0.3 * cohorts


@pytest.mark.slow
def test_a_cohort_is_computed_once_and_its_surface_falls(cohort_of, tmp_path, monkeypatch):
    cohort = seen(cohort_of, 3, 6.0, confounder_of(2.0), effect=-0.6)
    settings = SamplerSettings(2, 200, 200, seed=4)
    rest = (0, SPEC, 40.0, DEFAULT, settings, 200)
    first = surface_of_cohort(tmp_path, cohort, *rest)
    monkeypatch.setattr(module, "approximate_draws", None)  # not needed any more
    again = surface_of_cohort(tmp_path, cohort, *rest)
    xr.testing.assert_identical(first, again)
    assert np.all(np.diff(first["mean"], axis=0) > 0)
    assert np.all(np.diff(first["mean"], axis=1) > 0)
    surface = pooled_surface([first])
    assert surface.horizon == 40
    # Hazards are proportional, so that the restricted mean is longer just where the hazard ratio is below 1.
    longer = (first["rmst_difference"] > 0).mean("draw").to_numpy().ravel()
    assert_allclose(longer, surface.cells["probability_of_benefit"], atol=0.06)
    assert (surface.checked[["shift", "rmst_shift"]].abs() < 0.25).to_numpy().all()
