"""Worker processes: forked from a server that imports what they need, and ended with the command that began them, however it ends."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext


def begin_server(needed: Sequence[str]) -> ForkServerContext:
    """Return the context in which workers start, and let its server begin: it imports once what all of them need.

    One that runs already is left as it is. An interrupt is for the command alone, while the server imports too, so
    that it starts with the signal held back.

    Parameters
    ----------
    needed : sequence of str
        Modules.
    """
    multiprocessing.set_forkserver_preload(list(needed))
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
    return multiprocessing.get_context("forkserver")


def follow_command() -> None:
    """Begin a worker: the command alone hears an interrupt, and the worker ends when the command does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    command = multiprocessing.parent_process()
    assert command is not None, "a worker has a parent"

    def end() -> None:
        command.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


def end_workers(pools: Iterable[ProcessPoolExecutor]) -> list[int]:
    """End the processes of pools, and return which they were; not asked to end, because tidying up takes seconds."""
    pools = list(pools)
    left = [process for pool in pools for process in (pool._processes or {}).values()]
    for process in left:
        process.terminate()
    for pool in pools:
        pool.shutdown(wait=True, cancel_futures=True)
    return [process.pid for process in left if process.pid is not None]
