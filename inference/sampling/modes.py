"""Normal approximations at the modes of a posterior, from which chains start and whole grids are computed."""

from dataclasses import dataclass

import numpy as np

from data.errors import NowhereFiniteError
from inference.sampling.geometry import Density, Layout, NormalFit, Shear, fit_normal
from inference.sampling.posterior import Compiled, Posterior, compiled_for, shear_of, walk_of
from inference.sampling.walk import Walk
from models.assembly import Blocks


@dataclass(frozen=True, eq=False)
class Modes:
    """The modes of a posterior, by normal approximations.

    Attributes
    ----------
    compiled : Compiled
    swapped : dict of str to ndarray
        The data under the names that the compiled density shares.
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


def find_modes(posterior: Posterior, near: Modes | None = None) -> Modes:
    """Return the normal approximations of a posterior; with a latent score, from its sign and its opposite.

    The search begins at the prior medians, or at the mode of a posterior of the same structure and the same priors.
    """
    blocks = posterior.blocks
    content = posterior.content(blocks)
    compiled = compiled_for(posterior, blocks, content)
    layout = compiled.layout
    shear, walk = shear_of(posterior, blocks, layout), walk_of(posterior, layout)
    swapped = {name: value for name, value in content.items() if name in compiled.density.types}
    if shear is not None:
        swapped["shear_matrix"] = shear.matrix
    if walk is not None:
        swapped |= walk.arrays
    start, held = _start(blocks, layout) if near is None else (near.modes[0].location, near.held)
    density = density_of(compiled, swapped)
    modes = [normal_fit(density, start, held)]
    starts = [np.zeros(layout.size)]
    if shear is not None:
        flipped = _flip(modes[0].location, shear, layout)
        modes.append(normal_fit(density, flipped, held))
        starts.append(np.linalg.lstsq(modes[0].scale, flipped - modes[0].location, rcond=None)[0])
    return Modes(compiled, swapped, shear, walk, tuple(modes), tuple(starts), held)


def normal_fit(density: Density, start: np.ndarray, held: dict[int, float]) -> NormalFit:
    """Return the normal approximation at the mode nearest to a start; a posterior without one is refused."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            fitted = fit_normal(density, start, held)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
        raise NowhereFiniteError from error
    if not (np.isfinite(fitted.location).all() and np.isfinite(fitted.scale).all()):
        raise NowhereFiniteError
    return fitted


def density_of(compiled: Compiled, swapped: dict[str, np.ndarray]) -> Density:
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
