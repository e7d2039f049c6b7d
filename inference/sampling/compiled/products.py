"""A matrix times a vector, compiled as two loops (docs/decisions/0003-no-matrix-products-in-the-graph.md)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key

from models.arrays import MatrixVector

VERSION = 1  # of the compiled loops, of which PyTensor keeps the code


class Loops(Op):
    """The product of a (row, column) matrix, or of its transpose, with a vector.

    Parameters
    ----------
    transposed : bool
        Whether the matrix is transposed.
    """

    __props__ = ("transposed",)

    def __init__(self, transposed: bool = False) -> None:
        self.transposed = transposed

    def make_node(self, *inputs: Any) -> Apply:
        """Return the node of a matrix and a vector (column,): (row,); transposed, from (row,) to (column,)."""
        matrix, vector = inputs
        length = matrix.type.shape[1 if self.transposed else 0]
        return Apply(self, [matrix, vector], [pt.TensorType("float64", shape=(length,))()])

    def perform(
        self, node: Apply, inputs: Sequence[np.ndarray], output_storage: list[list[np.ndarray | None]]
    ) -> None:
        """Compute the product without compiling."""
        matrix, vector = inputs
        output_storage[0][0] = np.asarray((matrix.T if self.transposed else matrix) @ vector, dtype=float)

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the length of the product."""
        return [(shapes[0][1 if self.transposed else 0],)]

    def pullback(self, inputs: Sequence[Any], outputs: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        """Return the gradients by matrix and vector."""
        matrix, vector = inputs
        (given,) = cotangents
        rows, columns = (vector, given) if self.transposed else (given, vector)
        return [rows[:, None] * columns[None, :], Loops(not self.transposed)(matrix, given)]


@register_funcify_default_op_cache_key(Loops)
def _compiled(op: Loops, **_: Any) -> tuple[Callable[..., Any], int]:
    """Return the product as loops that numba compiles."""

    @numba_njit
    def product(matrix, vector):
        rows, columns = matrix.shape
        result = np.empty(rows)
        for row in range(rows):
            total = 0.0
            for column in range(columns):
                total += matrix[row, column] * vector[column]
            result[row] = total
        return result

    @numba_njit
    def product_of_transpose(matrix, vector):
        rows, columns = matrix.shape
        result = np.zeros(columns)
        for row in range(rows):
            weight = vector[row]
            for column in range(columns):
                result[column] += matrix[row, column] * weight
        return result

    return product_of_transpose if op.transposed else product, VERSION


@node_rewriter([MatrixVector])
def _as_loops(_: Any, node: Apply) -> list[Any]:
    return [Loops()(*node.inputs)]


def with_loops(expression: Any) -> Any:
    """Return an expression with loops for every product of a matrix and a vector; not of its gradient, which follows from it."""
    return rewrite_graph(expression, include=(), custom_rewrite=in2out(_as_loops), clone=False)
