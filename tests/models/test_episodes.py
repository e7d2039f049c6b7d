"""Episodes: time at risk is neither lost nor counted twice, and its likelihood is that of the observation models."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data.simulation.simulate import Truth, simulate_cohort
from data.study.cohort import Cohort
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.episodes import episodes_of
from models.exposures import Naive, TimeSplit
from models.likelihood import log_likelihood
from models.specification import ModelSpec


@pytest.fixture(scope="module")
def started() -> Cohort:
    """100 patients who enter late, some of whom begin treatment at 0, before or after their entry."""
    cohort = simulate_cohort(Truth(latest_entry=10.0), 100, seed=6)
    share = np.where(np.arange(100) % 4 == 0, 0.0, np.random.default_rng(1).random(100))
    start = np.where(cohort.treatment, share * cohort.time, np.nan)
    return replace(cohort, treatment_start=start)


def test_ever_and_never_is_one_episode_a_patient(started):
    whole = episodes_of(started, time_split=False)
    assert_array_equal(whole.patient, np.arange(100))
    for name, attribute in (
        ("entry", "entry"),
        ("time", "time"),
        ("event", "event"),
        ("treated", "treatment"),
    ):
        assert_array_equal(getattr(whole, name), getattr(started, attribute))


def test_split_episodes_by_hand(cohort_of):
    cohort = replace(
        cohort_of([10, 20, 5, 25], [1, 1, 1, 0], [1, 0, 1, 1], entry=[0, 1, 0, 3]),
        treatment_start=np.array([2, np.nan, 0, 2]),
    )
    split = episodes_of(cohort, time_split=True)
    rows = [
        (0, 0, 2, False, False),
        (0, 2, 10, True, True),
        (1, 1, 20, True, False),
        (2, 0, 5, True, True),  # nothing before a start at 0
        (3, 3, 25, False, True),  # nor before an entry after the start
    ]
    found = zip(split.patient, split.entry, split.time, split.event, split.treated, strict=True)
    assert [tuple(one) for one in found] == rows
    assert split.patients == 4


def test_splitting_keeps_time_at_risk_and_events(started):
    split = episodes_of(started, time_split=True)
    assert np.all(split.time > split.entry)
    for values, expected in (
        (split.time - split.entry, started.time - started.entry),
        (split.event, started.event),
        (
            (split.time - split.entry) * ~split.treated * started.treatment[split.patient],
            np.where(started.treatment, np.clip(started.treatment_start - started.entry, 0, None), 0),
        ),
    ):
        assert_allclose(np.bincount(split.patient, values, 100), expected, atol=1e-12)
    assert 0 < (started.treatment_start > started.entry).sum() < started.treatment.sum()


@pytest.mark.parametrize(
    "baseline", [PiecewiseExponential((12.0, 36.0)), Weibull()], ids=lambda one: one.name
)
@pytest.mark.parametrize("exposure", [Naive(), TimeSplit()], ids=lambda one: one.name)
def test_their_likelihood_is_that_of_the_model_that_is_sampled(started, baseline, exposure):
    spec = ModelSpec(baseline, EFFECTS["constant"](), "absent", exposure)
    parameters = {
        "treatment_effect": np.array([-0.7, 0.2]),
        "log_hazard": np.array([[-4.0, -3.5, -3.0], [-3.0, -3.2, -3.7]]),
        "median_survival": np.array([20.0, 33.0]),
        "weibull_shape": np.array([0.8, 1.4]),
    }
    content = {"treated": started.treatment.astype(float), "event": started.event.astype(float)}
    content |= exposure.arrays(started, spec)
    expected = exposure.log_likelihood(parameters, content, spec, np.zeros(100), np)
    at_risk = episodes_of(started, isinstance(exposure, TimeSplit))
    basis = baseline.basis(at_risk.time, at_risk.entry)
    each = log_likelihood(
        at_risk.event.astype(float),
        baseline.log_hazard(parameters, basis, np),
        baseline.cumulative_hazard(parameters, basis, np),
        parameters["treatment_effect"][:, None] * at_risk.treated,
        np,
    )
    for draw in range(2):
        assert_allclose(np.bincount(at_risk.patient, each[draw], 100), expected[draw], rtol=1e-10, atol=1e-12)


def test_splitting_without_start_times_is_refused():
    with pytest.raises(ValueError, match="needs start times"):
        episodes_of(simulate_cohort(Truth(), 60, seed=1), time_split=True)
