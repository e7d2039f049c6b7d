"""A tempered observation: the other's likelihood to a power, as data of one compiled model."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from inference.sampling.posterior import Posterior, structure_of
from models.baselines import PiecewiseExponential
from models.effects import EFFECTS
from models.exposures import Naive
from models.exposures.tempered import Tempered
from models.priors import PriorSet
from models.specification import ModelSpec

SPEC = ModelSpec(PiecewiseExponential((12.0, 36.0)), EFFECTS["constant"](), "latent")


@pytest.fixture
def patients(cohort_of):
    return cohort_of([3.0, 14.0, 40.0, 22.0], [1, 0, 1, 1], [1, 0, 1, 0], age=[50, 61, 47, 70])


def contents(cohort, exposure):
    posterior = Posterior(cohort, dataclasses.replace(SPEC, exposure=exposure), PriorSet("default"))
    return posterior, posterior.content(posterior.blocks)


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_it_is_the_likelihood_to_a_power(patients, eta):
    rng = np.random.default_rng(1)
    parameters = {"log_hazard": rng.normal(-3, 0.3, (5, 3)), "treatment_effect": rng.normal(size=5)}
    risk = rng.normal(size=(5, patients.size))
    _, whole = contents(patients, Naive())
    _, part = contents(patients, Tempered(eta))
    expected = Naive().log_likelihood(parameters, whole, SPEC, risk, np)
    found = Tempered(eta).log_likelihood(parameters, part, SPEC, risk, np)
    assert_allclose(found, eta * expected, rtol=1e-12)


def test_exponents_share_a_compiled_model_that_is_not_the_untempered_one(patients):
    keys = []
    for exposure in (Tempered(0.2), Tempered(0.9), Naive()):
        posterior, content = contents(patients, exposure)
        keys.append(structure_of(posterior, posterior.blocks, content))
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("eta", [-0.1, 1.1])
def test_other_exponents_are_refused(eta):
    with pytest.raises(ValueError, match=r"eta must be between 0 and 1, but found"):
        Tempered(eta)
