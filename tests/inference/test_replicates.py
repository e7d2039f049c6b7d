"""Fast statistics of replicates against lifelines and statsmodels; censoring against its definition."""

from types import SimpleNamespace

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_gbsg2, load_rossi
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime
from scipy.stats import kstest
from statsmodels.duration.hazard_regression import PHReg

from inference.frequentist.cox_model import cox
from inference.frequentist.efron import EfronCox
from inference.frequentist.log_rank import log_rank
from inference.frequentist.survival import kaplan_meier
from inference.predictive.replicates.censoring import censoring_times
from inference.predictive.replicates.risk_sets import ProductLimit
from inference.predictive.replicates.statistics import replicate_statistics

GRID = np.linspace(0, 12, 25)
TIMES = np.array([3.0, 6.0])
CUTPOINTS = np.array([2.0, 5.0])


@pytest.fixture(scope="module", params=["untied", "tied"])
def replicates(request):
    """Five replicates of 120 patients with a design of three columns; tied times are whole numbers."""
    rng = np.random.default_rng(11)
    treatment = rng.random(120) < 0.4
    design = rng.normal(size=(120, 3))
    design -= design.mean(axis=0)
    scale = 6 * np.exp(0.5 * treatment - design @ [0.5, -0.3, 0.2])
    time = scale * rng.exponential(size=(5, 120)) + 1e-3
    censoring = rng.uniform(2, 12, (5, 120))
    event = time <= censoring
    time = np.minimum(time, censoring)
    if request.param == "tied":
        time = np.ceil(time)
    return SimpleNamespace(time=time, event=event, treatment=treatment, design=design)


def entries(time):
    """Entry times below every replicate's times, on the scale where ties of entry and event happen."""
    return np.where(np.arange(time.shape[1]) % 3, 0.0, np.maximum(np.ceil(time.min(axis=0)) - 1, 0))


@pytest.mark.parametrize("truncated", [False, True])
def test_every_statistic_equals_the_library(replicates, truncated):
    entry = entries(replicates.time) if truncated else None
    rest = (replicates.treatment, entry, replicates.design, TIMES, GRID, CUTPOINTS)
    found = replicate_statistics(replicates.time, replicates.event, *rest)
    entry = np.zeros(120) if entry is None else entry
    columns = np.column_stack([replicates.treatment, replicates.design])
    for replicate, (time, event) in enumerate(zip(replicates.time, replicates.event, strict=True)):
        one = found.sel(replicate=replicate)
        for label, arm in (("control", ~replicates.treatment), ("treated", replicates.treatment)):
            here = one.sel(arm=label)
            curve = kaplan_meier(time[arm], event[arm], entry[arm], times=GRID)
            inside = curve.follow_up >= GRID
            assert_allclose(here["kaplan_meier"][inside], curve.survival[inside], rtol=1e-10, atol=1e-10)
            at = kaplan_meier(time[arm], event[arm], entry[arm], times=TIMES)
            assert_allclose(here["survival"], at.survival, rtol=1e-10)
            assert float(here["median"]) == curve.median
            assert float(here["follow_up"]) == curve.follow_up
            assert int(here["events"]) == event[arm].sum()
        assert_allclose(one["log_rank"], log_rank(time, event, replicates.treatment, entry)[0], rtol=1e-9)
        simple = cox(time, event, columns[:, :1], ["treatment"], entry)
        assert_allclose(one["cox_unadjusted"], simple.table["coefficient"][0], atol=1e-6)
        full = cox(time, event, columns, list("tabc"), entry)
        assert_allclose(one["cox_adjusted"], full.table["coefficient"][0], atol=1e-6)
        # PHReg counts a patient at risk at the moment of entry; a step later is (entry, time] again.
        after = np.where(entry > 0, np.nextafter(entry, np.inf), 0.0)
        other = PHReg(time, columns, status=event.astype(int), entry=after, ties="efron").fit()
        assert_allclose(one["cox_adjusted"], other.params[0], atol=1e-6)


def test_curves_equal_lifelines_directly():
    frame = load_gbsg2()
    time, event = frame["time"].to_numpy(float), frame["cens"].to_numpy(bool)
    curve = ProductLimit(time, event, np.zeros(time.size))
    fitter = KaplanMeierFitter().fit(time, event)
    grid = np.linspace(0, 3000, 301)
    assert_allclose(curve(grid), fitter.survival_function_at_times(grid), rtol=1e-10)
    assert curve.median == fitter.median_survival_time_


def test_intervals_are_open_on_the_left_and_closed_on_the_right():
    time = [[2.0, 2.0, 5.0, 5.1, 1.0, 9.0]]
    event = [[True, True, True, True, False, True]]
    treatment = [True, False, True, False, True, False]
    found = replicate_statistics(time, event, treatment, None, np.empty((6, 0)), TIMES, GRID, CUTPOINTS)
    assert found["events_by_interval"].sel(replicate=0, arm="treated").values.tolist() == [1, 1, 0]
    assert found["events_by_interval"].sel(replicate=0, arm="control").values.tolist() == [1, 0, 2]
    assert_array_equal(found["events_by_interval"].sum("interval"), found["events"])
    assert found["interval_end"].values.tolist() == [2, 5, np.inf]


def test_one_cohort_is_one_replicate(replicates):
    arguments = (replicates.treatment, None, replicates.design, TIMES, GRID, CUTPOINTS)
    alone = replicate_statistics(replicates.time[2], replicates.event[2], *arguments)
    among = replicate_statistics(replicates.time, replicates.event, *arguments)
    assert alone.sizes["replicate"] == 1
    assert alone.isel(replicate=0, drop=True).identical(among.isel(replicate=2, drop=True))


def test_collinear_design_columns_do_not_move_the_treatment_effect(replicates):
    arguments = (replicates.time, replicates.event, replicates.treatment, None)
    rest = (TIMES, GRID, CUTPOINTS)
    doubled = np.column_stack([replicates.design, replicates.design @ [1, 1, 1], np.ones(120)])
    first = replicate_statistics(*arguments, replicates.design, *rest)
    second = replicate_statistics(*arguments, doubled, *rest)
    assert_allclose(first["cox_adjusted"], second["cox_adjusted"], rtol=1e-10)


def test_a_replicate_without_finite_hazard_ratio_is_missing_not_an_error():
    time = np.arange(1.0, 21.0)[None]
    treatment = np.arange(20) % 2 == 0
    found = replicate_statistics(time, ~treatment[None], treatment, None, np.empty((20, 0)), TIMES, GRID, [])
    assert np.isnan(found["cox_unadjusted"]).all()
    nobody = replicate_statistics(time, time < 0, treatment, None, np.empty((20, 0)), TIMES, GRID, [])
    assert np.isnan(nobody["cox_adjusted"]).all()
    assert np.isnan(nobody["log_rank"]).all()
    assert (nobody["median"] == np.inf).all()


@pytest.mark.parametrize(
    ("time", "entry", "message"),
    [
        ([[1.0, 2.0]], [0.0, 2.0], "time must be above entry, but found 1"),
        ([[1.0, 2.0, 3.0]], [0.0, 0.0], r"time and event must be \(replicate, 2\)"),
    ],
)
def test_impossible_replicates_are_refused(time, entry, message):
    rest = ([True, False], entry, np.empty((2, 0)), TIMES, GRID, CUTPOINTS)
    with pytest.raises(ValueError, match=message):
        replicate_statistics(time, np.ones_like(time, dtype=bool), *rest)


# The partial likelihood itself


def test_derivatives_are_those_of_the_likelihood(replicates):
    time, event = replicates.time[0], replicates.event[0]
    model = EfronCox(time, event, entries(replicates.time), replicates.design)
    at = np.array([0.3, -0.2, 0.1])
    gradient, information = model.derivatives(at)
    assert_allclose(gradient, approx_fprime(at, model.log_likelihood, 1e-6), rtol=1e-4, atol=1e-4)
    for term in range(3):
        slope = approx_fprime(at, lambda point, term=term: model.derivatives(point)[0][term], 1e-6)
        assert_allclose(-information[term], slope, rtol=1e-4, atol=1e-4)


def test_likelihood_of_two_tied_deaths_by_hand():
    # Hazards w = e^b and 1; both die at 1 while a third (hazard 1) is at risk.
    model = EfronCox(np.ones(3), np.array([True, True, False]), np.zeros(3), np.array([[1.0], [0.0], [0.0]]))
    ratio = np.exp(0.4)
    expected = np.log(ratio / (2 + ratio) / (2 + ratio - (1 + ratio) / 2))
    assert model.log_likelihood(np.array([0.4])) == pytest.approx(expected)


def test_maximum_equals_r_on_rossi_and_ignores_order_and_scale():
    frame = load_rossi()
    terms = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    time, event = frame["week"].to_numpy(float), frame["arrest"].to_numpy(bool)
    columns = frame[terms].to_numpy(float)
    found = EfronCox(time, event, np.zeros(time.size), columns).maximise()
    assert_allclose(found, [-0.37942, -0.05744, 0.31390, -0.14980, -0.43370, -0.08487, 0.09150], atol=6e-6)
    order = np.random.default_rng(0).permutation(time.size)
    scaled = EfronCox(time[order] * 7, event[order], np.zeros(time.size), columns[order] * 1000 + 3)
    assert_allclose(scaled.maximise() * 1000, found, rtol=1e-8)


def test_an_infinite_coefficient_is_missing_and_leaves_the_others():
    rng = np.random.default_rng(8)
    time, event = rng.exponential(size=200), rng.random(200) < 0.7
    columns = np.column_stack([rng.normal(size=200), np.zeros(200)])
    columns[np.flatnonzero(~event)[:5], 1] = 1
    inside = columns[:, 1] == 0
    found = EfronCox(time, event, np.zeros(200), columns).maximise()
    without = EfronCox(time[inside], event[inside], np.zeros(195), columns[inside, :1]).maximise()
    assert np.isnan(found[1])
    assert_allclose(found[0], without[0], atol=1e-6)


# Censoring


def cohort(time, event, treatment, entry=None):
    time = np.asarray(time, dtype=float)
    return SimpleNamespace(
        time=time,
        event=np.asarray(event, dtype=bool),
        treatment=np.asarray(treatment, dtype=bool),
        entry=np.zeros(time.size) if entry is None else np.asarray(entry, dtype=float),
    )


def test_known_censoring_is_kept_and_drawn_censoring_lies_beyond_the_event():
    frame = load_gbsg2()
    patients = cohort(frame["time"], frame["cens"], frame["horTh"] == "yes")
    drawn = censoring_times(patients, 50, np.random.default_rng(1))
    assert drawn.shape == (50, 686)
    assert_array_equal(drawn[:, ~patients.event], np.tile(patients.time[~patients.event], (50, 1)))
    ends = (patients.time[arm].max() for arm in (patients.treatment, ~patients.treatment))
    last, died = np.where(patients.treatment, *ends), patients.event
    assert np.all((drawn[:, died] > patients.time[died]) | (drawn[:, died] == last[died]))
    for arm in (patients.treatment, ~patients.treatment):
        ends = np.append(patients.time[arm & ~died], patients.time[arm].max())
        assert np.isin(drawn[:, arm], ends).all()


def test_drawn_censoring_has_the_reverse_kaplan_meier_distribution_by_hand():
    # One arm: death at 1, censored at 2, 3 and 4, death at 5. Reverse: 3/4 after 2, 2/4, 1/4, tail to 5.
    patients = cohort([1, 2, 3, 4, 5, 9, 9], [1, 0, 0, 0, 1, 0, 0], [1, 1, 1, 1, 1, 0, 0])
    drawn = censoring_times(patients, 40_000, np.random.default_rng(2))
    times, seen = np.unique(drawn[:, 0], return_counts=True)
    assert times.tolist() == [2, 3, 4, 5]
    assert_allclose(seen / 40_000, 0.25, atol=0.01)
    assert (drawn[:, 4] == 5).all()  # nothing is known beyond the last follow-up of the arm


def test_censoring_of_a_replicate_from_the_truth_has_the_cohorts_distribution():
    # With independent uniform censoring the drawn times are uniform again.
    rng = np.random.default_rng(3)
    size = 4000
    censoring, death = rng.uniform(0, 10, size), rng.exponential(6, size)
    patients = cohort(np.minimum(censoring, death), death <= censoring, np.arange(size) % 2 == 0)
    drawn = censoring_times(patients, 1, rng)[0]
    assert kstest(drawn, "uniform", args=(0, 10)).statistic < 0.04


def test_same_seed_same_censoring_and_late_entry_is_respected():
    rng = np.random.default_rng(4)
    time = rng.uniform(2, 10, 80)
    patients = cohort(time, rng.random(80) < 0.6, np.arange(80) % 2 == 0, time * rng.uniform(0, 0.9, 80))
    drawn = censoring_times(patients, 20, np.random.default_rng(5))
    assert_array_equal(drawn, censoring_times(patients, 20, np.random.default_rng(5)))
    assert np.all(drawn > patients.entry)
