"""The likelihood against independent implementations, and the invariances that it must have."""

from itertools import pairwise
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

from models.baselines.piecewise_exponential import PiecewiseExponential
from models.baselines.weibull import Weibull
from models.likelihood import log_likelihood, simulate_times

CUTS = (2.0, 5.0, 5.5, 20.0)
TIMES = st.one_of(st.sampled_from(CUTS), st.floats(0.01, 60.0))
ETAS = st.floats(-2.0, 2.0)
LOG_HAZARDS = st.lists(st.floats(-6.0, 0.0), min_size=5, max_size=5).map(np.array)
MEDIANS = st.floats(1.0, 80.0)
SHAPES = st.floats(0.4, 3.0)


@st.composite
def patients(draw):
    """Patients with delayed entry, ties, and times equal to cut points."""
    size = draw(st.integers(1, 6))
    entry, time, event, eta = [], [], [], []
    for _ in range(size):
        first, second = draw(TIMES), draw(TIMES)
        late = draw(st.booleans()) and first != second
        entry.append(min(first, second) if late else 0.0)
        time.append(max(first, second))
        event.append(draw(st.booleans()))
        eta.append(draw(ETAS))
    return np.array(entry), np.array(time), np.array(event), np.array(eta)


def pointwise(baseline, parameters, entry, time, event, eta):
    """The likelihood as the models compute it, for one draw."""
    basis = baseline.basis(np.asarray(time), np.asarray(entry))
    return log_likelihood(
        np.asarray(event, dtype=float),
        baseline.log_hazard(parameters, basis, np),
        baseline.cumulative_hazard(parameters, basis, np),
        np.asarray(eta, dtype=float),
        np,
    )


def piecewise_by_loop(log_hazard, cutpoints, entry, time, event, eta):
    """One patient, interval by interval, in plain arithmetic."""
    starts, ends = (0.0, *cutpoints), (*cutpoints, float("inf"))
    total = 0.0
    for start, end, value in zip(starts, ends, log_hazard, strict=True):
        spent = min(time, end) - max(entry, start)
        if spent > 0:
            total -= exp(value + eta) * spent
        if event and start < time <= end:
            total += value + eta
    return total


def weibull_by_scipy(median, shape, entry, time, event, eta):
    """One patient, by SciPy's density and survival function."""
    scale = median / log(2.0) ** (1.0 / shape) * exp(-eta / shape)
    life = stats.weibull_min(shape, scale=scale)
    died = life.logpdf(time) if event else life.logsf(time)
    return died - life.logsf(entry)


@settings(deadline=None)
@given(patients(), LOG_HAZARDS)
def test_piecewise_equals_a_loop_over_intervals(listed, log_hazard):
    ours = pointwise(PiecewiseExponential(CUTS), {"log_hazard": log_hazard}, *listed)
    loop = [piecewise_by_loop(log_hazard, CUTS, *one) for one in zip(*listed, strict=True)]
    assert_allclose(ours, loop, rtol=1e-10, atol=1e-10)


@settings(deadline=None)
@given(patients(), MEDIANS, SHAPES)
def test_weibull_equals_scipy(listed, median, shape):
    parameters = {"median_survival": np.array(median), "weibull_shape": np.array(shape)}
    ours = pointwise(Weibull(), parameters, *listed)
    scipy = [weibull_by_scipy(median, shape, *one) for one in zip(*listed, strict=True)]
    assert_allclose(ours, scipy, rtol=1e-10, atol=1e-10)


@settings(deadline=None)
@given(patients(), st.floats(-6.0, 0.0))
def test_one_interval_equals_the_exponential_of_scipy(listed, log_hazard):
    ours = pointwise(PiecewiseExponential(), {"log_hazard": np.array([log_hazard])}, *listed)
    for value, entry, time, event, eta in zip(ours, *listed, strict=True):
        life = stats.expon(scale=exp(-log_hazard - eta))
        expected = (life.logpdf(time) if event else life.logsf(time)) - life.logsf(entry)
        assert value == pytest.approx(expected, rel=1e-10, abs=1e-10)


@settings(deadline=None)
@given(patients(), st.floats(-6.0, 0.0))
def test_equal_rates_shape_one_and_one_interval_are_the_same_model(listed, log_hazard):
    one = pointwise(PiecewiseExponential(), {"log_hazard": np.array([log_hazard])}, *listed)
    many = pointwise(PiecewiseExponential(CUTS), {"log_hazard": np.full(5, log_hazard)}, *listed)
    shape_one = {"median_survival": np.array(log(2.0) * exp(-log_hazard)), "weibull_shape": np.array(1.0)}
    weibull = pointwise(Weibull(), shape_one, *listed)
    assert_allclose(many, one, rtol=1e-10, atol=1e-10)
    assert_allclose(weibull, one, rtol=1e-10, atol=1e-10)


def examples():
    """Baselines with several draws of their parameters."""
    rng = np.random.default_rng(8)
    return [
        (PiecewiseExponential(CUTS), {"log_hazard": rng.normal(-3, 0.7, (4, 5))}),
        (PiecewiseExponential(), {"log_hazard": rng.normal(-3, 0.7, (4, 1))}),
        (Weibull(), {"median_survival": rng.uniform(5, 50, 4), "weibull_shape": np.array([0.5, 1, 1.7, 3])}),
    ]


every_example = pytest.mark.parametrize(
    ("baseline", "parameters"), examples(), ids=["piecewise", "exponential", "weibull"]
)


@every_example
def test_the_cumulative_hazard_is_the_integral_of_the_hazard(baseline, parameters):
    entry, time = np.array([0.0, 1.0, 5.0, 0.0, 5.2]), np.array([2.0, 5.0, 5.5, 33.0, 40.0])
    ours = baseline.cumulative_hazard(parameters, baseline.basis(time, entry), np)

    def hazard(at, draw):
        one = {name: value[draw] for name, value in parameters.items()}
        return float(np.exp(baseline.log_hazard(one, baseline.basis(np.array([at])), np))[0])

    for draw in range(4):
        for patient, (start, end) in enumerate(zip(entry, time, strict=True)):
            edges = [start, *(cut for cut in CUTS if start < cut < end), end]
            parts = [
                quad(hazard, a, b, (draw,), epsabs=0, epsrel=1e-9, limit=400)[0] for a, b in pairwise(edges)
            ]
            assert ours[draw, patient] == pytest.approx(sum(parts), rel=1e-7)


@st.composite
def spans(draw):
    """A time at risk and a time within it, which may be a cut point."""
    entry, split, time = sorted(draw(st.lists(TIMES, min_size=3, max_size=3, unique=True)))
    return (0.0 if draw(st.booleans()) else entry), split, time


@settings(deadline=None)
@given(spans(), st.booleans(), ETAS, LOG_HAZARDS, MEDIANS, SHAPES)
def test_splitting_the_time_at_risk_changes_nothing(span, event, eta, log_hazard, median, shape):
    entry, split, time = span
    weibull = {"median_survival": np.array(median), "weibull_shape": np.array(shape)}
    for baseline, parameters in (
        (PiecewiseExponential(CUTS), {"log_hazard": log_hazard}),
        (Weibull(), weibull),
    ):
        whole = pointwise(baseline, parameters, [entry], [time], [event], [eta])
        parts = pointwise(baseline, parameters, [entry, split], [split, time], [False, event], [eta, eta])
        # what H(t) loses in H(t) - H(e) cannot be had back
        reached = exp(eta) * float(
            baseline.cumulative_hazard(parameters, baseline.basis(np.array([time])), np)[0]
        )
        assert_allclose(parts.sum(), whole[0], rtol=1e-10, atol=1e-11 * max(1.0, reached))


@settings(deadline=None)
@given(patients(), st.floats(0.01, 400.0), LOG_HAZARDS, MEDIANS, SHAPES)
def test_rescaling_time_rescales_rates(listed, factor, log_hazard, median, shape):
    entry, time, event, eta = listed
    rescaled = (entry * factor, time * factor, event, eta)
    slower = PiecewiseExponential(tuple(factor * np.array(CUTS)))
    weibull = {"median_survival": np.array(median), "weibull_shape": np.array(shape)}
    for before, after in (
        (
            pointwise(PiecewiseExponential(CUTS), {"log_hazard": log_hazard}, *listed),
            pointwise(slower, {"log_hazard": log_hazard - log(factor)}, *rescaled),
        ),
        (
            pointwise(Weibull(), weibull, *listed),
            pointwise(Weibull(), weibull | {"median_survival": np.array(factor * median)}, *rescaled),
        ),
    ):
        assert_allclose(after, before - event * log(factor), rtol=1e-9, atol=1e-9)


@every_example
def test_the_order_of_the_patients_changes_nothing(baseline, parameters):
    rng = np.random.default_rng(4)
    entry, time = np.sort(rng.choice([0.0, *CUTS, *rng.uniform(0, 40, 40)], (2, 30)), axis=0)
    keep = entry < time
    listed = (entry[keep], time[keep], rng.random(keep.sum()) < 0.6, rng.normal(size=keep.sum()))
    order = rng.permutation(keep.sum())
    shuffled = pointwise(baseline, parameters, *(column[order] for column in listed))
    assert_allclose(shuffled, pointwise(baseline, parameters, *listed)[:, order], rtol=1e-13)


@pytest.mark.parametrize("delayed", [False, True])
@every_example
def test_simulated_times_have_the_model_s_distribution(baseline, parameters, delayed):
    """Cumulative hazards from entry to event are unit exponentials, patient by patient."""
    rng = np.random.default_rng(12)
    size = 4000
    entry = rng.choice([0.0, 2.0, 7.3], size) if delayed else np.zeros(size)
    eta = rng.normal(0, 0.8, (4, size))
    time = simulate_times(baseline, parameters, eta, entry, rng)
    assert time.shape == (4, size)
    assert np.all(time > entry)
    for draw in range(4):
        one = {name: value[draw] for name, value in parameters.items()}
        spent = np.exp(eta[draw]) * baseline.cumulative_hazard(one, baseline.basis(time[draw], entry), np)
        assert stats.kstest(spent, "expon").pvalue > 1e-3
