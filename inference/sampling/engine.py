"""The engine: a model is compiled once for each structure and process; cohorts and priors are swapped in."""

from dataclasses import dataclass, replace

import numpy as np

from data.errors import NowhereFiniteError
from inference.sampling.compiled.density import POSITION
from inference.sampling.geometry import NormalFit
from inference.sampling.modes import find_modes
from inference.sampling.posterior import Posterior
from inference.sampling.settings import SamplerSettings
from models.assembly import Blocks
from models.blocks import assemble

ACCEPT, ACCEPT_WITH_CORNERS = 0.8, 0.95


@dataclass(frozen=True, eq=False)
class Sample:
    """Draws of a posterior.

    Attributes
    ----------
    parameters : dict of str to ndarray (chain, draw, ...)
        Natural parameters.
    statistics : dict of str to ndarray (chain, draw)
        The sampler's statistics of each draw.
    modes : tuple of NormalFit
        Normal approximations from every start; one, but for a latent score.
    """

    parameters: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    modes: tuple[NormalFit, ...]


def sample(posterior: Posterior, settings: SamplerSettings) -> Sample:
    """Return draws of a posterior.

    Chains of a model with a latent propensity score start in turn from the score's sign as the treatments have it
    and from the opposite sign, so that a second mode is found if there is one.

    Parameters
    ----------
    posterior : Posterior
    settings : SamplerSettings
    """
    found = find_modes(posterior)
    compiled, modes = found.compiled, found.modes
    layout, shear = compiled.layout, found.shear
    whitened = {"location": modes[0].location, "scale": modes[0].scale}
    ready = compiled.density.bind(found.swapped | whitened)
    chains = [settings.chains - settings.chains // 2, settings.chains // 2] if shear else [settings.chains]
    accept = _target_accept(posterior)
    try:
        traces = [
            ready.draw(at, replace(settings, chains=count, seed=settings.seed + 7919 * number), accept)
            for number, (at, count) in enumerate(zip(found.starts, chains, strict=True))
            if count
        ]
    except RuntimeError as error:
        raise NowhereFiniteError from error
    drawn = {name: np.concatenate([trace[name] for trace in traces]) for name in traces[0]}
    flat = modes[0].location + drawn.pop(POSITION) @ modes[0].scale.T
    for coordinates in (shear, found.walk):
        flat = flat if coordinates is None else coordinates.apply(flat)
    values = layout.split(flat)
    return Sample(natural_parameters(posterior, posterior.blocks, values), drawn, modes)


def _target_accept(posterior: Posterior) -> float:
    """Return the acceptance that step sizes aim at: a hierarchy of effects has corners that long steps jump over.

    So has a latent score that the outcome can bend along a spline.
    """
    if posterior.spec is None:
        return ACCEPT
    hierarchy = any(one.scale_of_others for one in posterior.spec.effect.parameters)
    bent = posterior.spec.spline is not None and posterior.spec.score == "latent"
    return ACCEPT_WITH_CORNERS if hierarchy or bent else ACCEPT


def natural_parameters(
    posterior: Posterior, blocks: Blocks, values: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the natural parameters by their contract names."""
    named = {name: assemble(parameter, listed, values) for name, (parameter, listed) in blocks.items()}
    if posterior.spec is None:
        return named
    completed: dict[str, np.ndarray] = {}
    for component in posterior.spec.components:
        completed |= component.complete(values | named)
    return completed | {name: value for name, value in named.items() if name not in completed}
