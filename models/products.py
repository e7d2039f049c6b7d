"""A matrix times a vector, as one named operation of a model's graph (docs/decisions/0003-no-matrix-products-in-the-graph.md)."""

from __future__ import annotations

from typing import Any

import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph


class MatrixVector(OpFromGraph):
    """A product as PyTensor compiles it: multiplications and sums. Known by this name, it may be compiled as something faster."""


def product(matrix: Any, vector: Any) -> Any:
    """Return a (row, column) matrix times a (column,) vector: (row,)."""
    given = [pt.as_tensor_variable(matrix), pt.as_tensor_variable(vector)]
    if (given[0].type.ndim, given[1].type.ndim) != (2, 1):
        raise TypeError(
            f"a product must be of a matrix and a vector, but found {given[0].type.ndim} and {given[1].type.ndim} dimensions"
        )
    rows, weights = (one.type() for one in given)
    return MatrixVector([rows, weights], [(rows * weights).sum(axis=1)], inline=True)(*given)
