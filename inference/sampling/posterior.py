"""A posterior to be sampled, and its density: compiled once for each structure and process."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from data.study.cohort import Cohort
from inference.sampling.compiled import compile_density, compiler
from inference.sampling.compiled.density import CompiledDensity
from inference.sampling.geometry import Layout, Shear, layout_of, whiten
from inference.sampling.walk import Walk, walk_arrays
from models.assembly import Blocks, build_model, model_blocks, model_data
from models.baselines import PiecewiseExponential
from models.baselines.piecewise_exponential import LEVEL, STEP_SD, STEPS
from models.priors import PriorSet
from models.specification import ModelSpec


@dataclass(frozen=True, eq=False)
class Posterior:
    """A posterior to be sampled.

    Attributes
    ----------
    cohort : Cohort
    spec : ModelSpec or None
        The outcome model; None stands for the treatment model alone.
    priors : PriorSet
    score : ndarray (patient,) or None
        The propensity score, where the specification says that it is given.
    """

    cohort: Cohort
    spec: ModelSpec | None
    priors: PriorSet
    score: np.ndarray | None = None

    @property
    def blocks(self) -> Blocks:
        """The random variables, by parameter."""
        return model_blocks(self.cohort, self.spec, self.priors)

    def content(self, blocks: Blocks) -> dict[str, np.ndarray]:
        """Return the data of the model."""
        return model_data(self.cohort, self.spec, blocks, self.score)

    def build(self) -> Any:
        """Return the PyMC model."""
        return build_model(self.cohort, self.spec, self.priors, self.score)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A compiled density and what is needed to read its draws. Holds no PyMC model."""

    density: CompiledDensity
    layout: Layout


_COMPILED: dict[tuple, Compiled] = {}


def structure_of(posterior: Posterior, blocks: Blocks, content: dict[str, np.ndarray]) -> tuple:
    """Return what decides whether two posteriors share a compiled model."""
    spec = posterior.spec
    of_model: tuple = ("treatment",)
    if spec is not None:
        of_model = spec.baseline.structure, spec.effect.structure, spec.score, spec.exposure.structure
    of_priors = tuple(
        (block.variable, block.distribution, tuple(block.positions))
        for _, listed in blocks.values()
        for block in listed
    )
    of_data = tuple((name, np.ndim(value), np.shape(value)[1:]) for name, value in content.items())
    return (of_model, of_priors, of_data)


def compiled_for(posterior: Posterior, blocks: Blocks, content: dict[str, np.ndarray]) -> Compiled:
    """Return the compiled model of a posterior, compiling only the first time a structure is met."""
    key = compiler(), structure_of(posterior, blocks, content)
    if key not in _COMPILED:
        model = posterior.build()
        layout = layout_of(model)
        shear, walk = shear_of(posterior, blocks, layout), walk_of(posterior, layout)
        density = compile_density(whiten(model, layout, shear, walk))
        _COMPILED[key] = Compiled(density, layout)
    return _COMPILED[key]


def shear_of(posterior: Posterior, blocks: Blocks, layout: Layout) -> Shear | None:
    """Return the shear of a joint model: each outcome coefficient against the propensity coefficient of its term.

    Without terms in common it leaves everything as it is; a joint model has one all the same.
    """
    if not {"propensity_coefficients", "propensity_effect"} <= set(blocks):
        return None
    outcome = _positions(blocks, "outcome_coefficients", layout, posterior.cohort.outcome.terms)
    propensity = _positions(blocks, "propensity_coefficients", layout, posterior.cohort.propensity.terms)
    matrix = np.zeros((layout.size, layout.size))
    for term in set(outcome) & set(propensity):
        matrix[outcome[term], propensity[term]] = 1.0
    return Shear(layout.slices["propensity_effect"].start, matrix)


def walk_of(posterior: Posterior, layout: Layout) -> Walk | None:
    """Return the coordinates of the hazard's random walk; None where the model has none."""
    if posterior.spec is None or STEPS not in layout.slices:
        return None
    assert isinstance(posterior.spec.baseline, PiecewiseExponential), "only its hazard walks"
    level, step_sd = (layout.slices[one.name].start for one in (LEVEL, STEP_SD))
    return Walk(level, step_sd, layout.slices[STEPS], walk_arrays(posterior.cohort, posterior.spec.baseline))


def _positions(blocks: Blocks, name: str, layout: Layout, terms: tuple[str, ...]) -> dict[str, int]:
    """Return the position of each term's coefficient in the flat vector."""
    return {
        terms[term]: layout.slices[block.variable].start + place
        for block in (blocks[name][1] if name in blocks else [])
        for place, term in enumerate(block.positions)
    }
