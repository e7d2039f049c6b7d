"""One fit."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from scripts.console import CHECK_FAILED, DONE, console, progress, start
from scripts.options import DEFAULTS, Sampling, Study_

app = App(name="fit")


@app.default
def fit(
    study: Study_,
    *,
    baseline: Annotated[
        str, Parameter(help="Baseline hazard: weibull is the other.")
    ] = "piecewise_exponential",
    adjustment: Annotated[str, Parameter(help="Against confounding: none, joint or cut.")] = "joint",
    effect: Annotated[str, Parameter(help="Shape of the effect.")] = "constant",
    priors: Annotated[
        str, Parameter(help="Prior set: a path, one of the study's own, or a bundled one.")
    ] = "default",
    sampling: Sampling = DEFAULTS,
) -> int:
    """Make one fit and write it, its estimands, comparators, checks and diagnostic plots into a folder."""
    from inference.adjustments import ADJUSTMENTS
    from inference.checks import failed
    from inference.comparators import comparators
    from inference.drawing import draw_diagnostics
    from inference.fits import FitRequest, fit_key, read_fit, sample_fit
    from inference.horizon import report_times
    from inference.store import write_tree
    from models.baselines import BASELINES
    from models.effects import EFFECTS
    from scripts.jobs import (
        Stopwatch,
        load,
        manifest,
        member,
        prior_set,
        ready_folder,
        write_json,
        write_table,
    )
    from scripts.summary import print_checks, print_effects

    shown, watch = console(sampling.quiet), Stopwatch()
    loaded, cohort = load(study)
    exposure = sampling.checked_exposure(loaded, cohort)
    member("--baseline", baseline, BASELINES)
    member("--adjustment", adjustment, ADJUSTMENTS)
    member("--effect", effect, EFFECTS)
    used = prior_set(priors, loaded, cohort)
    request = FitRequest(
        baseline, adjustment, effect, used, sampling.settings(), sampling.count("designs"), exposure
    )
    horizon, times = report_times(loaded, cohort)
    folder = ready_folder(sampling.out or sampling.folder(loaded) / f"fit-{baseline}-{adjustment}")
    with progress(shown, "fitting") as told:
        with watch.stage("sampling"):
            tree = sample_fit(loaded, cohort, request, told)
        with watch.stage("estimands and checks"):
            reading = read_fit(loaded, cohort, request, tree)
    (folder / "manifest.json").unlink(missing_ok=True)  # written last: with it, all files are of one fit
    write_tree(tree, folder / "fit.nc")
    write_table(reading.estimands, folder / "estimands.csv")
    write_table(comparators(cohort, horizon, times), folder / "comparators.csv")
    write_table(reading.checks_table, folder / "checks.csv")
    with watch.stage("figures"), progress(shown, "drawing") as told:
        draw_diagnostics(lambda: tree, folder / "figures", fit_key(loaded, cohort, request), told)
    settings = {
        "seed": sampling.seed,
        "settings": {**vars(request.settings), "designs": request.designs},
        "model": request.named,
        "fit": fit_key(loaded, cohort, request),
        "wall_time_seconds": watch.seconds,
    }
    write_json(manifest(loaded, cohort, [priors], **settings), folder / "manifest.json")
    print_effects(shown, loaded, reading.estimands)
    print_checks(shown, reading.checks_table)
    shown.print(f"\nWritten: {folder}", soft_wrap=True)
    return CHECK_FAILED if failed(reading.checks_table) else DONE


if __name__ == "__main__":
    start(app)
