"""The product of a model's graph is the product, and so is its gradient; whatever compiles it knows it by its class."""

import numpy as np
import pytensor.tensor as pt
import pytest
from pytensor.gradient import verify_grad

from models.arrays import MatrixVector, product

RNG = np.random.default_rng(1)
MATRIX, VECTOR = RNG.normal(size=(5, 3)), RNG.normal(size=3)


def test_it_is_the_product_and_its_gradient():
    assert product(MATRIX, VECTOR).eval(mode="FAST_COMPILE") == pytest.approx(MATRIX @ VECTOR, rel=1e-13)
    verify_grad(product, [MATRIX, VECTOR], rng=RNG, mode="FAST_COMPILE")


def test_it_is_known_by_its_class_and_keeps_the_length_that_is_known():
    matrix = pt.tensor("matrix", dtype="float64", shape=(7, None))
    found = product(matrix, pt.vector("vector"))
    assert isinstance(found.owner.op, MatrixVector)
    assert found.type.shape == (7,)


def test_anything_but_a_matrix_and_a_vector_is_refused():
    with pytest.raises(TypeError, match="must be of a matrix and a vector, but found 2 and 2 dimensions"):
        product(pt.matrix("matrix"), pt.matrix("other"))
