"""The process from which workers are forked: it imports once what all of them need, while the command does other things."""

import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext

# The last two take seconds and are imported only where they are used.
NEEDED = ["inference.workers", "nutpie", "arviz"]


def begin_worker_server() -> ForkServerContext:
    """Return the context in which workers start, and let its server begin; a second call finds it running."""
    multiprocessing.set_forkserver_preload(NEEDED)
    forkserver.ensure_running()
    return multiprocessing.get_context("forkserver")
