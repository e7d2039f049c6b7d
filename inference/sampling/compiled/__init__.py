"""Compiled log densities: the one folder that rests on the internals of numba, PyTensor and nutpie, or does without them."""

import multiprocessing
from functools import cache
from importlib.metadata import version
from typing import Literal
from warnings import warn

import pymc as pm

from data.errors import CohortWarning
from inference.sampling.compiled.density import CompiledDensity

TESTED = {"numba": "0.68.0", "pytensor": "3.3.7", "pymc": "6.4.0", "nutpie": "0.16.11"}


def compile_density(model: pm.Model) -> CompiledDensity:
    """Return the log density of a model of one free vector.

    Parameters
    ----------
    model : pymc.Model
        All of its free variables are one vector, without transform; its data are shared variables.
    """
    if compiler() == "native":
        from inference.sampling.compiled import native as chosen
    else:
        from inference.sampling.compiled import public as chosen
    return chosen.compile_density(model)


@cache
def compiler() -> Literal["native", "public"]:
    """Return what compiles densities: lines of our own, or with packages that they were not tested with, public functions.

    The command warns of the second, its workers do not repeat it.
    """
    found = {name: version(name) for name in TESTED}
    unlike = [
        f"{name} {found[name]} instead of {tested}"
        for name, tested in TESTED.items()
        if found[name] != tested
    ]
    if not unlike:
        try:
            from inference.sampling.compiled import native  # noqa: F401  # whether it can be
        except ImportError as error:
            unlike = [str(error)]
        else:
            return "native"
    if multiprocessing.parent_process() is None:
        warn(
            f"models are compiled the slower way, with the same posterior: fast compilation is not tested with {', '.join(unlike)}",
            CohortWarning,
            stacklevel=2,
        )
    return "public"
