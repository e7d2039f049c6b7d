"""The engine: a model is compiled once for each structure and process; cohorts and priors are swapped in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from data.errors import InputError
from inference.density import POSITION, BoundDensity
from inference.geometry import Density, Layout, NormalFit, Shear, fit_normal
from inference.tasks import Compiled, Task, compiled_for, shear_of, walk_of
from inference.walk import Walk
from models.assembly import Blocks
from models.blocks import assemble

NOWHERE_FINITE = (
    "the posterior must be finite somewhere near the centre of its priors, but was found infinite or undefined there; "
    "look at priors with extreme numbers, and at the units of times and covariates"
)
PARABOLAS = (
    2  # through three points of the log posterior of a hyper-parameter, each about the top of the one before
)
SKEW_STEP = 0.1  # standard deviations, of the differences that give third derivatives
ACCEPT, ACCEPT_OF_HIERARCHY = 0.8, 0.95
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


@dataclass(frozen=True, eq=False)
class Approximation:
    """A normal approximation of a posterior.

    Attributes
    ----------
    mean, sd : float
        Of one parameter.
    parameters : dict of str to ndarray (draw, ...)
        Draws of the natural parameters.
    """

    mean: float
    sd: float
    parameters: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Modes:
    """Where the posterior of a task has its mass, by normal approximations.

    Attributes
    ----------
    compiled : Compiled
    swapped : dict of str to ndarray
        The task's data under the names that the compiled density shares.
    shear : Shear or None
    walk : Walk or None
    modes : tuple of NormalFit
        From every start; one, but for a latent score.
    starts : tuple of ndarray
        Where chains begin, in the coordinates of the first mode.
    held : dict of int to float
        Hyper-parameters that a normal fit holds at their prior medians, with the standard deviation that it gives them.
    """

    compiled: Compiled
    swapped: dict[str, np.ndarray]
    shear: Shear | None
    walk: Walk | None
    modes: tuple[NormalFit, ...]
    starts: tuple[np.ndarray, ...]
    held: dict[int, float]


def find_modes(task: Task, near: Modes | None = None) -> Modes:
    """Return the normal approximations of a task's posterior; with a latent score, from its sign and its opposite.

    The search begins at the prior medians, or at the mode of a posterior of the same structure and the same priors.
    """
    blocks = task.blocks
    content = task.content(blocks)
    compiled = compiled_for(task, blocks, content)
    layout = compiled.layout
    shear, walk = shear_of(task, blocks, layout), walk_of(task, layout)
    swapped = {name: value for name, value in content.items() if name in compiled.density.types}
    if shear is not None:
        swapped["shear_matrix"] = shear.matrix
    if walk is not None:
        swapped |= walk.arrays
    start, held = _start(blocks, layout) if near is None else (near.modes[0].location, near.held)
    density = _density(compiled, swapped)
    modes = [_normal_fit(density, start, held)]
    starts = [np.zeros(layout.size)]
    if shear is not None:
        flipped = _flip(modes[0].location, shear, layout)
        modes.append(_normal_fit(density, flipped, held))
        starts.append(np.linalg.lstsq(modes[0].scale, flipped - modes[0].location, rcond=None)[0])
    return Modes(compiled, swapped, shear, walk, tuple(modes), tuple(starts), held)


def approximate(task: Task, parameter: str) -> tuple[float, float]:
    """Return mean and standard deviation of a single-number parameter: `approximate_each` of one posterior."""
    return approximate_each([task], parameter)[0]


def approximate_each(tasks: Iterable[Task], parameter: str) -> list[tuple[float, float]]:
    r"""Return mean and standard deviation of a single-number parameter, by normal approximations at the modes.

    For grids of many posteriors of one structure and the same priors, of which some are checked against draws; each search
    begins where the one before ended. The score's effect and what it is sheared with are not to be asked for. The mean lies
    off the mode where the density is skewed:

    .. math:: E[\theta] \approx \hat\theta + \tfrac12 \Sigma \, (\partial^3 \log p : \Sigma)

    (Tierney and Kadane 1986, doi 10.1080/01621459.1986.10478240), third derivatives by differences of the gradient.
    """
    return [_moments(found, parameter) for found in _approximations(tasks)]


def approximate_draws(tasks: Iterable[Task], parameter: str, normals: np.ndarray) -> Iterator[Approximation]:
    """Yield the normal approximations of `approximate_each` with draws of all natural parameters.

    Parameters
    ----------
    tasks : iterable of Task
        Of one structure and the same priors.
    parameter : str
        A single-number parameter.
    normals : ndarray (draw, coordinate)
        Standard normal numbers; columns beyond the coordinates of the model are not used. The same numbers for every task make
        differences between tasks smooth.
    """
    tasks = list(tasks)
    for task, found in zip(tasks, _approximations(tasks), strict=True):
        mode, layout = found.modes[0], found.compiled.layout
        mean = _corrected_mean(found)
        flat = mean + normals[:, : layout.size] @ mode.scale.T
        for coordinates in (found.shear, found.walk):
            flat = flat if coordinates is None else coordinates.apply(flat)
        place = layout.slices[parameter].start
        yield Approximation(
            float(mean[place]),
            float(np.linalg.norm(mode.scale[place])),
            _parameters(task, task.blocks, layout.split(flat)),
        )


def _approximations(tasks: Iterable[Task]) -> Iterator[Modes]:
    """Yield the modes of each task, hyper-parameters held where the posterior of the first has them."""
    near = None
    for task in tasks:
        near = _with_estimated_hyperparameters(find_modes(task)) if near is None else find_modes(task, near)
        yield near


def _with_estimated_hyperparameters(found: Modes) -> Modes:
    r"""Return the first mode with each held hyper-parameter at the mode of its own posterior instead of its prior median.

    The posterior of a log standard deviation is, by the normal approximation of the others, the density at their mode times the
    root of the determinant of their covariance (Tierney and Kadane 1986, doi 10.1080/01621459.1986.10478240). Where a step is
    too small the hazard is too flat, and an effect that hangs on its shape, as with unknown starts, is off.
    """
    density = _density(found.compiled, found.swapped)
    mode, held = found.modes[0], dict(found.held)
    for position in held:
        for _ in range(PARABOLAS):
            step = found.held[position]
            here = mode.location[position]
            beside = [_moved(density, mode, position, here + sign * step, held) for sign in (-1.0, 1.0)]
            low, high = (one.log_mass - mode.log_mass for one in beside)
            bend = -(low + high) / step**2
            if bend <= 0.0:  # the best of the three
                mode = max((mode, *beside), key=lambda one: one.log_mass)
                continue
            at = here + float(np.clip(0.5 * (high - low) / step / bend, -2.0 * step, 2.0 * step))
            held[position] = float(bend**-0.5)
            mode = _moved(density, mode, position, at, held)
    return replace(found, modes=(mode, *found.modes[1:]), held=held)


def _moved(
    density: Density, mode: NormalFit, position: int, value: float, held: dict[int, float]
) -> NormalFit:
    """Return the normal approximation with a held hyper-parameter elsewhere."""
    start = mode.location.copy()
    start[position] = value
    return _normal_fit(density, start, held)


def _moments(found: Modes, parameter: str) -> tuple[float, float]:
    """Return mean and standard deviation at the first mode, the mean corrected for skewness."""
    place = found.compiled.layout.slices[parameter].start
    return float(_corrected_mean(found)[place]), float(np.linalg.norm(found.modes[0].scale[place]))


def _corrected_mean(found: Modes) -> np.ndarray:
    """Return the mean of the normal approximation (coordinate,): the first mode, corrected for skewness."""
    mode, layout = found.modes[0], found.compiled.layout
    density, held = _density(found.compiled, found.swapped), list(found.held)
    here, skew = density(mode.location)[1], np.zeros(layout.size)
    for direction in mode.scale.T:
        if np.any(direction) and not np.any(direction[held]):
            step = SKEW_STEP * direction
            beside = density(mode.location + step)[1] + density(mode.location - step)[1]
            skew += (beside - 2.0 * here) / SKEW_STEP**2
    skew[held] = 0.0
    return mode.location + 0.5 * mode.scale @ (mode.scale.T @ skew)


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
    found = find_modes(task)
    compiled, modes = found.compiled, found.modes
    layout, shear = compiled.layout, found.shear
    whitened = {"location": modes[0].location, "scale": modes[0].scale}
    ready = compiled.density.bind(found.swapped | whitened)
    chains = [settings.chains - settings.chains // 2, settings.chains // 2] if shear else [settings.chains]
    accept = _target_accept(task)
    traces = [
        _run(ready, at, count, settings, settings.seed + 7919 * number, accept)
        for number, (at, count) in enumerate(zip(found.starts, chains, strict=True))
        if count
    ]
    drawn = {name: np.concatenate([trace[name] for trace in traces]) for name in traces[0]}
    flat = modes[0].location + drawn.pop(POSITION) @ modes[0].scale.T
    for coordinates in (shear, found.walk):
        flat = flat if coordinates is None else coordinates.apply(flat)
    values = layout.split(flat)
    return Sample(_parameters(task, task.blocks, values), drawn, modes)


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


def _target_accept(task: Task) -> float:
    """Return the acceptance that step sizes aim at: a hierarchy of effects has corners that long steps jump over."""
    hierarchy = task.spec is not None and any(one.scale_of_others for one in task.spec.effect.parameters)
    return ACCEPT_OF_HIERARCHY if hierarchy else ACCEPT


def _run(
    ready: BoundDensity, start: np.ndarray, chains: int, settings: SamplerSettings, seed: int, accept: float
) -> dict[str, np.ndarray]:
    """Return position and statistics (chain, draw, ...) of chains from around one start; an interrupt stops them and keeps nothing."""

    def initial_point(chain_seed: Any) -> np.ndarray:
        return start + np.random.default_rng(chain_seed).standard_normal(len(start))

    import nutpie  # takes seconds, and whoever only reads fits needs none of it

    sampler = nutpie.sample(
        ready.for_nutpie(initial_point),
        draws=settings.draws,
        tune=settings.tune,
        chains=chains,
        seed=seed,
        progress_bar=False,
        target_accept=accept,
        blocking=False,
        return_raw_trace=True,
    )
    try:
        positions, statistics = sampler.wait().get_arrow_trace()
    except RuntimeError as error:
        raise InputError(NOWHERE_FINITE) from error
    except BaseException:
        sampler.cancel()
        raise
    # Read here: to build an xarray.DataTree of it all, and to take it apart again, takes as long as to sample some models.
    return {
        POSITION: _after_warmup(positions, POSITION, settings.tune).reshape(chains, settings.draws, -1),
        **{name: _after_warmup(statistics, name, settings.tune) for name in STATISTICS},
    }


def _after_warmup(batches: Iterable[Any], column: str, tune: int) -> np.ndarray:
    """Return a column of Arrow batches, one a chain, as (chain, draw * values of a draw)."""
    import pyarrow

    rows = []
    for batch in batches:
        kept = pyarrow.array(batch.column(column))[tune:]
        rows.append(
            (kept.flatten() if pyarrow.types.is_nested(kept.type) else kept).to_numpy(zero_copy_only=False)
        )
    return np.stack(rows)


def _density(compiled: Compiled, swapped: dict[str, np.ndarray]) -> Density:
    """Return the compiled log density, with gradient, of the sheared but not yet whitened parameters."""
    size = compiled.layout.size
    return compiled.density.bind(swapped | {"location": np.zeros(size), "scale": np.eye(size)})


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
    components = (task.spec.baseline, task.spec.effect)
    owned = {parameter.name for component in components for parameter in component.parameters}
    free = {**values, **{name: named[name] for name in owned}}
    completed = task.spec.baseline.complete(free) | task.spec.effect.complete(free)
    return completed | {name: value for name, value in named.items() if name not in owned}
