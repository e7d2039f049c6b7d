"""The process from which workers are forked: it imports once what all of them need, while the command does other things."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import ForkServerContext

from data.processes import begin_server, follow_command

# The first two take seconds and are imported only where they are used. ArviZ comes first: it looks at the stack for packages
# that are not there, which takes a second more where imports are nested.
NEEDED = ("arviz", "nutpie", "inference.fits.stored")


def begin_worker_server() -> ForkServerContext:
    """Return the context in which workers start, and let its server begin; a second call finds it running."""
    return begin_server(NEEDED)


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of so many workers; `data.processes.end_workers` ends it."""
    return ProcessPoolExecutor(workers, mp_context=begin_worker_server(), initializer=follow_command)
