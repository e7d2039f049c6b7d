"""A model's log density by interfaces that PyTensor, PyMC and nutpie offer to all: slower, and the same posterior.

`nutpie.compile_pymc_model` is not among them: it rests on the same internals of numba and PyTensor as `native`, and takes twenty
times as long to compile (docs/decisions/0023).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

from inference.sampling.compiled.density import (
    POSITION,
    STATISTICS,
    BoundDensity,
    CompiledDensity,
    initial_points,
    run_chains,
)
from inference.sampling.settings import SamplerSettings


@dataclass(frozen=True, eq=False)
class PublicDensity(CompiledDensity):
    """A density as a function of PyTensor."""

    function: Any  # of PyTensor, from the vector to log density and gradient; the data are shared variables
    # the one whose data the function has; to hand them over takes twice as long as a call
    holder: list[BoundPublicDensity] = field(default_factory=list)
    # held during a call, because a function has one place for its data, and chains are threads
    lock: Any = field(default_factory=Lock)

    def bound(self, arrays: dict[str, np.ndarray]) -> BoundDensity:
        """Return the density given arrays."""
        return BoundPublicDensity(self, arrays)


@dataclass(frozen=True, eq=False)
class BoundPublicDensity(BoundDensity):
    """A density that hands its data over before a call, where another did so since the last."""

    compiled: PublicDensity
    arrays: dict[str, np.ndarray]

    def __call__(self, position: np.ndarray) -> tuple[float, np.ndarray]:
        """Return log density and gradient at a position."""
        function = self.compiled.function
        try:
            with self.compiled.lock:
                if self.compiled.holder != [self]:
                    self.compiled.holder.clear()
                    for shared in function.get_shared():
                        shared.set_value(self.arrays[shared.name], borrow=True)
                    self.compiled.holder.append(self)
                value, gradient = function(position)
        except (ValueError, IndexError, TypeError) as error:
            raise ArithmeticError("the log density cannot be computed with these data") from error
        return float(value), gradient

    def draw(self, start: np.ndarray, settings: SamplerSettings, accept: float) -> dict[str, np.ndarray]:
        """Return positions and statistics of chains that begin around a start."""
        from nutpie.compiled_pyfunc import from_pyfunc

        model = from_pyfunc(
            self.compiled.size,
            lambda: self._finite,
            lambda *_: lambda position: {POSITION: np.array(position)},
            [np.dtype(float)],
            [(self.compiled.size,)],
            [POSITION],
            make_initial_point_fn=initial_points(start),
        )
        trace = run_chains(model, settings, accept)
        statistics = trace["sample_stats"]
        return {
            POSITION: trace["posterior"][POSITION].to_numpy(),
            **{name: statistics[name].to_numpy() for name in STATISTICS},
        }

    def _finite(self, position: np.ndarray) -> tuple[float, np.ndarray]:
        """Return log density and gradient, -inf where either is not finite: nutpie rejects such a point."""
        value, gradient = self(np.array(position))
        return value if np.isfinite(gradient).all() else -np.inf, gradient


def compile_density(model: pm.Model) -> PublicDensity:
    """Return the log density of a model of one free vector, all of whose data are shared variables."""
    (variable,) = model.free_RVs
    vector: Any = model.rvs_to_values[variable]
    log_density: Any = model.logp()
    outcomes: Any = [log_density, pt.grad(log_density, vector)]
    exact = {"numba__fastmath": False} if hasattr(pytensor.config, "numba__fastmath") else {}  # decision 0012
    with pytensor.config.change_flags(**exact):
        function: Any = model.compile_fn(outcomes, inputs=[vector], point_fn=False)
    data = {shared.name: shared.get_value(borrow=True) for shared in function.get_shared()}
    (size,) = vector.type.shape
    return PublicDensity(size, {name: (value.dtype, value.ndim) for name, value in data.items()}, function)
