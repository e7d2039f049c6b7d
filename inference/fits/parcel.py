"""Work for another machine as bytes, and what it wrote: paths are sent by what they mean, so that no disk is shared."""

import io
import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from inference.storage.atomic import atomic_path
from inference.storage.cache import Deferred
from inference.storage.provenance import ROOT

RESULTS, STUDY, SOURCE = "results", "study", "source"
Files = dict[str, bytes]
"""Contents by path below a folder, in the order in which they were written."""


@dataclass(frozen=True)
class Places:
    """Folders that mean the same on each machine.

    Attributes
    ----------
    results : Path
        Of an analysis.
    study : Path
        Of its study file.
    source : Path
        Of this program.
    """

    results: Path
    study: Path
    source: Path = ROOT

    def named(self, path: PurePath) -> tuple[str, str] | None:
        """Return the folder that a path lies in by its meaning, with the rest of the path; None for another."""
        absolute = Path(path).absolute()
        for name in (RESULTS, SOURCE, STUDY):
            folder = getattr(self, name).absolute()
            if absolute.is_relative_to(folder):
                return name, absolute.relative_to(folder).as_posix()
        return None

    def path(self, named: tuple[str, str]) -> Path:
        """Return the path of a meaning."""
        name, rest = named
        return getattr(self, name) / rest


@dataclass(frozen=True)
class Parcel:
    """Work as bytes, with the files that it reads."""

    work: bytes  # a function without arguments
    # what is kept already of what it rests on, and the study's evidence
    results: Files = field(default_factory=dict)
    study: Files = field(default_factory=dict)


def packed(work: Callable[[], object], places: Places) -> Parcel:
    """Return work as a parcel."""
    written = io.BytesIO()
    packer = _Packer(written, places)
    packer.dump(work)
    kept = [file for folder in packer.kept for file in sorted(folder.iterdir())]
    bundled = places.study.absolute().is_relative_to(places.source.absolute())
    evidence = [] if bundled else sorted((places.study / "evidence").rglob("*"))
    return Parcel(written.getvalue(), _contents(kept, places.results), _contents(evidence, places.study))


def done(parcel: Parcel, folder: Path) -> tuple[bytes, Files]:
    """Return the result of a parcel's work, pickled, and the files that it wrote; made in an empty folder.

    Paths of the result that lie in that folder are those of the sender again when it is unpacked.
    """
    places = Places(folder / RESULTS, folder / STUDY)
    for own, files in ((places.results, parcel.results), (places.study, parcel.study)):
        own.mkdir(parents=True)
        for name, content in files.items():
            target = own / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    result = unpacked(parcel.work, places)()
    written = io.BytesIO()
    _Packer(written, places).dump(result)
    made = [file for file in places.results.rglob("*") if file.is_file()]
    # A checksum is written last, and must be put in place last.
    made.sort(key=lambda file: file.stat().st_mtime_ns)
    found = _contents(made, places.results)
    return written.getvalue(), {name: own for name, own in found.items() if name not in parcel.results}


def unpacked(content: bytes, places: Places) -> Any:
    """Return what was packed, with the paths of this machine."""
    return _Unpacker(io.BytesIO(content), places).load()


def put_in_place(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files below a folder, each whole or not at all, in their order."""
    for name, content in files.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(content)


def _contents(paths: Iterable[Path], folder: Path) -> Files:
    """Return the contents of those paths below a folder that are files."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}


class _Packer(pickle.Pickler):
    """Pickles, with paths by their meaning; notes which kept results are met."""

    def __init__(self, file: io.BytesIO, places: Places) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.places, self.kept = places, set[Path]()

    def persistent_id(self, obj: Any) -> tuple[str, str] | None:
        """Return the meaning of a path; None for all else."""
        if isinstance(obj, Deferred) and obj.place not in self.kept and obj.held():
            self.kept.add(obj.place)
        return self.places.named(obj) if isinstance(obj, PurePath) else None


class _Unpacker(pickle.Unpickler):
    """Reads what `_Packer` wrote."""

    def __init__(self, file: io.BytesIO, places: Places) -> None:
        super().__init__(file)
        self.places = places

    def persistent_load(self, pid: tuple[str, str]) -> Path:
        """Return the path of a meaning."""
        return self.places.path(pid)
