"""The engine: a model is compiled once for each structure and process; cohorts and priors are swapped in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.errors import InputError
from inference.sampling.compiled.density import POSITION, BoundDensity
from inference.sampling.geometry import NormalFit
from inference.sampling.modes import NOWHERE_FINITE, find_modes
from inference.sampling.posterior import Posterior
from models.assembly import Blocks
from models.blocks import assemble

ACCEPT, ACCEPT_WITH_CORNERS = 0.8, 0.95
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


def sample(posterior: Posterior, settings: SamplerSettings) -> Sample:
    """Return draws of a posterior.

    Chains of a model with a latent propensity score start in turn from the score's sign as the treatments have it
    and from the opposite sign, so that a second mode is found if there is one.

    Parameters
    ----------
    posterior : Posterior
        What to sample.
    settings : SamplerSettings
        How long.

    Returns
    -------
    Sample
    """
    found = find_modes(posterior)
    compiled, modes = found.compiled, found.modes
    layout, shear = compiled.layout, found.shear
    whitened = {"location": modes[0].location, "scale": modes[0].scale}
    ready = compiled.density.bind(found.swapped | whitened)
    chains = [settings.chains - settings.chains // 2, settings.chains // 2] if shear else [settings.chains]
    accept = _target_accept(posterior)
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
