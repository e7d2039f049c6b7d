"""From priors to random variables: a parameter is one PyMC variable for each distribution family its terms use."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from models.families import FAMILIES, Family
from models.priors import Parameter, PriorSet
from models.units import in_time_unit, per_unit


@dataclass(frozen=True, eq=False)
class Block:
    """The part of a parameter whose priors are of one family.

    Attributes
    ----------
    variable : str
        Name of the PyMC variable; that of the parameter where one family serves for all.
    distribution : str
        The family's name.
    positions : ndarray of int
        Which terms (or intervals) of the parameter it holds.
    arguments : dict of str to ndarray
        Arguments of the prior, one value for each position, or single numbers.
    """

    variable: str
    distribution: str
    positions: np.ndarray
    arguments: dict[str, np.ndarray]

    @property
    def family(self) -> Family:
        """The distribution family."""
        return FAMILIES[self.distribution]

    @property
    def frozen(self) -> Any:
        """The priors as one frozen SciPy distribution, vectorised over positions."""
        return self.family.scipy(**self.arguments)

    def data(self) -> dict[str, np.ndarray]:
        """Return the arguments under the names that they have as data of a model."""
        return {f"{self.variable}_{name}": value for name, value in self.arguments.items()}


def prior_blocks(
    parameter: Parameter,
    priors: PriorSet,
    names: tuple[str, ...] = (),
    scales: np.ndarray | None = None,
    time_unit: str = "",
) -> list[Block]:
    """Return the random variables that a parameter is made of, with their priors in the units of the study.

    Parameters
    ----------
    parameter : Parameter
    priors : PriorSet
        Where its priors come from.
    names : tuple of str
        Its terms or intervals; ignored for a single number.
    scales : ndarray (term,), optional
        From `models.units.column_scales`, of a parameter with terms.
    time_unit : str
        Of the study; empty for that in which the priors are stated.
    """
    if not parameter.dim:
        prior = in_time_unit(parameter, priors.prior(parameter), time_unit)
        arguments = {name: np.asarray(value, dtype=float) for name, value in prior.arguments.items()}
        return [Block(parameter.name, prior.distribution, np.array([0]), arguments)]
    by_term = [in_time_unit(parameter, priors.prior(parameter, term), time_unit) for term in names]
    if scales is not None:
        by_term = [per_unit(prior, scale) for prior, scale in zip(by_term, scales, strict=True)]
    distributions = sorted({prior.distribution for prior in by_term})
    blocks = []
    for distribution in distributions:
        positions = np.array([i for i, prior in enumerate(by_term) if prior.distribution == distribution])
        arguments = {
            name: np.array([by_term[i].arguments[name] for i in positions])
            for name in FAMILIES[distribution].arguments
        }
        variable = parameter.name if len(distributions) == 1 else f"{parameter.name}_{distribution}"
        blocks.append(Block(variable, distribution, positions, arguments))
    return blocks


def declare(parameter: Parameter, blocks: list[Block], hyperparameters: dict[str, Any], dim: str) -> Any:
    """Declare a parameter inside a PyMC model and return its tensor.

    Parameters
    ----------
    parameter : Parameter
    blocks : list of Block
        From `prior_blocks`.
    hyperparameters : dict of str to tensor
        The model's data, which hold the arguments of the priors.
    dim : str
        Name of the dimension in the model; empty for a single number.
    """

    def variable(block: Block, **shape: Any) -> Any:
        arguments = {name: hyperparameters[f"{block.variable}_{name}"] for name in block.arguments}
        return block.family.pymc(block.variable, **arguments, **shape)

    if not dim:
        return variable(blocks[0])
    if len(blocks) == 1:
        return variable(blocks[0], shape=len(blocks[0].positions), dims=dim)
    parts = pt.concatenate([variable(block, shape=len(block.positions)) for block in blocks])
    order = np.argsort(np.concatenate([block.positions for block in blocks]))
    return pm.Deterministic(parameter.name, parts[order], dims=dim)


def assemble(parameter: Parameter, blocks: list[Block], values: dict[str, np.ndarray]) -> np.ndarray:
    """Return the draws of a parameter from those of its variables, the last dimension in the order of its terms."""
    if not parameter.dim:
        return values[blocks[0].variable]
    parts = np.concatenate([values[block.variable] for block in blocks], axis=-1)
    order = np.argsort(np.concatenate([block.positions for block in blocks]))
    return parts[..., order]
