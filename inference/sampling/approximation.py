"""Normal approximations of many posteriors of one structure: means, standard deviations and draws without sampling."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from inference.sampling.engine import natural_parameters
from inference.sampling.geometry import Density, NormalFit
from inference.sampling.modes import Modes, density_of, find_modes, normal_fit
from inference.sampling.posterior import Posterior

PARABOLAS = 2  # each about the top of the one before
SKEW_STEP = 0.1  # standard deviations, of the differences that give third derivatives


@dataclass(frozen=True, eq=False)
class Approximation:
    """A normal approximation of a posterior."""

    # of one parameter
    mean: float
    sd: float
    parameters: dict[str, np.ndarray]  # (draw, ...): draws of the natural parameters


def approximate(posterior: Posterior, parameter: str) -> tuple[float, float]:
    """Return mean and standard deviation of a single-number parameter: `approximate_each` of one posterior."""
    return approximate_each([posterior], parameter)[0]


def approximate_each(posteriors: Iterable[Posterior], parameter: str) -> list[tuple[float, float]]:
    r"""Return mean and standard deviation of a single-number parameter, by normal approximations at the modes.

    For grids of many posteriors of one structure and the same priors, of which some are checked against draws; each search
    begins where the one before ended. Not for the score's effect, nor for coefficients that are sheared with it. The mean
    lies off the mode where the density is skewed:

    .. math:: E[\theta] \approx \hat\theta + \tfrac12 \Sigma \, (\partial^3 \log p : \Sigma)

    (Tierney and Kadane 1986, doi 10.1080/01621459.1986.10478240), third derivatives by differences of the gradient.
    """
    moments = []
    for found in _approximations(posteriors):
        place = found.compiled.layout.slices[parameter].start
        sd = np.linalg.norm(found.modes[0].scale[place])
        moments.append((float(_corrected_mean(found)[place]), float(sd)))
    return moments


def approximate_draws(
    posteriors: Iterable[Posterior], parameter: str, normals: np.ndarray
) -> Iterator[Approximation]:
    """Yield the normal approximations of `approximate_each` with draws of all natural parameters.

    Parameters
    ----------
    posteriors : iterable of Posterior
        Of one structure and the same priors.
    parameter : str
        A single-number parameter.
    normals : ndarray (draw, coordinate)
        Standard normal numbers; columns beyond the coordinates of the model are not used. The same numbers for every posterior make
        differences between posteriors smooth.
    """
    posteriors = list(posteriors)
    for posterior, found in zip(posteriors, _approximations(posteriors), strict=True):
        mode, layout = found.modes[0], found.compiled.layout
        mean = _corrected_mean(found)
        flat = mean + normals[:, : layout.size] @ mode.scale.T
        for coordinates in (found.shear, found.walk):
            flat = flat if coordinates is None else coordinates.apply(flat)
        place = layout.slices[parameter].start
        yield Approximation(
            float(mean[place]),
            float(np.linalg.norm(mode.scale[place])),
            natural_parameters(posterior, posterior.blocks, layout.split(flat)),
        )


def _approximations(posteriors: Iterable[Posterior]) -> Iterator[Modes]:
    """Yield the modes of each posterior, hyper-parameters held where that of the first has them."""
    near = None
    for posterior in posteriors:
        found = find_modes(posterior, near)
        near = _with_estimated_hyperparameters(found) if near is None else found
        yield near


def _with_estimated_hyperparameters(found: Modes) -> Modes:
    r"""Return the first mode with each held hyper-parameter at the mode of its own posterior instead of its prior median.

    The posterior of a log standard deviation is, by the normal approximation of the others, the density at their mode times the
    root of the determinant of their covariance (Tierney and Kadane 1986, doi 10.1080/01621459.1986.10478240). Where a step is
    too small the hazard is too flat, and an effect that hangs on its shape, as with unknown starts, is off.
    """
    density = density_of(found.compiled, found.swapped)
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
    return normal_fit(density, start, held)


def _corrected_mean(found: Modes) -> np.ndarray:
    """Return the mean of the normal approximation (coordinate,): the first mode, corrected for skewness."""
    mode, layout = found.modes[0], found.compiled.layout
    density, held = density_of(found.compiled, found.swapped), list(found.held)
    here, skew = density(mode.location)[1], np.zeros(layout.size)
    for direction in mode.scale.T:
        if np.any(direction) and not np.any(direction[held]):
            step = SKEW_STEP * direction
            beside = density(mode.location + step)[1] + density(mode.location - step)[1]
            skew += (beside - 2.0 * here) / SKEW_STEP**2
    skew[held] = 0.0
    return mode.location + 0.5 * mode.scale @ (mode.scale.T @ skew)
