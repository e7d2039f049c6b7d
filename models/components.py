"""What a hazard and an effect are made of: a number or a vector, an exchangeable family, a random walk."""

from abc import ABC
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy import stats

from models.arrays import running_sum
from models.priors import Parameter

Values = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Component:
    """A number or a vector, each element with a prior of its own."""

    value: Parameter  # what formulas read, and a fit reports
    labels: tuple[str, ...] = ()  # names along its dimension; none for a single number

    @property
    def priors(self) -> dict[Parameter, tuple[str, ...]]:
        """Parameters whose prior a prior set states, in the order of declaration, with the names along their dimension."""
        return {self.value: self.labels}

    def declare(self, declared: Callable[[str], Any]) -> dict[str, Any]:
        """Return its tensors inside a PyMC model, from a function that declares a parameter by its prior."""
        return {parameter.name: declared(parameter.name) for parameter in self.priors}

    def draw_prior(self, drawn: Callable[[str], Any], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return prior draws (draw, ...) of all that it reports, from a function that draws a parameter by its prior."""
        return {parameter.name: drawn(parameter.name) for parameter in self.priors}

    def complete(self, values: Values) -> dict[str, np.ndarray]:
        """Return all that it reports (draw, ...) from the values of the model's free variables."""
        return {parameter.name: values[parameter.name] for parameter in self.priors}

    def latent_log_prior(self, parameters: Values) -> dict[str, np.ndarray]:
        """Return the log density (draw,) of what has a prior that depends on other parameters, by name."""
        return {}


@dataclass(frozen=True, eq=False)
class Exchangeable(Component):
    """A vector of independent Normal(0, sd) numbers."""

    sd: Parameter = field(kw_only=True)  # their standard deviation
    latent: str = field(kw_only=True)  # name of the model's free variable
    # whether that variable is the vector divided by the root of its standard deviation: sampled as they are, or
    # divided by all of it, the vector and its standard deviation hinder each other
    # (docs/decisions/0021-steps-between-centred-and-not.md)
    over_root: bool = field(kw_only=True, default=True)

    @property
    def count(self) -> int:
        """How many independent numbers there are."""
        return len(self.labels)

    @property
    def priors(self) -> dict[Parameter, tuple[str, ...]]:
        return {self.sd: ()} if self.count else {}

    def declare(self, declared: Callable[[str], Any]) -> dict[str, Any]:
        tensors = super().declare(declared)
        deviations = None
        if self.count:
            sd = tensors[self.sd.name]
            spread = pt.sqrt(sd) if self.over_root else sd
            free = pm.Normal(self.latent, 0.0, spread, shape=self.count)
            deviations = self._summed(spread * free if self.over_root else free, pt)
        vector = self._from_first(tensors, deviations)
        return tensors | {self.value.name: pm.Deterministic(self.value.name, vector, dims=self.value.dim)}

    def draw_prior(self, drawn: Callable[[str], Any], rng: np.random.Generator) -> dict[str, np.ndarray]:
        values = super().draw_prior(drawn, rng)
        if self.count:
            sd = values[self.sd.name][..., None]
            standard = rng.standard_normal((*sd.shape[:-1], self.count))
            values[self.latent] = (np.sqrt(sd) if self.over_root else sd) * standard
        return self.complete(values)

    def complete(self, values: Values) -> dict[str, np.ndarray]:
        deviations = None
        if self.count:
            deviations = self._summed(values[self.latent], np)
            if self.over_root:
                deviations = np.sqrt(values[self.sd.name])[..., None] * deviations
        own = super().complete(values)
        singles = {name: value[..., None] for name, value in own.items()}
        return own | {self.value.name: self._from_first(singles, deviations)}

    def latent_log_prior(self, parameters: Values) -> dict[str, np.ndarray]:
        if not self.count:
            return {}
        independent = self._independent(parameters[self.value.name])
        density = stats.norm.logpdf(independent, 0.0, parameters[self.sd.name][..., None])
        return {self.value.name: density.sum(axis=-1)}

    def _summed(self, deviations: Any, xp: Any) -> Any:
        return deviations

    def _from_first(self, singles: dict[str, Any], deviations: Any) -> Any:
        return deviations

    def _independent(self, vector: np.ndarray) -> np.ndarray:
        return vector


@dataclass(frozen=True, eq=False)
class RandomWalk(Exchangeable):
    """A vector whose first element has a prior of its own, each further one Normal(the one before, sd)."""

    first: Parameter = field(kw_only=True)  # the first element; all of them where there is no step

    @property
    def count(self) -> int:
        return len(self.labels) - 1

    @property
    def priors(self) -> dict[Parameter, tuple[str, ...]]:
        return {self.first: (), **super().priors}

    def _summed(self, deviations: Any, xp: Any) -> Any:
        return running_sum(deviations, self.count, xp)

    def _from_first(self, singles: dict[str, Any], deviations: Any) -> Any:
        first = singles[self.first.name]
        if deviations is None:
            return first if np.ndim(first) else first[None]
        return first + deviations

    def _independent(self, vector: np.ndarray) -> np.ndarray:
        return np.diff(vector, axis=-1)


class Part(ABC):
    """What a baseline hazard and an effect shape have in common: a name, and parameters by components.

    Attributes
    ----------
    known : tuple of Parameter
        Every parameter with a prior that any of its forms has: a prior set may name them.
    columns : dict of str to str
        Of arrays that its formulas read, the dimension that follows the patients.
    """

    name: ClassVar[str]
    known: ClassVar[tuple[Parameter, ...]]
    columns: ClassVar[dict[str, str]] = {}

    @property
    def components(self) -> tuple[Component, ...]:
        """What it is made of, in the order of declaration: single numbers, unless overridden."""
        return tuple(Component(parameter) for parameter in self.known)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters with a prior that a prior set states, in the order of declaration."""
        return tuple(parameter for one in self.components for parameter in one.priors)

    @property
    def cutpoints(self) -> tuple[float, ...]:
        """Times at which it may jump; empty where it never does."""
        return ()

    @property
    def coordinates(self) -> dict[str, list[str]]:
        """Names along the dimensions of its components."""
        return {one.value.dim: list(one.labels) for one in self.components if one.value.dim}

    @property
    def structure(self) -> tuple:
        """What a compiled model depends on, besides the values and columns of arrays."""
        forms = ((type(one).__name__, len(one.labels)) for one in self.components)
        return (self.name, len(self.cutpoints), *forms)
