"""The product of a model's graph is the product, compiled or not, and so is its gradient."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.gradient import verify_grad

from models.products import MatrixVector

RNG = np.random.default_rng(1)
MATRIX = RNG.normal(size=(5, 3))


def vector_for(transposed):
    return RNG.normal(size=5 if transposed else 3)


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
@pytest.mark.parametrize("transposed", [False, True])
def test_it_is_the_product_whatever_the_order_in_memory(transposed, mode):
    matrix, vector = pt.matrix("matrix"), pt.vector("vector")
    product = pytensor.function([matrix, vector], MatrixVector(transposed)(matrix, vector), mode=mode)
    given = vector_for(transposed)
    expected = (MATRIX.T if transposed else MATRIX) @ given
    for held in (MATRIX, np.asfortranarray(MATRIX)):
        assert product(held, given) == pytest.approx(expected, rel=1e-13)
    assert product(MATRIX, np.repeat(given, 2)[::2]) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("transposed", [False, True])
def test_its_gradient_is_that_of_differences(transposed):
    verify_grad(MatrixVector(transposed), [MATRIX, vector_for(transposed)], rng=RNG, mode="NUMBA")


def test_without_rows_or_columns_it_is_empty_or_zero():
    matrix, vector = pt.matrix("matrix"), pt.vector("vector")
    product = pytensor.function([matrix, vector], MatrixVector()(matrix, vector), mode="NUMBA")
    assert product(np.empty((0, 3)), np.ones(3)).shape == (0,)
    assert product(np.empty((4, 0)), np.empty(0)).tolist() == [0.0] * 4


def test_lengths_that_are_known_stay_known():
    matrix = pt.tensor("matrix", dtype="float64", shape=(None, 7))
    assert MatrixVector()(matrix, pt.vector("vector")).type.shape == (None,)
    assert MatrixVector(transposed=True)(matrix, pt.vector("vector")).type.shape == (7,)


def test_anything_but_a_matrix_and_a_vector_is_refused():
    with pytest.raises(TypeError, match="must be of a matrix and a vector, but found 2 and 2 dimensions"):
        MatrixVector()(pt.matrix("matrix"), pt.matrix("other"))
