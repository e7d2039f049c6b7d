"""Results kept on disk: a function of values is computed once for the content of its arguments and the source it reaches."""

from __future__ import annotations

import functools
import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr
from pydantic import BaseModel

from inference.storage.atomic import atomic_path, write_text
from inference.storage.checksums import digest, file_sha256
from inference.storage.closure import source_of
from inference.storage.provenance import versions

PROGRESS = "progress"  # the one parameter that decides nothing
UNREADABLE = (OSError, ValueError, KeyError, TypeError, BadZipFile, pa.ArrowException)
COMPRESSED = {"zlib": True, "complevel": 1}


@dataclass(frozen=True)
class Form[T]:
    """How a result is written as one file."""

    ending: str  # of the file's name
    # to and from a path
    write: Callable[[T, Path], None]
    read: Callable[[Path], T]


class Cached[**P, T]:
    """A function whose results are kept in a folder.

    Called with the folder before the arguments of the function, it returns what is kept there for them, else computes it
    and keeps it. A result has a subfolder of its own, named by a digest of the function's name, the source that its module reaches
    by imports, the versions of the packages and the content of the arguments, except one called ``progress``. The checksum of the file is written last:
    what was interrupted or damaged counts as missing.

    Parameters
    ----------
    function : callable
        Of values: numbers, text, arrays, frames, cohorts, studies, prior sets, and dataclasses or containers of those.
    form : Form
        How its result is written.
    stem : str
        Of the names of the result's file and of that of its checksum.
    """

    def __init__(self, function: Callable[P, T], form: Form[T], stem: str) -> None:
        functools.update_wrapper(self, function)
        self.function, self.form, self.stem = function, form, stem
        self.name: str = getattr(function, "__name__", "")
        self.signature = inspect.signature(function)

    def __reduce__(self) -> str:
        return self.name  # by name, as functions go to other processes

    def __call__(self, folder: Path, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.deferred(folder, *args, **kwargs).value()

    def held(self, folder: Path, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Return whether the result is in a folder, as it was written."""
        return self.deferred(folder, *args, **kwargs).held()

    def deferred(self, folder: Path, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Return the result as something that is read or computed when its value is needed."""
        return Deferred(self, folder, args, kwargs)

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Return the name of the result's subfolder."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = {name: content_of(value) for name, value in bound.arguments.items() if name != PROGRESS}
        decides = [self.name, source_of(self.__module__), versions(), given]
        return digest(decides)


@dataclass(frozen=True, eq=False)
class Deferred[T]:
    """A result of a cached function that is read or computed when its value is needed.

    As an argument of another cached function it counts by its key, so that a result can rest on others that are not read.

    Attributes
    ----------
    function : Cached
    folder : Path
    args, kwargs : tuple, dict
        Arguments of the function.
    """

    function: Cached[..., T]
    folder: Path
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def content(self) -> str:
        """The key of the result, which stands for its content."""
        return self.function.key(*self.args, **self.kwargs)

    @property
    def place(self) -> Path:
        """The folder of the result."""
        return self.folder / self.content

    @property
    def file(self) -> Path:
        """The file of the result."""
        return self.place / f"{self.function.stem}.{self.function.form.ending}"

    def held(self) -> bool:
        """Return whether the result is in the folder, as it was written."""
        try:
            return json.loads(self._checksum.read_text(encoding="utf-8"))["sha256"] == file_sha256(self.file)
        except UNREADABLE:
            return False

    def value(self) -> T:
        """Return the result, computing and keeping it where it is not held."""
        if self.held():
            try:
                return self.function.form.read(self.file)
            except UNREADABLE:  # of another version of a library: computed again
                pass
        made = self.function.function(*self.args, **self.kwargs)
        self._checksum.unlink(missing_ok=True)
        with atomic_path(self.file) as temporary:
            self.function.form.write(made, temporary)
        write_text(self._checksum, json.dumps({"sha256": file_sha256(self.file)}))
        return made

    def discard(self) -> None:
        """Remove the result from the folder, if it is there."""
        self._checksum.unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)
        with suppress(OSError):  # not there, or another result is in it
            self.place.rmdir()

    @property
    def _checksum(self) -> Path:
        return self.place / f"{self.function.stem}.json"


def cached[**P, T](form: Form[T], stem: str = "result") -> Callable[[Callable[P, T]], Cached[P, T]]:
    """Return a decorator that keeps the results of a function in a form, in files of that stem."""
    return lambda function: Cached(function, form, stem)


def content_of(value: Any) -> Any:
    """Return what a value holds as JSON-like content: equal content, equal results.

    Raises
    ------
    TypeError
        For what has no content of its own, such as a function or an open file.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, np.generic):
        return content_of(value.item())
    if isinstance(value, np.ndarray):
        return [
            str(value.dtype),
            list(value.shape),
            sha256(np.ascontiguousarray(value).tobytes()).hexdigest(),
        ]
    if isinstance(value, pd.DataFrame):
        hashed = pd.util.hash_pandas_object(value.astype(str)).to_numpy()
        return [list(map(str, value.columns)), sha256(hashed.tobytes()).hexdigest()]
    if isinstance(value, BaseModel):
        return _content_of_model(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): content_of(one) for name, one in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        listed = [content_of(one) for one in value]
        return listed if isinstance(value, Sequence) else sorted(listed, key=str)
    if is_dataclass(value) and not isinstance(value, type):
        return _content_of_record(value)
    raise TypeError(f"an argument must be a value with content, but found {type(value).__name__}")


_MODELS: dict[int, tuple[BaseModel, Any]] = {}  # frozen, and in hundreds of keys


def _content_of_model(value: BaseModel) -> Any:
    known = _MODELS.get(id(value))
    if known is None:
        known = _MODELS[id(value)] = value, content_of(value.model_dump())
    return known[1]


def _content_of_record(value: Any) -> Any:
    """Return the content of a dataclass: its checksum or its own content where it states one, else its fields."""
    for name in ("sha256", "checksums", "content"):
        if isinstance(stated := getattr(value, name, None), str | Mapping):
            return [type(value).__name__, content_of(stated)]
    return [type(value).__name__, {one.name: content_of(getattr(value, one.name)) for one in fields(value)}]


def _read_tree(path: Path) -> xr.DataTree:
    with xr.open_datatree(path, engine=ENGINE) as opened:
        return opened.load()


def _read_dataset(path: Path) -> xr.Dataset:
    with xr.open_dataset(path, engine=ENGINE) as opened:
        return opened.load()


def _write_frames(frames: Mapping[str, pd.DataFrame], path: Path) -> None:
    with ZipFile(path, "w") as packed:
        for name, frame in frames.items():
            part = BytesIO()
            frame.to_parquet(part, index=False)
            packed.writestr(name, part.getvalue())


def _read_frames(path: Path) -> Mapping[str, pd.DataFrame]:
    with ZipFile(path) as packed:
        return {name: pd.read_parquet(BytesIO(packed.read(name))) for name in packed.namelist()}


# The files are the same by either engine. h5netcdf takes 5 times as long to write a fit of 90 variables, and 7 times
# as long to read it: with hundreds of fits, minutes.
ENGINE = "netcdf4"
TREE = Form("nc", lambda tree, path: tree.to_netcdf(path, engine=ENGINE), _read_tree)
DATASET = Form("nc", lambda dataset, path: dataset.to_netcdf(path, engine=ENGINE), _read_dataset)
FRAME = Form("parquet", lambda frame, path: frame.to_parquet(path, index=False), pd.read_parquet)
FRAMES = Form("zip", _write_frames, _read_frames)


def compress(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset whose variables are written compressed: unlike draws, columns of levels and replicated curves then take a tenth."""
    found = dataset.copy()
    for value in found.data_vars.values():
        value.encoding = COMPRESSED if value.ndim and value.size else {}
    return found
