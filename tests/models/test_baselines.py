"""What every baseline hazard must keep to, for every member of BASELINES."""

import numpy as np
import pytensor.tensor as pt
import pytest
from numpy.testing import assert_allclose

from models.baselines import BASELINES, Baseline, PiecewiseExponential
from models.families import FAMILIES

DRAWS = 6


def variants() -> list[Baseline]:
    """Every member with its defaults, and the forms that differ in their parameters."""
    cuts = (3.0, 8.0, 30.0)
    return [
        *(member() for member in BASELINES.values()),
        PiecewiseExponential(cuts),
        PiecewiseExponential(cuts, "independent"),
        PiecewiseExponential((), "independent"),
    ]


def name_of(baseline: Baseline) -> str:
    return "-".join(str(part) for part in baseline.structure)


@pytest.fixture(params=variants(), ids=name_of)
def baseline(request) -> Baseline:
    return request.param


@pytest.fixture
def parameters(baseline):
    """Draws from narrow priors around a median of about two years."""
    rng = np.random.default_rng(2)

    def drawn(name):
        (parameter,) = [one for one in baseline.parameters if one.name == name]
        shape = (DRAWS, len(baseline.coordinates[parameter.dim])) if parameter.dim else (DRAWS,)
        centre = {"log_hazard_level": -3.5, "log_hazard": -3.5, "median_survival": 24.0}.get(name, 1.0)
        if parameter.support == "positive":
            return centre * np.exp(rng.normal(0, 0.3, shape))
        return centre + rng.normal(0, 0.4, shape)

    return {name: value for one in baseline.components for name, value in one.draw_prior(drawn, rng).items()}


def test_it_is_listed_under_its_name(baseline):
    assert BASELINES[baseline.name] is type(baseline)


def test_parameters_have_defaults_that_fit_and_say_what_they_are(baseline):
    assert set(baseline.parameters) <= set(baseline.known)
    for parameter in baseline.parameters:
        family = FAMILIES[parameter.default.distribution]
        assert family.support == parameter.support
        assert set(parameter.default.arguments) == set(family.arguments)
        assert parameter.meaning
        assert parameter.default.reason
        assert parameter.dim in ("", *baseline.coordinates)


def test_draws_of_the_prior_hold_what_the_formulas_read(baseline, parameters):
    assert {parameter.name for parameter in baseline.parameters} <= set(parameters)
    for name, length in baseline.hazard_parameters.items():
        assert parameters[name].shape == ((DRAWS, length) if length else (DRAWS,))


def test_survival_falls_from_one_to_zero(baseline, parameters):
    time = np.concatenate([[0.0], np.geomspace(1e-3, 1e5, 60)])
    cumulative = baseline.cumulative_hazard(parameters, baseline.basis(time), np)
    assert cumulative.shape == (DRAWS, 61)
    assert np.all(cumulative[:, 0] == 0)
    assert np.all(np.diff(cumulative, axis=1) > 0)
    assert np.all(np.exp(-cumulative[:, -1]) < 1e-6)


def test_the_hazard_is_the_slope_of_the_cumulative_hazard(baseline, parameters):
    time = np.array([0.5, 2.9, 3.1, 7.0, 20.0, 29.0, 80.0])
    step = 1e-5 * time
    high, low = (
        baseline.cumulative_hazard(parameters, baseline.basis(time + side * step), np) for side in (1, -1)
    )
    hazard = np.exp(baseline.log_hazard(parameters, baseline.basis(time), np))
    assert_allclose((high - low) / (2 * step), hazard, rtol=1e-6)


def test_the_hazard_at_a_cut_point_is_that_of_the_interval_it_ends(baseline, parameters):
    for cut in baseline.cutpoints:
        at, before = (
            baseline.log_hazard(parameters, baseline.basis(np.array([time])), np)
            for time in (cut, cut * 0.999)
        )
        assert_allclose(at, before)


def test_time_at_undoes_the_cumulative_hazard(baseline, parameters):
    time = np.array([0.0, 1e-6, 1.0, 3.0, 3.0001, 8.0, 29.0, 30.0, 31.0, 1000.0])
    cumulative = baseline.cumulative_hazard(parameters, baseline.basis(time), np)
    back = baseline.time_at(parameters, cumulative)
    assert back.shape == cumulative.shape
    assert_allclose(back, np.broadcast_to(time, back.shape), rtol=1e-9, atol=1e-12)


def test_the_time_before_entry_is_subtracted(baseline, parameters):
    entry, time = np.array([0.0, 1.0, 3.0, 8.0, 29.5]), np.array([3.0, 8.0, 8.0, 40.0, 30.0])
    from_entry = baseline.cumulative_hazard(parameters, baseline.basis(time, entry), np)
    until, before = (baseline.cumulative_hazard(parameters, baseline.basis(at), np) for at in (time, entry))
    assert_allclose(from_entry, until - before, rtol=1e-11)
    assert_allclose(
        baseline.log_hazard(parameters, baseline.basis(time, entry), np),
        baseline.log_hazard(parameters, baseline.basis(time), np),
    )


def test_entry_at_zero_is_no_delayed_entry(baseline, parameters):
    time = np.array([1.0, 3.0, 50.0])
    with_zero = baseline.cumulative_hazard(parameters, baseline.basis(time, np.zeros(3)), np)
    assert_allclose(with_zero, baseline.cumulative_hazard(parameters, baseline.basis(time), np), rtol=1e-14)


def test_a_model_computes_what_draws_compute(baseline, parameters):
    entry, time = np.array([0.0, 1.0, 4.0]), np.array([3.0, 3.5, 60.0])
    basis = baseline.basis(time, entry)
    read = {name: parameters[name] for name in baseline.hazard_parameters}
    one = {name: pt.as_tensor(value[0]) for name, value in read.items()}
    for formula in (baseline.log_hazard, baseline.cumulative_hazard):
        assert_allclose(
            formula(one, basis, pt).eval(mode="FAST_COMPILE"), formula(read, basis, np)[0], rtol=1e-12
        )


def test_an_imaginary_step_gives_the_derivative(baseline, parameters):
    """Formulas are analytic in their parameters, as the maximiser of weighted likelihoods needs."""
    basis = baseline.basis(np.array([3.0, 3.5, 60.0]), np.array([0.0, 1.0, 4.0]))
    for name in baseline.hazard_parameters:
        for formula in (baseline.log_hazard, baseline.cumulative_hazard):
            imaginary, high, low = (
                formula({**parameters, name: parameters[name] + step}, basis, np)
                for step in (1e-100j, 1e-5, -1e-5)
            )
            assert_allclose(imaginary.imag / 1e-100, (high - low) / 2e-5, rtol=1e-6, atol=1e-8)


def test_its_structure_does_not_depend_on_values():
    assert PiecewiseExponential((1.0, 2.0)).structure == PiecewiseExponential((5.0, 9.0)).structure
    assert PiecewiseExponential((1.0,)).structure != PiecewiseExponential((1.0, 2.0)).structure
    assert PiecewiseExponential((1.0,)).structure != PiecewiseExponential((1.0,), "independent").structure


def test_the_median_of_a_weibull_is_its_median():
    baseline = BASELINES["weibull"]()
    parameters = {"median_survival": np.array([17.0, 3.0]), "weibull_shape": np.array([0.6, 2.5])}
    half = baseline.time_at(parameters, np.full((2, 1), np.log(2.0)))
    assert_allclose(half[:, 0], [17.0, 3.0])


def test_the_density_of_the_random_walk_is_that_of_its_steps():
    walk = PiecewiseExponential((3.0, 8.0))
    values = {
        "log_hazard_level": np.array([-3.0]),
        "log_hazard_step_sd": np.array([0.5]),
        "log_hazard_steps": np.array([[0.25, -0.5]]),
    }
    (component,) = walk.components
    completed = component.complete(values)
    assert_allclose(completed["log_hazard"], [[-3.0, -2.75, -3.25]])
    by_hand = sum(-0.5 * (step / 0.5) ** 2 - np.log(0.5 * np.sqrt(2 * np.pi)) for step in (0.25, -0.5))
    assert_allclose(component.latent_log_prior(completed)["log_hazard"], [by_hand])
