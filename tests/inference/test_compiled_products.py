"""Products as loops are the products, compiled or not, and so are their gradients."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.gradient import verify_grad
from pytensor.graph.traversal import ancestors

from inference.sampling.compiled.products import Loops, with_loops
from models.arrays import MatrixVector, product

RNG = np.random.default_rng(1)
MATRIX = RNG.normal(size=(5, 3))


def vector_for(transposed):
    return RNG.normal(size=5 if transposed else 3)


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
@pytest.mark.parametrize("transposed", [False, True])
def test_it_is_the_product_whatever_the_order_in_memory(transposed, mode):
    matrix, vector = pt.matrix("matrix"), pt.vector("vector")
    compiled = pytensor.function([matrix, vector], Loops(transposed)(matrix, vector), mode=mode)
    given = vector_for(transposed)
    expected = (MATRIX.T if transposed else MATRIX) @ given
    for held in (MATRIX, np.asfortranarray(MATRIX)):
        assert compiled(held, given) == pytest.approx(expected, rel=1e-13)
    assert compiled(MATRIX, np.repeat(given, 2)[::2]) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("transposed", [False, True])
def test_its_gradient_is_that_of_differences(transposed):
    verify_grad(Loops(transposed), [MATRIX, vector_for(transposed)], rng=RNG, mode="FAST_COMPILE")


def test_without_rows_or_columns_it_is_empty_or_zero():
    matrix, vector = pt.matrix("matrix"), pt.vector("vector")
    compiled = pytensor.function([matrix, vector], Loops()(matrix, vector), mode="NUMBA")
    assert compiled(np.empty((0, 3)), np.ones(3)).shape == (0,)
    assert compiled(np.empty((4, 0)), np.empty(0)).tolist() == [0.0] * 4


def test_lengths_that_are_known_stay_known():
    matrix = pt.tensor("matrix", dtype="float64", shape=(None, 7))
    assert Loops()(matrix, pt.vector("vector")).type.shape == (None,)
    assert Loops(transposed=True)(matrix, pt.vector("vector")).type.shape == (7,)


def test_every_product_of_an_expression_becomes_loops_also_a_product_of_a_product():
    vector = pt.vector("vector")
    replaced = with_loops(product(MATRIX.T, product(MATRIX, vector)).sum())
    kinds = [type(one.owner.op) for one in ancestors([replaced]) if one.owner is not None]
    assert kinds.count(Loops) == 2
    assert MatrixVector not in kinds
    given = vector_for(False)
    assert replaced.eval({vector: given}, mode="FAST_COMPILE") == pytest.approx(
        (MATRIX.T @ MATRIX @ given).sum()
    )
