"""A model's log density as native code: compiled once, bound to the data of one posterior after another."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import pyarrow
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array
from pymc.pytensorf import compile as compile_function
from pytensor.link.numba.cache import compile_numba_function_src
from pytensor.link.numba.dispatch.basic import numba_funcify_and_cache_key

from inference.sampling.compiled.density import (
    POSITION,
    STATISTICS,
    BoundDensity,
    CompiledDensity,
    initial_points,
    run_chains,
)
from inference.sampling.compiled.products import with_loops
from inference.sampling.settings import SamplerSettings

if TYPE_CHECKING:
    from nutpie.compile_pymc import CompiledPyMCModel

FAILED, NOT_FINITE = -1, 3  # codes of nuts-rs: give up; reject this point
LIGHTLY = 1  # optimisation level
RANKS = 3  # the most dimensions that data of a model may have

C = numba.types
POINTER = C.CPointer(C.float64)
DENSITY_SIGNATURE = C.int64(C.uint64, POINTER, POINTER, POINTER, C.CPointer(C.int64))
EXPAND_SIGNATURE = C.int64(C.uint64, C.uint64, POINTER, POINTER, C.CPointer(C.int64))
DOUBLES, INTEGERS = ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_int64)


@dataclass(frozen=True, eq=False)
class NativeDensity(CompiledDensity):
    """A density that finds its data by a table of addresses."""

    # a numba CFunc of the vector's length, the addresses of vector, gradient and value, and that of the table of data
    code: Any

    def bound(self, arrays: dict[str, np.ndarray]) -> BoundDensity:
        """Return the density given arrays."""
        table = np.zeros((len(arrays), 1 + RANKS), dtype=np.int64)
        for row, array in zip(table, arrays.values(), strict=True):
            row[0], row[1 : 1 + array.ndim] = array.ctypes.data, array.shape
        return BoundNativeDensity(self, arrays, table)


@dataclass(frozen=True, eq=False)
class BoundNativeDensity(BoundDensity):
    """A density given its data."""

    compiled: NativeDensity
    arrays: dict[str, np.ndarray]  # the data; held, because the table has their addresses
    table: np.ndarray  # int64 (data, 1 + RANKS): address and shape of each

    def __call__(self, position: np.ndarray) -> tuple[float, np.ndarray]:
        """Return log density and gradient at a position."""
        position = np.ascontiguousarray(position, dtype=float)
        value, gradient = np.empty(1), np.empty(self.compiled.size)
        addresses = [array.ctypes.data_as(DOUBLES) for array in (position, gradient, value)]
        table = self.table.ctypes.data_as(INTEGERS)
        if self.compiled.code.ctypes(len(position), *addresses, table) == FAILED:
            raise ArithmeticError("the log density cannot be computed with these data")
        return float(value[0]), gradient

    def draw(self, start: np.ndarray, settings: SamplerSettings, accept: float) -> dict[str, np.ndarray]:
        """Return positions and statistics of chains that begin around a start."""
        trace = run_chains(self._for_nutpie(start), settings, accept, return_raw_trace=True)
        # Read here: to build an xarray.DataTree of it all, and to take it apart again, takes as long as to sample some models.
        positions, statistics = trace.get_arrow_trace()
        return {
            POSITION: _after_warmup(positions, POSITION, settings.tune).reshape(
                settings.chains, settings.draws, -1
            ),
            **{name: _after_warmup(statistics, name, settings.tune) for name in STATISTICS},
        }

    def _for_nutpie(self, start: np.ndarray) -> CompiledPyMCModel:
        """Return the model that nutpie samples, of chains that begin around a start."""
        from nutpie.compile_pymc import CompiledPyMCModel  # takes seconds

        size = self.compiled.size
        return CompiledPyMCModel(
            dims={},
            reparameterized_names=[],
            compiled_logp_func=self.compiled.code,
            compiled_expand_func=_copied(),
            initial_point_func=initial_points(start),
            shared_data=self.arrays,
            shared_var_keys={},
            user_data=self.table,
            n_expanded=size,
            shape_info=([POSITION], [slice(0, size)], [(size,)]),
            logp_func=None,
            expand_func=None,
            _n_dim=size,
            _shapes={POSITION: (size,)},
            _coords={},
        )


def _after_warmup(batches: Iterable[Any], column: str, tune: int) -> np.ndarray:
    """Return a column of Arrow batches, one a chain, as (chain, draw * values of a draw)."""
    rows = []
    for batch in batches:
        kept = pyarrow.array(batch.column(column))[tune:]
        rows.append(
            (kept.flatten() if pyarrow.types.is_nested(kept.type) else kept).to_numpy(zero_copy_only=False)
        )
    return np.stack(rows)


def compile_density(model: pm.Model) -> NativeDensity:
    """Return the log density of a model of one free vector.

    PyTensor compiles it. The data are handed over by a few lines of our own, because those that nutpie makes take longer to
    compile than all the rest (docs/decisions/0023).

    Parameters
    ----------
    model : pymc.Model
        All of its free variables are one vector, without transform; its data are shared variables.
    """
    (variable,) = model.free_RVs
    vector: Any = model.rvs_to_values[variable]
    log_density: Any = with_loops(model.logp())
    # Fast-math lets the compiler reorder sums, and it does so differently for functions compiled now and those
    # read from numba's cache on disk: the same seed would give other draws on the first run.
    with model, pytensor.config.change_flags(numba__fastmath=False):
        function: Any = compile_function((vector,), (log_density, pt.grad(log_density, vector)), mode="NUMBA")
        density, key = numba_funcify_and_cache_key(function.maker.fgraph)
    data = {shared.name: shared.get_value(borrow=True) for shared in function.get_shared()}
    types = {name: (value.dtype, value.ndim) for name, value in data.items()}
    with _lightly_optimised():
        code = _handed_over(density, key, list(types.values()))
    (size,) = vector.type.shape
    return NativeDensity(size, types, code)


HANDED_OVER = f"""
def handed_over(size, position, gradient_, value_, table):
    given = (carray(position, (size,)),) + arrays(table)
    try:
        value, gradient = density(*given)
    except Exception:
        return {FAILED}
    value_[0] = value[()]
    finite = isfinite(value_[0])
    for place in range(size):
        gradient_[place] = gradient[place]
        finite = finite and isfinite(gradient[place])
    return 0 if finite else {NOT_FINITE}
"""


def _handed_over(density: Callable[..., Any], key: str | None, types: Sequence[tuple[np.dtype, int]]) -> Any:
    """Return a C function that finds its data by a table of addresses and calls a density with them; kept on disk under a key.

    It alone is compiled for a C caller and kept: the functions inside it are kept by PyTensor.
    """
    listed = C.Tuple([C.Array(numba.from_dtype(kind), rank, "C") for kind, rank in types])
    names: dict[str, Any] = {"__name__": __name__, "carray": numba.carray, "isfinite": np.isfinite}
    names |= {"density": density, "arrays": _arrays(listed)}
    decides = (key, listed, HANDED_OVER, LIGHTLY, __name__)  # numba finds the module again by its name
    kept = None if key is None else sha256("|".join(map(str, decides)).encode()).hexdigest()
    code = compile_numba_function_src(HANDED_OVER, "handed_over", names, cache_key=kept)
    return numba.cfunc(DENSITY_SIGNATURE, cache=kept is not None)(code)


def _arrays(listed: C.Tuple) -> Any:
    """Return what gives compiled code its arrays, from the table of their addresses and shapes.

    Written as instructions, because `numba.carray` takes a tenth of a second to compile for each array.
    """

    def instructions(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        (table,) = arguments

        def entry(place: int) -> Any:
            return builder.load(builder.gep(table, [context.get_constant(C.intp, place)]))

        made = []
        for number, kind in enumerate(listed):
            first, array = number * (1 + RANKS), make_array(kind)(context, builder)
            shape = [entry(first + 1 + axis) for axis in range(kind.ndim)]
            stride, strides = context.get_constant(C.intp, kind.dtype.bitwidth // 8), []
            size = stride
            for length in reversed(shape):
                strides.insert(0, stride)
                stride = builder.mul(stride, length)
            data = builder.inttoptr(entry(first), array.data.type)
            populate_array(array, data, shape, strides, size, None)
            made.append(array._getvalue())
        return context.make_tuple(builder, listed, made)

    @intrinsic
    def arrays(_: Any, table: Any) -> Any:
        return listed(table), instructions

    return arrays


@contextmanager
def _lightly_optimised() -> Generator[None]:
    """Let LLVM optimise at level 1, not 3: faster to compile, as fast to sample, bitwise the same draws (docs/decisions/0023)."""
    settings: Any = numba.config
    level = settings.OPT
    settings.OPT = LIGHTLY
    try:
        yield
    finally:
        settings.OPT = level


@cache
def _copied() -> Any:
    """Return a C function that copies a position: what is kept of a draw."""

    def copied(size, _expanded, position, out, _table):
        for place in range(size):
            out[place] = position[place]
        return 0

    return numba.cfunc(EXPAND_SIGNATURE)(copied)
