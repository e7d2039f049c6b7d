"""Array operations that differ between draws (numpy) and a model that is to be compiled (pytensor)."""

from __future__ import annotations

from typing import Any

import numpy as np


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
    # A compiled matrix product takes several seconds to compile, each; a fused product and sum runs as fast here
    # (docs/decisions/0003-no-matrix-products-in-the-graph.md).
    return (matrix * vector).sum(axis=1)
