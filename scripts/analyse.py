"""The main job: fits, checks, sensitivity to priors, and the report."""

from typing import Annotated

from cyclopts import App, Parameter

from scripts.console import CHECK_FAILED, DONE, console, progress_bar, start
from scripts.options import DEFAULTS, Sampling, Study_

app = App(name="analyse")


@app.default
def analyse(
    study: Study_ = "li2024",
    *,
    priors: Annotated[
        str, Parameter(help="The main prior set: a path, one of the study's own, or a bundled one.")
    ] = "default",
    sampling: Sampling = DEFAULTS,
) -> int:
    """Run the main job on a study: every model and adjustment, checks, other priors, figures and the report.

    A fit that is already there, made from the same patients, priors, settings and source, is used again.
    """
    # Imported here, so that help and wrong arguments answer at once.
    from data.study.study import load_study
    from inference.fits.worker_server import begin_worker_server
    from inference.storage.folders import FITS

    if not (sampling.folder(load_study(study)) / FITS).is_dir():
        begin_worker_server()  # imports what workers need, while this process imports what it needs itself
    from inference.diagnostics.checks.result import failed
    from scripts.files import write_results
    from scripts.results import analysed
    from scripts.summary import print_checks, print_effects, print_patients

    shown = console(sampling.quiet)
    with progress_bar(shown, "fitting") as progress:
        made = analysed(study, priors, sampling, progress)
    with progress_bar(shown, "drawing") as progress:
        write_results(made, progress)
    results = made.results
    print_effects(shown, results.study, results.estimands)
    if made.companions is not None and made.companions.patients is not None:
        print_patients(shown, results.study, made.companions.patients)
    print_checks(shown, results.checks)
    shown.print(f"\nReport: {made.folder / 'report.html'}", soft_wrap=True)
    return CHECK_FAILED if failed(results.checks) else DONE


if __name__ == "__main__":
    start(app)
