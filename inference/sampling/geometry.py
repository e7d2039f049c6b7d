"""Sampling geometry: the same posterior in coordinates in which it is close to a standard normal.

The model stays in its natural parameters. For the sampler its density is rewritten in coordinates u, with
parameters = walk(shear(location + scale u)). `location` and `scale` come from a rough normal fit (Laplace). The shear
takes the propensity score's share out of the outcome coefficients, because the data determine only their sum: its Jacobian is 1.
The walk frees the steps of a hazard from their standard deviation (`inference/sampling/walk.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.graph.replace import graph_replace
from scipy.optimize import minimize

from inference.sampling.compiled.density import POSITION
from inference.sampling.walk import Walk
from models.arrays import product
from models.baselines.piecewise_exponential import LEVEL, STEPS

DIFFERENCE = 1e-5
"""Step of the central differences that give the Hessian: about the cube root of the precision."""
FLATTEST = 1e-8  # curvature below which a direction counts as flat, so that the first draws stay within reach

Density = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Layout:
    """Where each variable of a model lies in the flat vector of unconstrained values.

    Attributes
    ----------
    slices : dict of str to slice
        Place of each variable.
    lengths : dict of str to int
        Number of values, 0 for a single number.
    positive : frozenset of str
        Variables that are the exponential of their unconstrained value.
    size : int
        Length of the flat vector.
    """

    slices: dict[str, slice]
    lengths: dict[str, int]
    positive: frozenset[str]
    size: int

    def split(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """Return the values of each variable, on its own scale, from flat vectors (..., size)."""
        values = {}
        for name, place in self.slices.items():
            part = flat[..., place] if self.lengths[name] else flat[..., place.start]
            values[name] = np.exp(part) if name in self.positive else part
        return values

    def join(self, values: Mapping[str, Any]) -> np.ndarray:
        """Return the flat vector of the given values; 0 for variables that are not given."""
        flat = np.zeros(self.size)
        for name, value in values.items():
            flat[self.slices[name]] = np.log(value) if name in self.positive else value
        return flat


def layout_of(model: pm.Model) -> Layout:
    """Return where each free variable of a model lies in the flat vector."""
    slices, lengths, positive, at = {}, {}, set(), 0
    initial = model.initial_point()
    for variable in model.free_RVs:
        value = model.rvs_to_values[variable]
        shape = initial[value.name].shape
        count = shape[0] if shape else 1
        slices[variable.name] = slice(at, at + count)
        lengths[variable.name] = shape[0] if shape else 0
        if value.name.endswith("_log__"):
            positive.add(variable.name)
        elif value.name != variable.name:
            raise NotImplementedError(f"no rule for the transform of {value.name}")
        at += count
    return Layout(slices, lengths, frozenset(positive), at)


@dataclass(frozen=True, eq=False)
class Shear:
    """The map that subtracts `multiplier * (matrix @ flat)` from a flat vector of parameters."""

    multiplier: int  # position of the score's effect
    # (size, size): 1 where a row's outcome coefficient and a column's propensity coefficient are of the same term
    matrix: np.ndarray

    def apply(self, flat: np.ndarray) -> np.ndarray:
        """Return natural parameters from sheared ones, for flat vectors (..., size)."""
        return flat - flat[..., [self.multiplier]] * (flat @ self.matrix.T)

    def undo(self, flat: np.ndarray) -> np.ndarray:
        """Return sheared parameters from natural ones: `apply` leaves the effect and the propensity alone."""
        return flat + flat[..., [self.multiplier]] * (flat @ self.matrix.T)


def whiten(model: pm.Model, layout: Layout, shear: Shear | None, walk: Walk | None = None) -> pm.Model:
    """Return a model of one vector `position` with the density of `model` at walk(shear(location + scale position)).

    Parameters
    ----------
    model : pymc.Model
        In natural parameters.
    layout : Layout
        Of that model.
    shear : Shear or None
    walk : Walk or None
        None leaves the parameters as they are.

    Returns
    -------
    pymc.Model
        Its shared variables are those of `model`, and `location`, `scale` and, with a shear, `shear_matrix`, with a walk its
        arrays.
    """
    size = layout.size
    with pm.Model(check_bounds=False) as whitened:
        position = pm.Flat(POSITION, shape=size)
        location = pytensor.shared(np.zeros(size), name="location", shape=(size,))
        scale = pytensor.shared(np.eye(size), name="scale", shape=(size, size))
        flat = location + product(scale, position)
        if shear is not None:
            matrix = pytensor.shared(shear.matrix, name="shear_matrix", shape=(size, size))
            flat = flat - flat[shear.multiplier] * product(matrix, flat)
        parts: dict[str, Any] = {
            name: flat[place] if layout.lengths[name] else flat[place.start]
            for name, place in layout.slices.items()
        }
        volume: Any = 0.0
        if walk is not None:
            shared = {
                name: pytensor.shared(value, name=name, shape=value.shape)
                for name, value in walk.arrays.items()
            }
            parts[LEVEL.name], parts[STEPS], volume = walk.natural(flat, shared, pt)
        replacements: dict[Any, Any] = {
            model.rvs_to_values[variable]: parts[variable.name] for variable in model.free_RVs
        }
        density: Any = model.logp()
        whitened_density: Any = graph_replace([density], replacements, strict=False)[0]
        pm.Potential("log_density", whitened_density + volume)
    return whitened


@dataclass(frozen=True, eq=False)
class NormalFit:
    """A normal approximation of a posterior.

    Attributes
    ----------
    location : ndarray (size,)
        Where it is centred.
    scale : ndarray (size, size)
        A root of its covariance.
    log_mass : float
        Log of the posterior mass under it, up to a constant that all modes share.
    """

    location: np.ndarray
    scale: np.ndarray
    log_mass: float


def fit_normal(density: Density, start: np.ndarray, held: Mapping[int, float]) -> NormalFit:
    """Return the normal approximation at the mode nearest to a start.

    Parameters
    ----------
    density : callable
        Gives the log density and its gradient.
    start : ndarray (size,)
        Where to begin.
    held : mapping of int to float
        Positions that stay at their start, with the standard deviation to assume: the spread of other parameters
        has a joint mode far from where its posterior mass is.
    """
    free = np.array([i for i in range(len(start)) if i not in held])

    def objective(values: np.ndarray) -> tuple[float, np.ndarray]:
        at = start.copy()
        at[free] = values
        log_density, gradient = density(at)
        if not (np.isfinite(log_density) and np.all(np.isfinite(gradient))):
            return np.inf, np.zeros(len(free))
        return -log_density, -gradient[free]

    def hessian(values: np.ndarray) -> np.ndarray:
        step = DIFFERENCE * np.eye(len(values))
        rows = [(objective(values + d)[1] - objective(values - d)[1]) / (2 * DIFFERENCE) for d in step]
        return 0.5 * (np.array(rows) + np.array(rows).T)

    def rough_hessian(values: np.ndarray) -> np.ndarray:
        here = objective(values)[1]
        rows = [(objective(values + d)[1] - here) / DIFFERENCE for d in DIFFERENCE * np.eye(len(values))]
        return 0.5 * (np.array(rows) + np.array(rows).T)

    # One-sided differences point the way as well, at half the cost; the curvature that is kept has both sides.
    found = minimize(
        objective, start[free], jac=True, hess=rough_hessian, method="trust-exact", options={"maxiter": 500}
    )
    curvature, directions = np.linalg.eigh(hessian(found.x))
    curvature = np.maximum(curvature, FLATTEST)
    location, scale = start.copy(), np.zeros((len(start), len(start)))
    location[free] = found.x
    scale[np.ix_(free, free)] = directions / np.sqrt(curvature)
    for position, spread in held.items():
        scale[position, position] = spread
    log_mass = -float(found.fun) - 0.5 * float(np.log(curvature).sum())
    return NormalFit(location, scale, log_mass)
