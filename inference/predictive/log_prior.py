"""Log prior density of each parameter under each draw, for power scaling."""

from typing import Any

import numpy as np

from inference.adjustments.adjusted import DesignSample
from models.blocks import Block
from models.priors import Parameter


def log_prior(design: DesignSample) -> dict[str, np.ndarray]:
    """Return the log prior density (chain, draw) of each parameter, those that others are made of included."""
    densities: dict[str, np.ndarray] = {}
    for name, (parameter, blocks) in design.posterior.blocks.items():
        values = design.parameters[name]
        densities[name] = sum(_block_density(block, values, parameter) for block in blocks)
    spec = design.posterior.spec
    if spec is not None:
        for component in spec.components:
            densities |= component.latent_log_prior(design.parameters)
    return densities


def _block_density(block: Block, values: np.ndarray, parameter: Parameter) -> Any:
    if not parameter.dim:
        return block.frozen.logpdf(values)
    return block.frozen.logpdf(values[..., block.positions]).sum(axis=-1)
