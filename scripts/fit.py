"""One fit."""

from typing import Annotated

from cyclopts import App, Parameter

from scripts.console import CHECK_FAILED, DONE, console, progress_bar, start
from scripts.options import DEFAULTS, Sampling, Study_

app = App(name="fit")


@app.default
def fit(
    study: Study_,
    *,
    baseline: Annotated[
        str, Parameter(help="Baseline hazard: weibull is the other.")
    ] = "piecewise_exponential",
    adjustment: Annotated[
        str, Parameter(help="Against confounding: none, joint, cut, iptw, overlap or matched.")
    ] = "joint",
    effect: Annotated[
        str, Parameter(help="Shape of the effect: constant, by_interval or by_subgroup.")
    ] = "constant",
    priors: Annotated[
        str, Parameter(help="Prior set: a path, one of the study's own, or a bundled one.")
    ] = "default",
    sampling: Sampling = DEFAULTS,
) -> int:
    """Make one fit and write it, its estimands, comparators, checks and diagnostic plots into a folder."""
    from inference.fits.worker_server import begin_worker_server

    begin_worker_server()  # imports what workers need, while this process imports what it needs itself
    from inference.diagnostics.checks.result import failed
    from scripts.jobs import Stopwatch
    from scripts.one_fit import Choice, beside_reading, checks_of, fitted, prepared, write_fit
    from scripts.summary import print_checks, print_effects

    shown, watch = console(sampling.quiet), Stopwatch()
    with watch.stage("patients"), progress_bar(shown, "reading") as progress:
        model = prepared(study, Choice(baseline, adjustment, effect, priors), sampling, progress)
    with beside_reading(model) as beside:
        with progress_bar(shown, "fitting") as progress:
            made = fitted(model, beside, watch, progress)
        print_effects(shown, model.study, made.summary.estimands)
        with progress_bar(shown, "drawing") as progress:
            write_fit(model, made, beside, sampling.seed, watch, progress)
    checks = checks_of(model, made)
    print_checks(shown, checks)
    shown.print(f"\nWritten: {model.folder}", soft_wrap=True)
    return CHECK_FAILED if failed(checks) else DONE


if __name__ == "__main__":
    start(app)
