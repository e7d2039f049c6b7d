"""A posterior that cannot be computed names the column with the most extreme number, and survives the way between processes."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from data.errors import InputError, NowhereFiniteError
from data.simulation.simulate import Truth, simulate_frame, simulated_study
from data.study.extremes import most_extreme
from data.study.sources import validate_cohort
from inference.fits.requests import FitRequest, problem_of
from inference.fits.sampled_fit import sampled_fit
from inference.sampling.engine import SamplerSettings
from models.priors import Prior, PriorSet


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
