"""Array operations that differ between draws (numpy) and a model that is to be compiled (pytensor)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph

TOGETHER = 1 << 22
"""Numbers of an array (draw, patient) that are worked on at once: 34 MB, however many patients there are."""


class MatrixVector(OpFromGraph):
    """A product as PyTensor compiles it: multiplications and sums. Known by this name, it may be compiled as something faster."""


def product(matrix: Any, vector: Any) -> Any:
    """Return a (row, column) matrix times a (column,) vector: (row,). One named operation (docs/decisions/0003-no-matrix-products-in-the-graph.md)."""
    given = [pt.as_tensor_variable(matrix), pt.as_tensor_variable(vector)]
    if (given[0].type.ndim, given[1].type.ndim) != (2, 1):
        raise TypeError(
            f"a product must be of a matrix and a vector, but found {given[0].type.ndim} and {given[1].type.ndim} dimensions"
        )
    rows, weights = (one.type() for one in given)
    return MatrixVector([rows, weights], [(rows * weights).sum(axis=1)], inline=True)(*given)


def parts_of(rows: int, length: int) -> list[slice]:
    """Return slices of the rows of an array (row, number), each of about `TOGETHER` numbers: all rows at once where the array is small."""
    most = max(1, TOGETHER // max(length, 1))
    return [slice(start, min(start + most, rows)) for start in range(0, rows, most)]


def matrix_vector(matrix: Any, vector: Any, xp: Any) -> Any:
    """Return a matrix times a vector, or times each of many draws of a vector.

    Parameters
    ----------
    matrix : array (patient, column)
        A design or a table of exposures.
    vector : array (..., column)
        Coefficients; draws come first.
    xp : module
        numpy or pytensor.tensor.

    Returns
    -------
    array (..., patient)
    """
    if xp is np:
        return vector @ np.asarray(matrix).T
    return product(matrix, vector)


def softplus(values: Any, xp: Any) -> Any:
    """Return log(1 + exp(values)) without overflow."""
    if xp is not np:
        return xp.softplus(values)
    # what logaddexp(0, values) returns, in a fifth of its time
    return np.maximum(values, 0.0) + np.log1p(np.exp(-np.abs(values)))


def running_sum(steps: Any, length: int, xp: Any) -> Any:
    """Return where a walk is that begins at 0: before its first step and after each.

    Parameters
    ----------
    steps : array (..., step)
        Draws come first.
    length : int
        How many steps there are.
    xp : module
        numpy or pytensor.tensor.

    Returns
    -------
    array (..., step + 1)
    """
    # Compiled, a cumulated sum, what is joined to it, and the gradient of both take as long as the rest of a model.
    return matrix_vector(np.tri(length + 1, length, -1), steps, xp)


def under_prefix(prefix: str, basis: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of a basis under names of their own: a model may hold several."""
    return {f"{prefix}_{name}": value for name, value in basis.items()}


def of_prefix(prefix: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a basis that a model holds under a prefix, with the names that the baseline reads."""
    return {
        name.removeprefix(f"{prefix}_"): value
        for name, value in content.items()
        if name.startswith(f"{prefix}_")
    }
