"""Hash of the content of a cohort: equal for equal values."""

from collections.abc import Mapping
from hashlib import sha256

import numpy as np
import pandas as pd

from data.study.formulas import Design


def content_hash(
    patients: Mapping[str, np.ndarray | None], covariates: pd.DataFrame, designs: dict[str, Design]
) -> str:
    """Hash of values, not of objects in memory, so that every process and machine agrees."""
    digest = sha256()
    for name, array in patients.items():
        _feed(digest, name, array)
    for name, column in covariates.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            _feed(digest, f"levels of {name}", np.array(column.cat.categories, dtype=str))
            column = column.cat.codes.astype(float)
        _feed(digest, f"covariate {name}", column.to_numpy())
    for name, design in designs.items():
        _feed(digest, f"terms of {name}", np.array(design.terms, dtype=str))
        _feed(digest, f"values of {name}", design.values)
        if design.given:  # its mean is the intercept
            _feed(digest, f"means of {name}", design.means)
    return digest.hexdigest()


def _feed(digest, name: str, array: np.ndarray | None) -> None:
    """Add an array with its name and shape, so that no two contents run together to the same bytes."""
    shape = None if array is None else array.shape
    digest.update(f"\n{name} {shape}\n".encode())
    if array is None:
        return
    if array.dtype.kind == "U":
        digest.update("\0".join(array.ravel()).encode("utf-8", "surrogatepass"))
    else:
        digest.update(np.ascontiguousarray(array, dtype="<f8" if array.dtype.kind == "f" else "u1").tobytes())
