"""Maximisers of the weighted likelihood, for every baseline: against a search, other libraries, and identities."""

import numpy as np
import pytest
import statsmodels.api as sm
from lifelines import WeibullFitter
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from data.simulation.simulate import Truth, simulate_cohort
from models.baselines import BASELINES, Baseline, PiecewiseExponential, Weibull
from models.episodes import Episodes
from models.likelihood import log_likelihood
from models.maximisers import maximise
from models.maximisers.piecewise_exponential import crossing
from models.maximisers.smooth import maximise_smooth

CUTS = (6.0, 15.0, 40.0)
VARIANTS = [*(member() for member in BASELINES.values()), PiecewiseExponential(CUTS)]


@pytest.fixture(params=VARIANTS, ids=lambda one: f"{one.name}-{len(one.cutpoints)}")
def baseline(request) -> Baseline:
    return request.param


def episodes(time, event, treated, entry=None, patient=None) -> Episodes:
    time = np.asarray(time, dtype=float)
    return Episodes(
        np.arange(len(time)) if patient is None else np.asarray(patient),
        np.zeros(len(time)) if entry is None else np.asarray(entry, dtype=float),
        time,
        np.asarray(event, dtype=bool),
        np.asarray(treated, dtype=bool),
    )


@pytest.fixture(scope="module", params=["from time 0", "delayed entry", "split"])
def observed(request) -> Episodes:
    """150 patients with a known effect; at risk from 0, from an entry, or treated only from some time on."""
    late = 8.0 if request.param == "delayed entry" else 0.0
    cohort = simulate_cohort(Truth(latest_entry=late), 150, seed=4)
    if request.param != "split":
        return everybody(cohort)
    split = cohort.treatment & (np.arange(cohort.size) % 3 > 0)
    switch = np.where(split, 0.4 * cohort.time, 0.0)
    return episodes(
        np.concatenate([cohort.time, switch[split]]),
        np.concatenate([cohort.event, np.zeros(split.sum(), dtype=bool)]),
        np.concatenate([cohort.treatment, np.zeros(split.sum(), dtype=bool)]),
        np.concatenate([switch, np.zeros(split.sum())]),
        np.concatenate([np.arange(cohort.size), np.flatnonzero(split)]),
    )


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    return np.random.default_rng(8).standard_exponential((5, 150))


def weighted_log_likelihood(baseline, parameters, at_risk: Episodes, weights):
    """By the likelihood that the models use; (draw,)."""
    basis = baseline.basis(at_risk.time, at_risk.entry)
    effect = np.asarray(parameters["treatment_effect"])[..., None] * at_risk.treated
    each = log_likelihood(
        at_risk.event.astype(float),
        baseline.log_hazard(parameters, basis, np),
        baseline.cumulative_hazard(parameters, basis, np),
        effect,
        np,
    )
    return (each * weights[..., at_risk.patient]).sum(axis=-1)


def on_real_line(baseline, found) -> np.ndarray:
    """Parameters (draw, position) without limits, to be searched over."""
    log = np.log if baseline.name == "weibull" else np.asarray
    own = [log(found[name]) for name in baseline.hazard_parameters]
    return np.column_stack([*own, found["treatment_effect"]])


def natural(baseline, position):
    *own, effect = np.atleast_2d(position).T
    if baseline.name == "weibull":
        return {
            "median_survival": np.exp(own[0]),
            "weibull_shape": np.exp(own[1]),
            "treatment_effect": effect,
        }
    return {"log_hazard": np.stack(own, axis=-1), "treatment_effect": effect}


def everybody(cohort, treatment=None) -> Episodes:
    """One episode a patient."""
    treated = cohort.treatment if treatment is None else treatment
    return episodes(cohort.time, cohort.event, treated, cohort.entry)


def test_shapes_are_those_of_the_contract(baseline, observed, weights):
    found = maximise(baseline, observed, weights)
    assert set(found) == {*baseline.hazard_parameters, "treatment_effect"}
    assert found["treatment_effect"].shape == (5,)
    for name, length in baseline.hazard_parameters.items():
        assert found[name].shape == ((5, length) if length else (5,))


def test_a_search_over_the_same_likelihood_ends_in_the_same_place(baseline, observed, weights):
    found = on_real_line(baseline, maximise(baseline, observed, weights))
    start = np.full(found.shape[1], -3.0) if baseline.name != "weibull" else np.array([3.0, 0.0, 0.0])
    for draw in range(3):

        def minus(position, own=weights[draw]):
            return -weighted_log_likelihood(baseline, natural(baseline, position), observed, own)[0]

        searched = minimize(minus, start, method="BFGS", options={"gtol": 1e-5})
        assert_allclose(found[draw], searched.x, atol=2e-5)


def test_the_likelihood_is_flat_there_and_lower_around(baseline, observed, weights):
    found = on_real_line(baseline, maximise(baseline, observed, weights))
    at = weighted_log_likelihood(baseline, natural(baseline, found), observed, weights)
    for position in range(found.shape[1]):
        step = np.zeros(found.shape[1])
        step[position] = 1e-3
        up, down = (
            weighted_log_likelihood(baseline, natural(baseline, found + side * step), observed, weights)
            for side in (1, -1)
        )
        assert np.all(up < at)
        assert np.all(down < at)
        curvature = 2 * at - up - down
        assert np.all(np.abs(up - down) < 3e-3 * curvature), "central slope, beside that of the third order"


def test_equal_weights_count_every_patient_once_and_their_size_does_not_matter(baseline, observed):
    one, many = (maximise(baseline, observed, np.full((1, 150), size)) for size in (1.0, 1e-6))
    for name in one:
        assert_allclose(many[name], one[name], rtol=1e-8)


def test_whole_weights_are_repeated_patients(baseline, observed):
    weights = np.random.default_rng(3).integers(0, 4, 150)
    rows = np.repeat(np.arange(len(observed.patient)), weights[observed.patient])
    repeated = Episodes(
        np.arange(len(rows)),
        *(getattr(observed, name)[rows] for name in ("entry", "time", "event", "treated")),
    )
    expected = maximise(baseline, repeated, np.ones((1, len(rows))))
    found = maximise(baseline, observed, weights[None].astype(float))
    for name in found:
        assert_allclose(found[name], expected[name], rtol=1e-7, atol=1e-9)


def test_draws_do_not_touch_each_other(baseline, observed, weights, monkeypatch):
    monkeypatch.setattr("models.maximisers.smooth.AT_ONCE", 400)
    whole = maximise(baseline, observed, weights)
    monkeypatch.undo()
    for draw in range(len(weights)):
        alone = maximise(baseline, observed, weights[[draw]])
        for name, value in whole.items():
            assert_allclose(value[draw], alone[name][0], rtol=1e-9, atol=1e-12)


def test_a_dozen_steps_are_enough(baseline, observed, weights, monkeypatch):
    found = maximise(baseline, observed, weights)
    for module in ("piecewise_exponential", "smooth"):
        monkeypatch.setattr(f"models.maximisers.{module}.STEPS", 12)
    quick = maximise(baseline, observed, weights)
    for name, value in found.items():
        assert_allclose(quick[name], value, rtol=1e-12)


def test_arms_change_places(baseline, weights):
    cohort = simulate_cohort(Truth(), 150, seed=4)
    one, other = (
        maximise(baseline, everybody(cohort, treated), weights)
        for treated in (cohort.treatment, ~cohort.treatment)
    )
    assert_allclose(one["treatment_effect"], -other["treatment_effect"], atol=1e-9)


def test_time_in_other_units_moves_the_scale_and_nothing_else(baseline, observed, weights):
    days = Episodes(
        observed.patient, 30.0 * observed.entry, 30.0 * observed.time, observed.event, observed.treated
    )
    cuts = tuple(30 * cut for cut in baseline.cutpoints)
    in_days = PiecewiseExponential(cuts) if cuts else baseline
    found, expected = maximise(in_days, days, weights), maximise(baseline, observed, weights)
    assert_allclose(found["treatment_effect"], expected["treatment_effect"], atol=1e-9)
    if baseline.name == "weibull":
        assert_allclose(found["median_survival"], 30 * expected["median_survival"])
        assert_allclose(found["weibull_shape"], expected["weibull_shape"])
    else:
        assert_allclose(found["log_hazard"], expected["log_hazard"] - np.log(30))


def test_one_interval_is_events_over_time_at_risk(weights):
    cohort = simulate_cohort(Truth(latest_entry=5.0), 150, seed=9)
    found = maximise(PiecewiseExponential(), everybody(cohort), weights)
    at_risk = cohort.time - cohort.entry
    arms = (~cohort.treatment, cohort.treatment)
    rates = [weights @ (cohort.event * arm) / (weights @ (at_risk * arm)) for arm in arms]
    assert_allclose(found["log_hazard"][:, 0], np.log(rates[0]), rtol=1e-10)
    assert_allclose(found["treatment_effect"], np.log(rates[1] / rates[0]), rtol=1e-10)


def test_a_weibull_of_shape_one_is_one_interval():
    """Patients whose weighted likelihood has its maximum at shape 1, found by a weight for one of them."""
    cohort = simulate_cohort(Truth(), 150, seed=9)
    at_risk = everybody(cohort)
    heavy = int(np.argmin(np.where(cohort.event, cohort.time, np.inf)))

    def shape_under(size):
        weights = np.ones((1, 150))
        weights[0, heavy] = size
        return maximise(Weibull(), at_risk, weights), weights

    low, high = 0.01, 200.0
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if shape_under(middle)[0]["weibull_shape"][0] > 1 else (low, middle)
    weibull, weights = shape_under(low)
    assert_allclose(weibull["weibull_shape"], 1.0, atol=1e-9)
    exponential = maximise(PiecewiseExponential(), at_risk, weights)
    assert_allclose(weibull["treatment_effect"], exponential["treatment_effect"], atol=1e-8)
    hazard = np.exp(exponential["log_hazard"][:, 0])
    assert_allclose(np.log(2) / weibull["median_survival"], hazard, rtol=1e-8)


def test_piecewise_as_a_poisson_regression_of_statsmodels(observed, weights):
    """Rows of an interval each, log time at risk as offset, weights as frequencies."""
    edges = np.array([0.0, *CUTS, np.inf])
    start = np.maximum(observed.entry[:, None], edges[:-1])
    end = np.minimum(observed.time[:, None], edges[1:])
    row, interval = np.nonzero(end > start)
    died = observed.event[row] & (end[row, interval] == observed.time[row])
    exposure = (end - start)[row, interval]
    design = np.column_stack([interval[:, None] == np.arange(len(edges) - 1), observed.treated[row]])
    found = maximise(PiecewiseExponential(CUTS), observed, weights)
    for draw in range(2):
        own = {"offset": np.log(exposure), "freq_weights": weights[draw][observed.patient[row]]}
        model = sm.GLM(died.astype(float), design.astype(float), family=sm.families.Poisson(), **own)
        regression = model.fit(tol=1e-12)
        assert_allclose(found["log_hazard"][draw], regression.params[:-1], atol=1e-7)
        assert_allclose(found["treatment_effect"][draw], regression.params[-1], atol=1e-7)


def test_weibull_as_lifelines_fits_it_to_arms_that_are_alike():
    """Both arms hold the same patients: the effect is 0, and median and shape are those of one curve."""
    cohort = simulate_cohort(Truth(latest_entry=6.0), 150, seed=2)
    time, event, entry = (np.tile(one, 2) for one in (cohort.time, cohort.event, cohort.entry))
    twice = episodes(time, event, np.repeat([False, True], 150), entry)
    found = maximise(Weibull(), twice, np.ones((1, 300)))
    fitter = WeibullFitter().fit(cohort.time, cohort.event, entry=cohort.entry)
    assert_allclose(found["treatment_effect"], 0.0, atol=1e-9)
    assert_allclose(found["weibull_shape"][0], fitter.rho_, rtol=1e-4)
    assert_allclose(found["median_survival"][0], fitter.median_survival_time_, rtol=1e-4)


def test_an_interval_without_events_has_next_to_no_hazard():
    at_risk = episodes([1, 2, 30, 31, 20, 21], [1, 1, 1, 1, 0, 0], [0, 1, 0, 1, 0, 1])
    found = maximise(PiecewiseExponential((10.0, 25.0)), at_risk, np.ones((1, 6)))
    hazard = np.exp(found["log_hazard"][0])
    lighter = maximise(PiecewiseExponential((10.0, 25.0)), at_risk, np.full((1, 6), 0.01))
    assert_allclose(lighter["log_hazard"][0], found["log_hazard"][0], rtol=1e-12)
    assert 0 < hazard[1] < 1e-9
    assert hazard[1] * 1e6 < 1e-3 * hazard[[0, 2]].min(), "survival hardly falls"
    # Without that interval the same sums are left: events and time at risk of the first and the last.
    first, last = [1 + 10 + 10, 2 + 10 + 10], [30 - 25, 31 - 25]
    ratio = np.exp(found["treatment_effect"][0])
    assert_allclose(hazard[0], 2 / (first[0] + ratio * first[1]), rtol=1e-9)
    assert_allclose(hazard[2], 2 / (last[0] + ratio * last[1]), rtol=1e-9)


@pytest.mark.parametrize("without", [False, True])
def test_an_arm_without_a_weighted_event_has_no_maximiser(baseline, without):
    rng = np.random.default_rng(1)
    treated = np.repeat([False, True], 10)
    at_risk = episodes(rng.exponential(20, 20), rng.random(20) < 0.8, treated)
    weights = np.where(at_risk.event & (treated == without), [[0.0], [1.0]], 1.0)
    found = maximise(baseline, at_risk, weights)
    whole = maximise(baseline, at_risk, np.ones((1, 20)))
    for name, value in found.items():
        assert np.all(np.isnan(value[0]))
        assert_allclose(value[1], whole[name][0])


def test_events_where_the_other_arm_is_not_at_risk_say_nothing():
    """Treated patients die only after the last control has left: no finite ratio fits best."""
    at_risk = episodes([2, 3, 9, 30, 40, 50], [1, 1, 0, 1, 1, 0], [0, 0, 0, 1, 1, 1])
    assert np.isnan(maximise(PiecewiseExponential((10.0,)), at_risk, np.ones((1, 6)))["treatment_effect"][0])
    assert np.isfinite(maximise(PiecewiseExponential(), at_risk, np.ones((1, 6)))["treatment_effect"][0])


def test_a_weibull_shape_that_runs_away_is_no_maximiser():
    """All events at the last time of an arm; after a late entry, a hazard that falls faster than 1 / time."""
    last = episodes([10, 4, 10, 5], [1, 0, 1, 0], [0, 0, 1, 1])
    early = episodes([1.01, 1.02, 1.03, 1.04, 99, 99], [1, 1, 1, 1, 0, 0], [0, 1, 0, 1, 0, 1], np.ones(6))
    for at_risk in (last, early):
        found = maximise(Weibull(), at_risk, np.ones((1, len(at_risk.time))))
        assert np.isnan(found["weibull_shape"][0])
        assert np.isnan(found["treatment_effect"][0])


def test_newton_s_method_ends_where_the_sums_by_interval_do(observed, weights):
    """Of a hazard that has a solution of its own: the general method knows vectors as well as numbers."""
    baseline = PiecewiseExponential(CUTS)
    found, expected = maximise_smooth(baseline, observed, weights), maximise(baseline, observed, weights)
    for name, value in expected.items():
        assert_allclose(found[name], value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "wrong", [np.ones(150), np.ones((2, 149)), -np.ones((1, 150)), np.full((1, 150), np.nan)]
)
def test_weights_that_are_none_are_refused(baseline, observed, wrong):
    with pytest.raises(ValueError, match="weights must be"):
        maximise(baseline, observed, wrong)


def test_crossings_of_known_functions_from_bad_starts():
    target = np.array([0.5, 1e-3, 1 - 1e-9, 0.25])

    def score(place):
        share = 1 / (1 + np.exp(-place))
        return target - share, -share * (1 - share)

    found = crossing(score, np.full(4, -40.0), np.full(4, 40.0), np.array([39.0, -39.0, 0.0, 500.0]))
    assert_allclose(found, np.log(target / (1 - target)), rtol=1e-6, atol=1e-9)


def test_the_mean_over_the_bootstrap_is_near_the_unweighted_maximiser(baseline, observed):
    """The Bayesian bootstrap is centred on the cohort: its mean is off by less than a third of its spread."""
    plain = maximise(baseline, observed, np.ones((1, 150)))["treatment_effect"][0]
    drawn = np.random.default_rng(2).standard_exponential((500, 150))
    effects = maximise(baseline, observed, drawn)["treatment_effect"]
    assert abs(effects.mean() - plain) < effects.std() / 3
    deaths = [(observed.event & (observed.treated == arm)).sum() for arm in (False, True)]
    expected = np.sqrt(sum(1 / count for count in deaths))
    assert 0.7 * expected < effects.std() < 1.4 * expected
