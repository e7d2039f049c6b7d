"""A gradient by differences, against that of a compiled model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

STEP = 1e-6


@pytest.fixture
def differences() -> Callable[[Any, dict], np.ndarray]:
    """Return the gradient of a model's log density at a point, by differences, in the order of its value variables."""

    def gradient(model: Any, point: dict) -> np.ndarray:
        whole = model.compile_logp(mode="FAST_COMPILE")
        slopes = []
        for variable in model.value_vars:
            for place in range(np.size(point[variable.name])):
                ends = []
                for step in (STEP, -STEP):
                    moved = np.array(point[variable.name], dtype=float)
                    moved.ravel()[place] += step
                    ends.append(float(whole(point | {variable.name: moved})))
                slopes.append((ends[0] - ends[1]) / (2 * STEP))
        return np.array(slopes)

    return gradient
