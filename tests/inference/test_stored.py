"""A summary comes back from disk as it was; what is held is not made again, and a pooled summary rests on its parts."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from pandas.testing import assert_frame_equal

from data.simulation.simulate import Truth, simulate_frame, simulated_study
from data.study.sources import validate_cohort
from inference.fits import stored
from inference.fits.requests import FitRequest
from inference.fits.stored import StoredModel
from inference.fits.summary_tree import DATASETS, TABLES, summary_from_tree, summary_to_tree
from inference.sampling.engine import SamplerSettings
from models.priors import PriorSet

REQUEST = FitRequest(
    "weibull", "iptw", "constant", PriorSet("default"), SamplerSettings(2, 20, 20), designs=40, cohorts=2
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Two cohorts under weights, which need no compilation."""
    text = simulate_frame(Truth(), 80, 1)[1]
    study = simulated_study(text)
    cohorts = [validate_cohort(simulate_frame(Truth(), 80, number)[0], study, "x") for number in (1, 2, 3)]
    return StoredModel(study, cohorts, REQUEST, tmp_path_factory.mktemp("analysis"))


def test_a_pooled_summary_comes_back_as_it_was(model, monkeypatch):
    first = model.summary()
    assert model.held()
    for name in ("read_fit", "pool"):  # nothing is summarised again
        monkeypatch.setattr(stored, name, None)
    again = StoredModel(model.study, model.cohorts, REQUEST, model.folder).summary()
    assert (again.request, again.key) == (first.request, first.key)
    np.testing.assert_array_equal(again.power_scaling, first.power_scaling)
    assert again.checks == first.checks
    for name in TABLES:
        assert_frame_equal(getattr(again, name), getattr(first, name), check_exact=True)
    for name in DATASETS:
        xr.testing.assert_identical(getattr(again, name), getattr(first, name))
    for name in ("elpd", "propensity"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
    assert len(first.pooling) > 0
    assert len(first.balance) > 0
    assert {path.parent.name for path in model.folder.glob("fits/*/fit.nc")} == set(model.keys)


def test_numbers_and_texts_survive_the_tree(model):
    whole = model.summary()
    row = whole.estimands.iloc[0]
    assert isinstance(row["estimand"], str)
    assert row["subgroup"] == ""
    assert isinstance(row["mean"], float)
    bare = summary_from_tree(summary_to_tree(whole), REQUEST, "key")
    assert_frame_equal(bare.estimands, whole.estimands, check_exact=True)


def test_another_number_of_pooled_cohorts_shares_the_fits(model, tmp_path):
    three = StoredModel(model.study, model.cohorts, replace(REQUEST, cohorts=3), model.folder)
    assert three.keys[:2] == model.keys
    assert three.pooled.content != model.pooled.content
