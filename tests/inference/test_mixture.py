"""Marginal survival against the sum over patients, beyond the follow-up of an arm, and notes beside estimands."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from inference.diagnostics.checks.notes import extrapolation_checks, median_notes, time_ratio_note
from inference.estimands import ESTIMANDS
from inference.estimands.curves import Curves, time_grid
from inference.estimands.mixture import GRID, mixture
from inference.fits.tables import _note
from inference.report.table import SPAN, Column, Table
from models.effects import ByInterval, ConstantEffect

TIMES = 200


def brute_force(log_risk, weights, cumulative):
    """Survival, and marginal over baseline hazard, patient by patient: (population, draw, time)."""
    risk = np.exp(log_risk)
    surviving = np.exp(-risk[:, :, None] * cumulative[:, None, :])
    survival = np.einsum("pdi,dit->pdt", weights, surviving)
    dying = np.einsum("pdi,di,dit->pdt", weights, risk, surviving)
    return survival, dying / np.maximum(survival, 1e-300)


def population(spread, seed=0, draws=7, patients=300, populations=3):
    rng = np.random.default_rng(seed)
    log_risk = rng.normal(0, spread, (draws, patients))
    weights = rng.standard_exponential((populations, draws, patients))
    return log_risk, weights / weights.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("spread", "highest", "error"),
    [
        *((spread, highest, 1e-6) for spread in (0.0, 0.3, 1.0) for highest in (0.03, 0.3, 3.0)),
        # hazards that differ 3000-fold between patients, or all but one in a million dead
        *((spread, highest, 5e-6) for spread, highest in ((2.0, 3.0), (0.3, 30.0), (1.0, 30.0), (2.0, 30.0))),
    ],
)
def test_survival_is_that_of_the_sum_over_patients(spread, highest, error):
    """Over five decades of cumulative hazard."""
    log_risk, weights = population(spread)
    cumulative = np.tile(np.geomspace(highest * 1e-5, highest, TIMES), (7, 1))
    survival, factor = mixture(log_risk, weights, cumulative[:, 0], cumulative[:, -1]).evaluate(cumulative)
    exact, exact_factor = brute_force(log_risk, weights, cumulative)
    assert_allclose(survival, exact, rtol=0, atol=error)
    seen = exact > 1e-3
    assert_allclose(factor[seen], exact_factor[seen], rtol=1e3 * error)


def test_draws_may_have_ranges_of_their_own():
    log_risk, weights = population(0.8)
    highest = np.geomspace(0.01, 50, 7)
    cumulative = highest[:, None] * np.linspace(0.01, 1, TIMES)
    survival, _ = mixture(log_risk, weights, cumulative[:, 0], highest).evaluate(cumulative)
    assert_allclose(survival, brute_force(log_risk, weights, cumulative)[0], rtol=0, atol=1e-6)


def test_at_the_start_everybody_is_alive():
    log_risk, weights = population(1.0)
    mixed = mixture(log_risk, weights, np.full(7, 1e-3), np.full(7, 1.0))
    survival, factor = mixed.evaluate(np.tile([0.0, 1e-3], (7, 1)))
    assert np.all(survival[:, :, 0] == 1.0)
    assert_allclose(factor[:, :, 0], np.einsum("pdi,di->pd", weights, np.exp(log_risk)), rtol=0.01)


def test_one_patient_is_the_conditional_curve():
    log_risk = np.array([[0.7], [-1.2]])
    cumulative = np.tile(np.geomspace(1e-4, 5, TIMES), (2, 1))
    survival, factor = mixture(log_risk, np.ones((1, 2, 1)), cumulative[:, 0], cumulative[:, -1]).evaluate(
        cumulative
    )
    assert_allclose(survival[0], np.exp(-np.exp(log_risk) * cumulative), rtol=0, atol=1e-12)
    assert_allclose(factor[0], np.broadcast_to(np.exp(log_risk), cumulative.shape), rtol=1e-9)


def test_patients_without_weight_do_not_count():
    log_risk, weights = population(0.5)
    weights[1] *= np.arange(300) < 100
    weights /= weights.sum(axis=-1, keepdims=True)
    cumulative = np.tile(np.geomspace(1e-3, 3, TIMES), (7, 1))
    survival, _ = mixture(log_risk, weights, cumulative[:, 0], cumulative[:, -1]).evaluate(cumulative)
    first = weights[1:2, :, :100]
    assert_allclose(survival[1], brute_force(log_risk[:, :100], first, cumulative)[0][0], rtol=0, atol=1e-6)


def test_nothing_underflows_where_almost_nobody_survives():
    log_risk, weights = population(0.3)
    cumulative = np.tile(np.linspace(1, 2000, TIMES), (7, 1))
    survival, factor = mixture(log_risk, weights, cumulative[:, 0], cumulative[:, -1]).evaluate(cumulative)
    assert np.all(np.isfinite(survival))
    assert np.all(np.isfinite(factor))
    assert np.all(np.diff(survival, axis=-1) <= 0)
    assert np.all(factor > 0)


@pytest.mark.parametrize("draws", [1, 200, 201, 450])
def test_the_number_of_draws_does_not_matter(draws):
    """Draws are worked on in chunks."""
    log_risk, weights = population(0.5, draws=draws, patients=20, populations=1)
    cumulative = np.tile(np.geomspace(1e-2, 2, 11), (draws, 1))
    survival, _ = mixture(log_risk, weights, cumulative[:, 0], cumulative[:, -1]).evaluate(cumulative)
    assert_allclose(survival, brute_force(log_risk, weights, cumulative)[0], rtol=0, atol=1e-6)


def test_many_patients_are_as_good_as_their_risks_on_a_grid():
    log_risk, weights = population(1.0, draws=3, patients=4 * GRID)
    cumulative = np.tile(np.geomspace(1e-3, 10, 40), (3, 1))
    found = mixture(log_risk, weights, cumulative[:, 0], cumulative[:, -1]).evaluate(cumulative)
    survival, hazard = brute_force(log_risk, weights, cumulative)
    assert_allclose(found[0], survival, rtol=0, atol=2e-6)
    assert_allclose(found[1], hazard, rtol=1e-3)


FOLLOWED = time_grid((), 48.0, (12.0, 36.0), 60.0, (60.0, 24.0))


@pytest.mark.parametrize(
    ("name", "time", "note"),
    [
        ("survival_treated", 12.0, ""),
        ("survival_treated", 36.0, "extrapolated beyond 24"),
        ("survival_control", 36.0, ""),
        ("survival_difference", 36.0, "extrapolated beyond 24"),
        ("rmst_treated", 48.0, "extrapolated beyond 24"),
        ("rmst_control", 48.0, ""),
        ("rmst_difference", 48.0, "extrapolated beyond 24"),
        ("marginal_hazard_ratio", 48.0, "extrapolated beyond 24"),
        ("log_hazard_ratio", 36.0, ""),
        ("median_treated", None, ""),
    ],
)
def test_what_rests_on_an_arm_beyond_its_follow_up_is_marked(name, time, note):
    assert _note(ESTIMANDS[name], time, FOLLOWED) == note


def test_a_median_beyond_the_follow_up_of_its_arm_is_not_reached():
    """Exponential survival with medians of 20 and 30 in both arms: 30 is beyond 24, where the treated end."""
    hazard = np.log(2.0) / np.array([20.0, 30.0])
    survival = np.exp(-hazard[:, None] * FOLLOWED.time)[None, None].repeat(2, axis=1)
    curves = Curves(FOLLOWED, survival, survival, np.zeros((1, 2)), (("", None),), survival[0, 0])
    np.testing.assert_allclose(ESTIMANDS["median_control"].draws(curves).ravel(), [20.0, 30.0], rtol=1e-12)
    np.testing.assert_allclose(ESTIMANDS["median_treated"].draws(curves).ravel(), [20.0, np.inf], rtol=1e-12)


def test_extrapolation_is_a_check_and_stands_beside_the_number():
    note = "extrapolated beyond 24"
    names = ["survival_treated", "rmst_difference", "rmst_control"]
    table = pd.DataFrame({"estimand": names, "time": [36.0, 48.0, 48.0], "note": [note, note, ""]})
    (check,) = extrapolation_checks(table, "months")
    assert (check.status, check.value, check.threshold) == ("warn", 48.0, 24.0)
    frame = pd.DataFrame({"median": [26.9, 26.9, np.nan], "lower": 24.1, "upper": 29.5})
    frame["note"] = [note, None, "not estimable: no event"]
    written = [row.cells[0].text for row in Table("t", "T", (Column("M", SPAN, "median"),), frame).rows]
    assert written == [f"{written[1]}, {note}", "26.9 (24.1 to 29.5)", "not estimable: no event"]


def test_a_median_that_is_always_reached_needs_no_note():
    assert median_notes({"control": 0.0, "treated": 0.0}) == []
    (note,) = median_notes({"control": 0.0, "treated": 0.051})
    assert (note.name, note.status, note.value) == ("estimand: median not reached, treated", "info", 0.051)


def fit(parameters, effect=None):
    spec = SimpleNamespace(effect=effect or ConstantEffect())
    return SimpleNamespace(
        designs=[SimpleNamespace(parameters=parameters, posterior=SimpleNamespace(spec=spec))]
    )


def test_the_time_ratio_moves_the_whole_weibull_curve():
    """S_treated(ratio * t) = S_control(t): the definition of acceleration."""
    effect, shape, median = -0.5, 1.4, 20.0
    parameters = {"treatment_effect": np.full((2, 3), effect), "weibull_shape": np.full((2, 3), shape)}
    (note,) = time_ratio_note(fit(parameters))
    times = np.array([1.0, 10.0, 50.0])
    control = np.exp(-np.log(2) * (times / median) ** shape)
    treated = np.exp(-np.log(2) * np.exp(effect) * (note.value * times / median) ** shape)
    assert treated == pytest.approx(control)
    assert time_ratio_note(fit({})) == []
    assert time_ratio_note(fit(parameters, ByInterval((5.0,)))) == [], "no single factor stretches all times"
