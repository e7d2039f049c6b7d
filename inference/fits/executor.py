"""Chunks of work on an executor: worker processes of this machine, or any other `concurrent.futures.Executor`."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from data.processes import end_workers
from inference.fits.worker_server import worker_pool
from inference.sampling.compiled import compiler
from inference.storage.atomic import remove_parts

WORKERS = 2
PAUSE = 0.2  # seconds between two looks at what the workers have kept


@dataclass(frozen=True)
class Chunk:
    """Work that one process does in one go; it keeps what it makes.

    Attributes
    ----------
    label : str
        Shown as progress; empty where its results are counted one by one.
    run : callable
        Goes to another process.
    size : int
        How many results it makes: larger chunks begin earlier.
    """

    label: str
    run: Callable[[], object]
    size: int = 1


type Executors = Callable[[Path], AbstractContextManager[Executor]]  # for results in a folder


@contextmanager
def local_processes(folder: Path) -> Generator[Executor]:
    """Give worker processes of this machine; left early, they end, and files that they had begun in the folder are removed."""
    pool = worker_pool(WORKERS)
    try:
        yield pool
    finally:
        remove_parts(folder, end_workers([pool]))


def work_off(
    executor: Executor,
    chunks: Sequence[Chunk],
    look: Callable[[], Sequence[Chunk]] = tuple,
    ended: Callable[[str], None] = lambda label: None,
) -> None:
    """Run chunks on an executor, the largest first.

    Parameters
    ----------
    executor : Executor
        Each chunk is given to it once.
    chunks : sequence of Chunk
    look : callable
        Called every `PAUSE` seconds and after the last chunk; returns chunks that have become possible.
    ended : callable
        Called with the label of each chunk that is done.
    """
    compiler()  # warns in this process, which workers do not, and before they begin
    waiting = {}
    new: Sequence[Chunk] = chunks
    while True:
        for chunk in sorted(new, key=lambda one: -one.size):
            waiting[executor.submit(chunk.run)] = chunk
        if not waiting:
            return
        finished, _ = wait(waiting, timeout=PAUSE, return_when=FIRST_COMPLETED)
        for future in finished:
            future.result()
            ended(waiting.pop(future).label)
        new = look()
