"""The engine: a model is compiled once for each structure and process; cohorts and priors are swapped in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import nutpie
import pytensor
import xarray as xr

from data.cohort import Cohort
from data.errors import InputError
from inference.geometry import Density, Layout, NormalFit, Shear, fit_normal, layout_of, whiten
from models.assembly import Blocks, build_model, build_propensity_model, model_blocks, model_data
from models.blocks import assemble
from models.priors import PriorSet
from models.specification import ModelSpec

NOWHERE_FINITE = (
    "the posterior must be finite somewhere near the centre of its priors, but was found infinite or undefined there; "
    "look at priors with extreme numbers, and at the units of times and covariates"
)
STATISTICS = ("diverging", "energy", "n_steps", "step_size", "depth", "logp")


@dataclass(frozen=True)
class SamplerSettings:
    """How long to sample.

    Attributes
    ----------
    chains, draws, tune : int
        Chains; draws kept and warm-up draws dropped, for each chain.
    seed : int
        Same seed, same draws.
    """

    chains: int = 4
    draws: int = 1000
    tune: int = 300
    seed: int = 20240101


@dataclass(frozen=True, eq=False)
class Task:
    """A posterior to be sampled.

    Attributes
    ----------
    cohort : Cohort
        The patients.
    spec : ModelSpec or None
        The outcome model; None stands for the treatment model alone.
    priors : PriorSet
        Priors of all parameters.
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
        if self.spec is None:
            return build_propensity_model(self.cohort, self.priors)
        return build_model(self.cohort, self.spec, self.priors, self.score)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A compiled density and what is needed to read its draws. Holds no PyMC model."""

    nutpie_model: Any
    layout: Layout
    shared_names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Sample:
    """Draws of a posterior.

    Attributes
    ----------
    parameters : dict of str to ndarray (chain, draw, ...)
        Natural parameters.
    statistics : dict of str to ndarray (chain, draw)
        What the sampler says of each draw.
    modes : tuple of NormalFit
        Normal approximations from every start; one, but for a latent score.
    """

    parameters: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    modes: tuple[NormalFit, ...]


_COMPILED: dict[tuple, Compiled] = {}


def structure_of(task: Task, blocks: Blocks, content: dict[str, np.ndarray]) -> tuple:
    """Return what decides whether two tasks share a compiled model."""
    spec = task.spec
    of_model = ("treatment",) if spec is None else (spec.baseline.structure, spec.effect.name, spec.score)
    of_priors = tuple(
        (block.variable, block.distribution, tuple(block.positions))
        for _, listed in blocks.values()
        for block in listed
    )
    of_data = tuple((name, np.ndim(value), np.shape(value)[1:]) for name, value in content.items())
    return (of_model, of_priors, of_data)


def compiled_for(task: Task, blocks: Blocks, content: dict[str, np.ndarray]) -> Compiled:
    """Return the compiled model of a task, compiling only the first time a structure is met."""
    key = structure_of(task, blocks, content)
    if key not in _COMPILED:
        model = task.build()
        layout = layout_of(model)
        whitened = whiten(model, layout, shear_of(task, blocks, layout))
        # Fast-math lets the compiler reorder sums, and it does so differently for functions compiled now and those
        # read from numba's cache on disk: the same seed would give other draws on the first run.
        with pytensor.config.change_flags(numba__fastmath=False):
            nutpie_model: Any = nutpie.compile_pymc_model(whitened, backend="numba", var_names=["position"])
        shared = tuple(variable.name for variable in nutpie_model.logp_func.get_shared())
        _COMPILED[key] = Compiled(nutpie_model, layout, shared)
    return _COMPILED[key]


def shear_of(task: Task, blocks: Blocks, layout: Layout) -> Shear | None:
    """Return the shear of a joint model: each outcome coefficient against the propensity coefficient of its term.

    Without terms in common it leaves everything as it is; a joint model has one all the same.
    """
    if not {"propensity_coefficients", "propensity_effect"} <= set(blocks):
        return None
    outcome = _positions(blocks, "outcome_coefficients", layout, task.cohort.outcome.terms)
    propensity = _positions(blocks, "propensity_coefficients", layout, task.cohort.propensity.terms)
    matrix = np.zeros((layout.size, layout.size))
    for term in set(outcome) & set(propensity):
        matrix[outcome[term], propensity[term]] = 1.0
    return Shear(layout.slices["propensity_effect"].start, matrix)


def _positions(blocks: Blocks, name: str, layout: Layout, terms: tuple[str, ...]) -> dict[str, int]:
    """Return the position of each term's coefficient in the flat vector."""
    return {
        terms[term]: layout.slices[block.variable].start + place
        for block in (blocks[name][1] if name in blocks else [])
        for place, term in enumerate(block.positions)
    }


def sample(task: Task, settings: SamplerSettings) -> Sample:
    """Return draws of a task's posterior.

    Chains of a model with a latent propensity score start in turn from the score's sign as the treatments have it
    and from the opposite sign, so that a second mode is found if there is one.

    Parameters
    ----------
    task : Task
        What to sample.
    settings : SamplerSettings
        How long.

    Returns
    -------
    Sample
    """
    blocks = task.blocks
    content = task.content(blocks)
    compiled = compiled_for(task, blocks, content)
    layout, shear = compiled.layout, shear_of(task, blocks, compiled.layout)
    swapped = {name: value for name, value in content.items() if name in compiled.shared_names}
    if shear is not None:
        swapped["shear_matrix"] = shear.matrix
    start, held = _start(blocks, layout)
    density = _density(compiled, swapped)
    modes = [_normal_fit(density, start, held)]
    starts = [np.zeros(layout.size)]
    if shear is not None:
        flipped = _flip(modes[0].location, shear, layout)
        modes.append(_normal_fit(density, flipped, held))
        starts.append(np.linalg.lstsq(modes[0].scale, flipped - modes[0].location, rcond=None)[0])
    ready = compiled.nutpie_model.with_data(**swapped, location=modes[0].location, scale=modes[0].scale)
    chains = [settings.chains - settings.chains // 2, settings.chains // 2] if shear else [settings.chains]
    traces = [
        _run(ready, at, count, settings, settings.seed + 7919 * number)
        for number, (at, count) in enumerate(zip(starts, chains, strict=True))
        if count
    ]
    positions = np.concatenate([trace["posterior"]["position"].to_numpy() for trace in traces])
    flat = modes[0].location + positions @ modes[0].scale.T
    values = layout.split(flat if shear is None else shear.apply(flat))
    statistics = {
        name: np.concatenate([trace["sample_stats"][name].to_numpy() for trace in traces])
        for name in STATISTICS
        if name in traces[0]["sample_stats"]
    }
    return Sample(_parameters(task, blocks, values), statistics, tuple(modes))


def _normal_fit(density: Density, start: np.ndarray, held: dict[int, float]) -> NormalFit:
    """Return the normal approximation at the mode nearest to a start; a posterior without one is refused."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            fitted = fit_normal(density, start, held)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
        raise InputError(NOWHERE_FINITE) from error
    if not (np.isfinite(fitted.location).all() and np.isfinite(fitted.scale).all()):
        raise InputError(NOWHERE_FINITE)
    return fitted


def _run(ready: Any, start: np.ndarray, chains: int, settings: SamplerSettings, seed: int) -> xr.DataTree:
    """Run some chains from around one start; an interrupt stops them and keeps nothing."""

    def initial_point(chain_seed: Any) -> np.ndarray:
        return start + np.random.default_rng(chain_seed).standard_normal(len(start))

    sampler = nutpie.sample(
        dataclasses.replace(ready, initial_point_func=initial_point),
        draws=settings.draws,
        tune=settings.tune,
        chains=chains,
        seed=seed,
        progress_bar=False,
        save_warmup=False,
        blocking=False,
    )
    try:
        return sampler.wait()
    except RuntimeError as error:
        raise InputError(NOWHERE_FINITE) from error
    except BaseException:
        sampler.cancel()
        raise


def _density(compiled: Compiled, swapped: dict[str, np.ndarray]) -> Density:
    """Return the compiled log density, with gradient, of the sheared but not yet whitened parameters."""
    size = compiled.layout.size
    natural = compiled.nutpie_model.with_data(**swapped, location=np.zeros(size), scale=np.eye(size))
    by_name = {variable.name: natural.shared_data[key] for variable, key in natural.shared_var_keys.items()}
    shared = [by_name[name] for name in compiled.shared_names]
    function = natural.logp_func.vm.jit_fn

    def density(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = function(flat, *shared)
        return float(value), np.asarray(gradient)

    return density


def _start(blocks: Blocks, layout: Layout) -> tuple[np.ndarray, dict[int, float]]:
    """Return the prior medians as a flat vector, and the hyper-parameters that a normal fit holds, with their sd."""
    values, held = {}, {}
    for parameter, listed in blocks.values():
        for block in listed:
            values[block.variable] = block.frozen.ppf(0.5)
            if parameter.scale_of_others:
                low, high = np.log(block.frozen.ppf([0.16, 0.84]))
                held[layout.slices[block.variable].start] = float(high - low) / 2.0
    return layout.join(values), held


def _flip(sheared: np.ndarray, shear: Shear, layout: Layout) -> np.ndarray:
    """Return the point of the opposite sign mode: score and score effect reversed, the rest as it is."""
    natural = shear.apply(sheared)
    for name, place in layout.slices.items():
        if name.startswith(("propensity_coefficients", "propensity_effect")):
            natural[place] = -natural[place]
    return shear.undo(natural)


def _parameters(task: Task, blocks: Blocks, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the natural parameters by their contract names."""
    named = {name: assemble(parameter, listed, values) for name, (parameter, listed) in blocks.items()}
    if task.spec is None:
        return named
    of_baseline = {parameter.name for parameter in task.spec.baseline.parameters}
    completed = task.spec.baseline.complete({**values, **{name: named[name] for name in of_baseline}})
    return completed | {name: value for name, value in named.items() if name not in of_baseline}
