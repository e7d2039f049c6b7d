"""What every effect shape must keep to, for every member of EFFECTS."""

import numpy as np
import pytensor.tensor as pt
import pytest
from numpy.testing import assert_allclose

from models.effects import EFFECTS
from models.families import FAMILIES


@pytest.fixture(params=EFFECTS.values(), ids=list(EFFECTS))
def effect(request):
    return request.param()


@pytest.fixture
def parameters(effect):
    rng = np.random.default_rng(3)
    return {parameter.name: rng.normal(-0.3, 0.5, 5) for parameter in effect.parameters}


def test_it_is_listed_under_its_name(effect):
    assert EFFECTS[effect.name] is type(effect)


def test_parameters_have_defaults_that_fit_and_say_what_they_are(effect):
    for parameter in effect.parameters:
        assert FAMILIES[parameter.default.distribution].support == parameter.support
        assert parameter.meaning
        assert parameter.default.reason


def test_without_treatment_there_is_no_effect(effect, parameters):
    assert np.all(effect.log_hazard_ratio(parameters, np.zeros(4)) == 0)


def test_draws_come_first_and_patients_last(effect, parameters):
    treatment = np.array([0.0, 1.0, 1.0, 0.0])
    ratio = effect.log_hazard_ratio(parameters, treatment)
    assert ratio.shape == (5, 4)
    assert np.all(ratio[:, treatment == 0] == 0)


def test_a_model_computes_what_draws_compute(effect, parameters):
    treatment = np.array([0.0, 1.0])
    one = {name: pt.as_tensor(value[0]) for name, value in parameters.items()}
    ours = effect.log_hazard_ratio(one, pt.as_tensor(treatment)).eval(mode="FAST_COMPILE")
    assert_allclose(ours, effect.log_hazard_ratio(parameters, treatment)[0])


def test_the_constant_effect_is_the_log_hazard_ratio():
    ratio = EFFECTS["constant"]().log_hazard_ratio(
        {"treatment_effect": np.array([-0.4])}, np.array([0.0, 1.0])
    )
    assert_allclose(ratio, [[0.0, -0.4]])
