"""Fits on disk, addressed by their content: reused when nothing changed, made again when damaged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import xarray as xr

from inference.storage.atomic import atomic_path, write_text

FIT = "fit.nc"
SEAL = "fit.json"
# The files are the same by either engine. h5netcdf takes 5 times as long to write a fit of 90 variables, and 7 times
# as long to read it: with hundreds of fits, minutes.
ENGINE = "netcdf4"


def digest(content: object) -> str:
    """Return a short name of some JSON-like content: equal content, equal name."""
    text = json.dumps(content, sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()[:20]


def file_sha256(path: Path) -> str:
    """Return the checksum of a file."""
    return sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Store:
    """A folder of fits, one subfolder each, named by a digest of everything that made it.

    Attributes
    ----------
    folder : Path
        Where the fits are.
    """

    folder: Path

    def place(self, key: str) -> Path:
        """Return the folder of a fit."""
        return self.folder / key

    @property
    def kept(self) -> Path:
        """The folder beside the fits, of what was computed from several of them, or from none."""
        return self.folder.parent / "kept"

    def holds(self, key: str) -> bool:
        """Return whether a fit is there and its file is what was written."""
        place = self.place(key)
        try:
            seal = json.loads((place / SEAL).read_text(encoding="utf-8"))
            return seal["sha256"] == file_sha256(place / FIT)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def load(self, key: str) -> xr.DataTree | None:
        """Return a stored fit, or None where there is none or its file is not what was written."""
        return read_tree(self.place(key) / FIT) if self.holds(key) else None

    def save(self, key: str, tree: xr.DataTree) -> None:
        """Write a fit; its seal is written last, so that a fit without one counts as missing."""
        place = self.place(key)
        (place / SEAL).unlink(missing_ok=True)
        write_tree(tree, place / FIT)
        write_text(place / SEAL, json.dumps({"sha256": file_sha256(place / FIT)}))


def write_tree(tree: xr.DataTree, path: Path) -> None:
    """Write a DataTree as netCDF, whole or not at all."""
    with atomic_path(path) as temporary:
        tree.to_netcdf(temporary, engine=ENGINE)


def read_tree(path: Path) -> xr.DataTree:
    """Return a DataTree from netCDF, in memory and the file closed."""
    with xr.open_datatree(path, engine=ENGINE) as opened:
        return opened.load()
