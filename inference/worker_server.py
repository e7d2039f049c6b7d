"""The process from which workers are forked: it imports once what all of them need, while the command does other things."""

import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext

# The first two take seconds and are imported only where they are used. ArviZ comes first: it looks at the stack for packages that are not
# there, which takes a second more where imports are nested.
NEEDED = ["arviz", "nutpie", "inference.workers"]


def begin_worker_server() -> ForkServerContext:
    """Return the context in which workers start, and let its server begin; a second call finds it running."""
    multiprocessing.set_forkserver_preload(NEEDED)
    forkserver.ensure_running()
    return multiprocessing.get_context("forkserver")
