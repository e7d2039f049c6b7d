"""Tables, figures and page again, from saved fits."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from scripts.console import CHECK_FAILED, DONE, console, progress_bar, start
from scripts.options import Study_

app = App(name="report")


@app.default
def report(
    study: Study_,
    *,
    out: Annotated[
        Path | None, Parameter(help="The folder of the analysis, instead of outputs/<study>.")
    ] = None,
    word: Annotated[
        bool, Parameter(help="Also write report.docx, the same as a Word document.", negative="")
    ] = False,
    diagnostics: Annotated[
        str | None,
        Parameter(
            help="Also review one fit, plot by plot: worst, or words of its name, such as 'weibull, cut'."
        ),
    ] = None,
    quiet: Annotated[bool, Parameter(help="No progress and no summary.", negative="")] = False,
) -> int:
    """Rebuild tables, figures and page from saved fits. Samples nothing."""
    from inference.fits.worker_server import begin_worker_server

    if word:
        begin_worker_server()  # imports meanwhile what the process needs that writes it
    from inference.diagnostics.checks.result import failed
    from scripts.files import write_results, write_review
    from scripts.results import reported

    shown = console(quiet)
    made = reported(study, out)
    with progress_bar(shown, "drawing") as progress:
        reviewed = None if diagnostics is None else write_review(made, diagnostics, progress)
        write_results(made, progress, word=word)
    if reviewed is not None:
        shown.print(f"Diagnostics: {reviewed}", soft_wrap=True)
    shown.print(f"Report: {made.folder / 'report.html'}", soft_wrap=True)
    return CHECK_FAILED if failed(made.results.checks) else DONE


if __name__ == "__main__":
    start(app)
