"""Workers of a dask scheduler as an executor: work goes out as bytes, results come back as bytes and are written here."""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from data.errors import InputError
from inference.fits.parcel import Parcel, Places, done, packed, put_in_place, unpacked
from inference.storage.closure import source_of
from inference.storage.provenance import versions

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = "10s"  # to reach a scheduler
RUNNING: dict[str, int] = {}
"""In a worker: the thread that works for each command, until it ends or is interrupted."""
ENDED: set[str] = set()  # commands that are over
ONE_AT_A_TIME = threading.Lock()  # compiled models and the treatment model are kept for one fit at a time
LEAVING = threading.Lock()
"""No thread is interrupted beyond its work: dask's own would end, and its worker begin nothing more."""


@dataclass(frozen=True)
class Cluster:
    """Workers that a scheduler knows: gives an executor for results in a folder.

    Attributes
    ----------
    address : str
        Of the scheduler, such as tcp://127.0.0.1:8786.
    study : Path
        Folder of the study.
    workers : int
    """

    address: str
    study: Path
    workers: int

    @contextmanager
    def __call__(self, folder: Path) -> Generator[Executor]:
        """Give the executor; left early, what waits is cancelled, and what runs is interrupted."""
        with connected(self.address) as client:
            executor = ClusterExecutor(client, Places(folder, self.study))
            try:
                yield executor
            finally:
                executor.shutdown(cancel_futures=True)


def cluster(address: str, study: Path) -> Cluster:
    """Return the workers of a scheduler, after their versions were compared with this program's.

    Raises
    ------
    InputError
        Where the scheduler cannot be reached, has no worker, or a worker has other versions.
    """
    with connected(address) as client:
        try:
            found = client.run(described)
        except Exception as error:  # whatever the worker raised, such as a package that it lacks
            raise InputError(
                f"--cluster {address}: workers must have this program and its packages installed, but one found: {error}; install the same "
                "version there"
            ) from error
    if not found:
        raise InputError(
            f"--cluster {address}: must have workers, but found none; start some with: dask worker {address}"
        )
    wrong = other_versions(described(), found)
    if wrong:
        raise InputError(
            f"--cluster {address}: workers must have the versions of this machine, or numbers would differ, but {'; '.join(wrong)}; install "
            "the same source and requirements.lock there"
        )
    return Cluster(address, study, len(found))


def described() -> dict[str, str]:
    """Return the versions of packages, and a digest of the source that fits are made by."""
    return {**versions(), "source": source_of("inference.fits.stored")[:12]}


def other_versions(here: Mapping[str, str], workers: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return, for each worker that differs from this machine, in what."""
    wrong = []
    for worker, there in workers.items():
        known = {name: (there.get(name), own) for name, own in here.items()}
        differs = [f"{name} {found} for {own}" for name, (found, own) in known.items() if found != own]
        wrong += [f"{worker} has {', '.join(differs)}"] if differs else []
    return wrong


@contextmanager
def connected(address: str) -> Generator[Client]:
    """Give a connection to a scheduler."""
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            "--cluster needs dask.distributed, but it is not installed; run: pip install 'rtsurv[cluster]'"
        ) from error
    # What ends a command is raised, and named once.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"--cluster must be the address of a scheduler that runs, such as tcp://127.0.0.1:8786, but found {address}: {error}; start one "
            "with: dask scheduler"
        ) from error
    try:
        yield client
    finally:
        client.close()


class ClusterExecutor(Executor):
    """An executor whose processes are the workers of a dask scheduler.

    A worker that ends gives its work back to the scheduler, which hands it to another.

    Parameters
    ----------
    client : distributed.Client
    places : Places
    """

    def __init__(self, client: Client, places: Places) -> None:
        self.client, self.places, self.name = client, places, uuid4().hex
        self.remote: dict[Future, Any] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Send a call out; its future holds the result once the files that it wrote are in place here."""
        future: Future = Future()
        future.set_running_or_notify_cancel()
        parcel = packed(partial(fn, *args, **kwargs), self.places)
        remote = self.client.submit(work_on, self.name, parcel, pure=False)
        self.remote[future] = remote
        remote.add_done_callback(lambda ended: self._receive(ended, future))
        return future

    def _receive(self, remote: Any, future: Future) -> None:
        try:
            result, files = remote.result()
            put_in_place(files, self.places.results)
            future.set_result(unpacked(result, self.places))
        except BaseException as error:
            future.set_exception(_readable(error))
        finally:
            remote.release()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Cancel what waits and interrupt what runs, if there is any; wait for nothing."""
        left = [remote for future, remote in self.remote.items() if not future.done()]
        if cancel_futures and left:
            self.client.cancel(left, force=True)
            self.client.run(interrupt, self.name)


def _readable(error: BaseException) -> BaseException:
    """Return an error of the scheduler in plain words, any other as it is."""
    if type(error).__name__ == "KilledWorker":
        return InputError(
            f"--cluster: workers must live until their work is done, but several ended on the same piece: {error}; give them more memory"
        )
    if type(error).__name__ == "FutureCancelledError":
        return InputError(
            "--cluster: the scheduler must run until the work is done, but the connection to it was lost; start it and its workers again: what "
            "had come back is kept, and the same command continues from there"
        )
    return error


def work_on(command: str, parcel: Parcel) -> tuple[bytes, dict[str, bytes]]:
    """Do a parcel's work, in a worker: the result and the files that it wrote."""
    import dask

    # Else xarray takes a lock of the whole cluster for each file, which an interrupt leaves taken.
    alone = dask.config.set(scheduler="synchronous")
    with ONE_AT_A_TIME, alone, TemporaryDirectory(prefix="rtsurv-") as folder:
        if command in ENDED:
            raise CommandEndedError
        RUNNING[command] = threading.get_ident()
        try:
            return done(parcel, Path(folder))
        finally:
            with LEAVING:
                RUNNING.pop(command, None)


def interrupt(command: str) -> None:
    """Interrupt what a worker does for a command, where it does anything, and let it begin nothing else for it."""
    ENDED.add(command)
    with LEAVING:
        thread = RUNNING.pop(command, None)
        if thread is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread), ctypes.py_object(CommandEndedError)
            )


class CommandEndedError(Exception):
    """The command that wanted the work has ended."""
