"""What another prior would say."""

from typing import Annotated

from cyclopts import App, Parameter

from scripts.console import CHECK_FAILED, DONE, console, progress_bar, start
from scripts.options import DEFAULTS, Sampling, Study_

app = App(name="sensitivity")


@app.default
def sensitivity(
    study: Study_,
    *,
    priors: Annotated[
        tuple[str, ...],
        Parameter(
            help="The main prior set; may be given again for further sets, by path or name.", negative=""
        ),
    ] = ("default",),
    sampling: Sampling = DEFAULTS,
) -> int:
    """Say what the effect hangs on: priors, adjustments, exposure in time, feedback, timing, unmeasured confounding.

    The main model is refitted under every prior set of the study and of the package, and any given by path. With --quick
    that is all; else everything that `analyse` compares is computed, or taken from there, and written without the page.
    """
    from inference.diagnostics.checks.result import failed
    from scripts.files import write_sensitivity
    from scripts.results import analysed
    from scripts.summary import print_checks, print_effects, print_sensitivity

    shown = console(sampling.quiet)
    with progress_bar(shown, "fitting") as progress:
        made = analysed(study, priors[0], sampling, progress, priors[1:])
    with progress_bar(shown, "drawing") as progress:
        write_sensitivity(made, progress)
    results = made.results
    checks = results.checks[results.checks["family"].isin(["convergence", "feedback"])]
    print_sensitivity(shown, results.study, results.sensitivity)
    if not sampling.quick:
        print_effects(shown, results.study, results.estimands)
    print_checks(shown, checks)
    shown.print(f"\nWritten: {made.folder / 'sensitivity.csv'}", soft_wrap=True)
    return CHECK_FAILED if failed(checks) else DONE


if __name__ == "__main__":
    start(app)
