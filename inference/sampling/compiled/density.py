"""A compiled log density, whichever way it was compiled: bound to the data of one posterior after another, and sampled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.sampling.settings import SamplerSettings

POSITION = "position"
STATISTICS = ("diverging", "energy", "n_steps", "step_size", "depth", "logp")


@dataclass(frozen=True, eq=False)
class CompiledDensity(ABC):
    """Log density with gradient of one vector, for any data of the same types and numbers of dimensions."""

    size: int  # length of the vector
    types: dict[str, tuple[np.dtype, int]]  # type and number of dimensions of the data, by name

    def bind(self, data: Mapping[str, Any]) -> BoundDensity:
        """Return the density given data.

        Parameters
        ----------
        data : mapping of str to array_like
            A value for each of `types`.

        Raises
        ------
        ValueError
            If a value has another number of dimensions.
        """
        arrays = {name: np.array(data[name], kind, order="C") for name, (kind, _) in self.types.items()}
        for name, array in arrays.items():
            if array.ndim != self.types[name][1]:
                raise ValueError(f"{name} must have {self.types[name][1]} dimensions, but found {array.ndim}")
        return self.bound(arrays)

    @abstractmethod
    def bound(self, arrays: dict[str, np.ndarray]) -> BoundDensity:
        """Return the density given arrays of its own, of the right types, in the order of `types`."""


class BoundDensity(ABC):
    """A log density given its data."""

    @abstractmethod
    def __call__(self, position: np.ndarray) -> tuple[float, np.ndarray]:
        """Return log density and gradient (size,) at a position (size,); they may be infinite or undefined.

        Raises
        ------
        ArithmeticError
            If it cannot be computed with these data.
        """

    @abstractmethod
    def draw(self, start: np.ndarray, settings: SamplerSettings, accept: float) -> dict[str, np.ndarray]:
        """Return position (chain, draw, size) and statistics (chain, draw) of chains that begin around a start (size,), by a standard normal.

        Parameters
        ----------
        start : ndarray (size,)
        settings : SamplerSettings
        accept : float
            Acceptance that step sizes aim at.

        Raises
        ------
        RuntimeError
            If the density cannot be computed, or is infinite wherever chains begin.
        """


def initial_points(start: np.ndarray) -> Callable[[Any], np.ndarray]:
    """Return the function from a chain's seed to where it begins: around a start, by a standard normal."""
    return lambda seed: start + np.random.default_rng(seed).standard_normal(len(start))


def run_chains(model: Any, settings: SamplerSettings, accept: float, **form: Any) -> Any:
    """Return the trace of what nutpie compiled, in one of its forms; an interrupt stops the chains and keeps nothing."""
    import nutpie  # takes seconds, and reading stored fits needs none of it

    sampler: Any = nutpie.sample(
        model,
        **vars(settings),
        target_accept=accept,
        progress_bar=False,
        blocking=False,
        **form,
    )
    try:
        return sampler.wait()
    except RuntimeError:  # the sampler has ended
        raise
    except BaseException:
        sampler.cancel()
        raise
