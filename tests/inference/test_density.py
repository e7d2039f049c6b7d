"""The compiled log density, either way, is that of the model with the data it is bound to; and one that is nowhere finite."""

import pickle
from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from data.errors import InputError, NowhereFiniteError
from data.simulation.simulate import Truth, simulate_frame, simulated_study
from data.study.extremes import most_extreme
from data.study.sources import validate_cohort
from inference.fits.requests import FitRequest, problem_of
from inference.fits.sampled_fit import sampled_fit
from inference.sampling.compiled import native, public
from inference.sampling.compiled.density import POSITION
from inference.sampling.engine import SamplerSettings
from models.priors import Prior, PriorSet


def model_of(counts, design, chosen, level):
    """A Poisson regression whose data are numbers of every kind: whole, real, of no, one and two dimensions."""
    with pm.Model(check_bounds=False) as model:
        position = pm.Normal(POSITION, 0.0, 1.0, shape=2)
        log_mean = pm.Data("level", level) + (pm.Data("design", design) * position).sum(axis=1)
        mean = pm.math.exp(log_mean[pm.Data("chosen", chosen)])
        pm.Poisson("observed", mean, observed=pm.Data("counts", counts))
    return model


@pytest.fixture(scope="module", params=[native, public], ids=["native", "public"])
def compiled(request):
    rng = np.random.default_rng(1)
    model = model_of(rng.poisson(2.0, 5), rng.normal(size=(7, 2)), np.arange(5), 0.3)
    return request.param.compile_density(model)


@pytest.fixture(scope="module")
def other():
    """Other data, of other lengths."""
    rng = np.random.default_rng(2)
    counts, design = rng.poisson(3.0, 9), rng.normal(size=(4, 2))
    return {"counts": counts, "design": design, "chosen": rng.integers(0, 4, 9), "level": 1.1}


def by_scipy(position, counts, design, chosen, level):
    mean = np.exp(level + design @ position)[chosen]
    return stats.norm.logpdf(position).sum() + stats.poisson.logpmf(counts, mean).sum()


def test_it_is_the_density_of_the_model_with_the_bound_data(compiled, other):
    bound = compiled.bind(other)
    for position in np.random.default_rng(3).normal(size=(5, 2)):
        value, gradient = bound(position)
        assert value == pytest.approx(by_scipy(position, **other), rel=1e-12)
        for place, step in enumerate(1e-6 * np.eye(2)):
            slope = (by_scipy(position + step, **other) - by_scipy(position - step, **other)) / 2e-6
            assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-6)


def test_a_structure_that_was_compiled_before_is_read_from_disk_and_no_other_one_for_it(other):
    at = np.array([0.3, -0.2])
    first, again = (native.compile_density(model_of(**other)) for _ in range(2))
    assert again.code.cache_hits == 1
    assert again.bind(other)(at)[0] == first.bind(other)(at)[0]
    with pm.Model(check_bounds=False) as unlike:
        pm.Cauchy(POSITION, 0.0, 1.0, shape=2)
        pm.Potential("tilt", (pm.Data("design", np.ones((3, 2))) ** 3).sum())
    value, _ = native.compile_density(unlike).bind({"design": np.ones((3, 2))})(at)
    assert value == pytest.approx(stats.cauchy.logpdf(at).sum() + 6.0, rel=1e-12)


def test_what_is_bound_is_not_changed_by_a_later_change_of_the_arrays(compiled, other):
    given = {name: np.array(value) for name, value in other.items()}
    bound = compiled.bind(given)
    before = bound(np.zeros(2))[0]
    given["design"][:] = 5.0
    assert bound(np.zeros(2))[0] == before


def test_densities_bound_to_other_data_do_not_disturb_each_other(compiled, other):
    one, two = compiled.bind(other), compiled.bind(other | {"level": 0.2})
    expected = [by_scipy(np.ones(2), **other), by_scipy(np.ones(2), **other | {"level": 0.2})]
    for _ in range(2):
        assert [density(np.ones(2))[0] for density in (one, two)] == pytest.approx(expected, rel=1e-12)


def test_data_that_do_not_fit_together_are_an_error(compiled, other):
    with pytest.raises(ArithmeticError, match="cannot be computed with these data"):
        compiled.bind(other | {"chosen": np.array([0, 1])})(np.zeros(2))


def test_sampling_gives_up_where_the_density_cannot_be_computed(compiled, other):
    bound = compiled.bind(other | {"chosen": np.array([0, 1])})
    with pytest.raises(RuntimeError):
        bound.draw(np.zeros(2), SamplerSettings(chains=1, draws=10, tune=10, seed=1), 0.8)


def test_data_of_another_number_of_dimensions_are_an_error(compiled, other):
    with pytest.raises(ValueError, match="design must have 2 dimensions, but found 1"):
        compiled.bind(other | {"design": np.ones(3)})


def test_missing_data_are_an_error(compiled, other):
    with pytest.raises(KeyError, match="level"):
        compiled.bind({name: value for name, value in other.items() if name != "level"})


def test_chains_sample_it_from_around_their_start(compiled, other):
    settings = SamplerSettings(chains=2, draws=500, tune=200, seed=4)
    bound = compiled.bind(other)
    drawn = bound.draw(np.zeros(2), settings, 0.8)
    positions = drawn[POSITION]
    assert positions.shape == (2, 500, 2)
    for position, log_density in zip(positions[0, :5], drawn["logp"][0, :5], strict=True):
        assert log_density == pytest.approx(by_scipy(position, **other), rel=1e-9)


@pytest.mark.parametrize("way", [native, public], ids=["native", "public"])
def test_chains_stay_in_the_mode_at_which_they_start(way):
    with pm.Model(check_bounds=False) as model:
        position = pm.Flat(POSITION, shape=1)
        pm.Potential("modes", (-0.5 * (abs(position) - pm.Data("distance", 0.0)) ** 2).sum())
    bound = way.compile_density(model).bind({"distance": 30.0})
    for start in (-30.0, 30.0):
        drawn = bound.draw(np.array([start]), SamplerSettings(chains=2, draws=200, tune=200, seed=3), 0.8)
        assert drawn[POSITION].mean() == pytest.approx(start, abs=0.3)


def test_the_column_and_the_patient_with_the_most_extreme_number_are_named():
    frame, text = simulate_frame(Truth(), 100, seed=1)
    frame.loc[41, "age"] = 9e9
    cohort = validate_cohort(frame, simulated_study(text), "x")
    assert most_extreme(cohort).startswith("column 'age': 9e+09 of patient P00042, where the median is")
    late = np.where(np.arange(100) == 7, 1e12, cohort.time)
    assert most_extreme(replace(cohort, time=late)).startswith("the times: 1e+12 of patient P00008")


def test_the_refusal_names_study_and_column():
    frame, text = simulate_frame(Truth(), 100, seed=1)
    study = simulated_study(text)
    priors = PriorSet("far", "", {"treatment_effect": Prior("Normal", {"mu": 1e300, "sigma": 1.0})})
    request = FitRequest("weibull", "none", "constant", priors, SamplerSettings(2, 20, 20))
    problem = problem_of(study, validate_cohort(frame, study, "x"), request)
    with pytest.raises(
        InputError, match=r"^simulated: the posterior must be finite .* is in .* of patient P"
    ):
        sampled_fit.function(study.name, request.named, problem)


def test_the_error_goes_from_a_worker_to_the_command():
    error = pickle.loads(pickle.dumps(NowhereFiniteError()))
    assert isinstance(error, InputError)
    assert str(error) == str(NowhereFiniteError())
