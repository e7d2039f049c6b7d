"""Times drawn along a hazard path: the path's cumulative hazard at the event, by quadrature, is the number that was drawn."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.effects.by_interval import ByInterval
from models.lifetimes import draw_split_times
from models.specification import ModelSpec

CUTS = (10.0, 30.0)
DRAWS, PATIENTS = 3, 40


def case(baseline, effect, latest_entry):
    """Parameters, model data and starts: some never, some before entry, some later."""
    rng = np.random.default_rng(7)
    parameters = {
        "treatment_effect": rng.normal(-0.5, 0.5, DRAWS),
        "outcome_coefficients": rng.normal(0, 0.5, (DRAWS, 2)),
    }
    if baseline.name == "weibull":
        parameters |= {
            "median_survival": rng.uniform(15, 30, DRAWS),
            "weibull_shape": rng.uniform(0.7, 1.4, DRAWS),
        }
    else:
        parameters["log_hazard"] = rng.normal(-3.2, 0.5, (DRAWS, len(CUTS) + 1))
    if isinstance(effect, ByInterval):
        parameters["treatment_effect_by_interval"] = rng.normal(-0.3, 0.8, (DRAWS, len(CUTS) + 1))
    content = {
        "entry": rng.uniform(0, latest_entry, PATIENTS),
        "outcome_design": rng.normal(size=(PATIENTS, 2)),
        "treated": (rng.random(PATIENTS) < 0.5).astype(float),
    }
    start = rng.exponential(15.0, (DRAWS, PATIENTS))
    start[:, ::5] = np.inf
    start[:, 1::7] = 0.0
    return parameters, content, start


@pytest.mark.parametrize("latest_entry", [0.0, 12.0])
@pytest.mark.parametrize("effect", ["constant", "by_interval"])
@pytest.mark.parametrize(
    "baseline", [PiecewiseExponential(CUTS, "independent"), Weibull()], ids=lambda one: one.name
)
def test_the_path_s_cumulative_hazard_at_the_event_is_the_drawn_number(baseline, effect, latest_entry):
    shape = EFFECTS["constant"]() if effect == "constant" else ByInterval(CUTS)
    parameters, content, start = case(baseline, shape, latest_entry)
    found = draw_split_times(parameters, content, ModelSpec(baseline, shape), start, np.random.default_rng(3))
    drawn = np.random.default_rng(3).standard_exponential((DRAWS, PATIENTS))
    for draw in range(DRAWS):
        one = {name: value[draw : draw + 1] for name, value in parameters.items()}
        log_ratio = (
            np.full(len(CUTS) + 1, one["treatment_effect"][0])
            if effect == "constant"
            else one["treatment_effect_by_interval"][0]
        )
        for patient in range(PATIENTS):
            entry, end = content["entry"][patient], found[draw, patient]
            assert end >= entry
            begins = max(start[draw, patient], entry)
            stops = sorted({entry, end, *(cut for cut in (*CUTS, begins) if entry < cut < end)})
            total = 0.0
            for low, high in itertools.pairwise(stops):
                spent = baseline.cumulative_hazard(one, baseline.basis(np.array([low, high])), np)[0]
                middle = (low + high) / 2
                interval = np.searchsorted(CUTS, middle)
                total += (spent[1] - spent[0]) * (np.exp(log_ratio[interval]) if middle > begins else 1.0)
            risk = content["outcome_design"][patient] @ one["outcome_coefficients"][0]
            assert_allclose(total * np.exp(risk), drawn[draw, patient], rtol=1e-9)


def test_with_nobody_or_everybody_treated_from_the_start_times_are_those_of_the_naive_model():
    baseline, shape = Weibull(), EFFECTS["constant"]()
    parameters, content, start = case(baseline, shape, 0.0)
    spec = ModelSpec(baseline, shape)
    never = draw_split_times(parameters, content, spec, np.full_like(start, np.inf), np.random.default_rng(5))
    always = draw_split_times(parameters, content, spec, np.zeros_like(start), np.random.default_rng(5))
    accelerated = np.exp(parameters["treatment_effect"] / parameters["weibull_shape"])[:, None]
    assert_allclose(always * accelerated, never, rtol=1e-9)
