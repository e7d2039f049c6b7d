"""Notes beside the estimands: medians not reached, and the Weibull effect as acceleration."""

from types import SimpleNamespace

import numpy as np
import pytest

from inference.diagnostics.checks.notes import median_notes, time_ratio_note
from models.effects import ByInterval, ConstantEffect


def test_a_median_that_is_always_reached_needs_no_note():
    assert median_notes({"control": 0.0, "treated": 0.0}) == []
    (note,) = median_notes({"control": 0.0, "treated": 0.051})
    assert (note.name, note.status, note.value) == ("estimand: median not reached, treated", "info", 0.051)


def fit(parameters, effect=None):
    spec = SimpleNamespace(effect=effect or ConstantEffect())
    return SimpleNamespace(
        designs=[SimpleNamespace(parameters=parameters, posterior=SimpleNamespace(spec=spec))]
    )


def test_the_time_ratio_moves_the_whole_weibull_curve():
    """S_treated(ratio * t) = S_control(t): the definition of acceleration."""
    effect, shape, median = -0.5, 1.4, 20.0
    parameters = {"treatment_effect": np.full((2, 3), effect), "weibull_shape": np.full((2, 3), shape)}
    (note,) = time_ratio_note(fit(parameters))
    times = np.array([1.0, 10.0, 50.0])
    control = np.exp(-np.log(2) * (times / median) ** shape)
    treated = np.exp(-np.log(2) * np.exp(effect) * (note.value * times / median) ** shape)
    assert treated == pytest.approx(control)
    assert time_ratio_note(fit({})) == []
    assert time_ratio_note(fit(parameters, ByInterval((5.0,)))) == [], "no single factor stretches all times"
