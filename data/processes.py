"""Worker processes that end with the command that began them, however it ends."""

import multiprocessing
import os
import signal
import threading


def follow_command() -> None:
    """Begin a worker: the command alone hears an interrupt, and the worker ends when the command does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    command = multiprocessing.parent_process()
    assert command is not None, "a worker has a parent"

    def end() -> None:
        command.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
