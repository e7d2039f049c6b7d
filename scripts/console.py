"""What a run says: progress, summaries, and errors that end with the right exit code."""

import signal
import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TextIO

from cyclopts import App
from cyclopts.exceptions import CycloptsError
from rich.console import Console
from rich.progress import (
    BarColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from data.errors import CohortWarning, InputError

DONE, WRONG_INPUT, CHECK_FAILED, INTERRUPTED = 0, 2, 3, 130
UNSEEN_WIDTH = 120  # of what goes to a file or a pipe

Progress = Callable[[str, int, int], None]


def part_of(progress: Progress, number: int, parts: int) -> Progress:
    """Return the progress of one of several equal parts."""

    def of_all(what: str, part: int, total: int) -> None:
        progress(what, number * total + part, parts * total)

    return of_all


def run(app: App, arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Returns
    -------
    int
        0 done; 2 the input is wrong, with one message on standard error; 3 done, but a convergence check failed;
        130 interrupted.
    """
    warnings.showwarning = _show_warning  # ty: ignore[invalid-assignment]  # the documented way to redirect warnings
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    app.suppress_keyboard_interrupt = False  # else an interrupt ends the process here, without a word
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except InputError as error:
        errors.print(f"error: {error}", markup=False)
        return WRONG_INPUT
    except CycloptsError as error:
        command = " ".join((app.name[0], *(error.command_chain or ())))
        errors.print(f"error: {error} What is known: {command} --help", markup=False)
        return WRONG_INPUT
    except OSError as error:
        errors.print(
            f"error: {error.filename or 'a file'} must be readable or writable, but: {error}", markup=False
        )
        return WRONG_INPUT
    except KeyboardInterrupt:
        errors.print(
            "interrupted: what was finished is kept; the same command continues from there", markup=False
        )
        return INTERRUPTED
    return code if isinstance(code, int) else DONE


def start(app: App) -> None:
    """Run the command line of this process and leave with its exit code; to be terminated is to be interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # a terminal that is not UTF-8 shows a question mark, and the work is not lost
    sys.exit(run(app))


def console(quiet: bool) -> Console:
    """Return where to print."""
    # Labels and names come from files: brackets and colons in them are themselves, no markup.
    shown = Console(quiet=quiet, highlight=False, markup=False, emoji=False)
    if not shown.is_terminal:
        shown.width = UNSEEN_WIDTH
    return shown


@contextmanager
def progress_bar(shown: Console, title: str) -> Generator[Progress]:
    """Show what is being done, how much of it, and the time left.

    Yields
    ------
    callable
        Takes what is being done, how many parts are done, and of how many.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as bar:
        task = bar.add_task(title, total=1)

        def progress(what: str, part: int, parts: int) -> None:
            bar.update(task, description=f"{title}: {what}", completed=part, total=parts)

        yield progress


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print what a user can act on; libraries' warnings to their programmers are left out."""
    if issubclass(category, CohortWarning):
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"warning: {message}", markup=False)
