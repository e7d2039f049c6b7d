"""One fit."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from scripts.console import CHECK_FAILED, DONE, console, part_of, progress_bar, start
from scripts.options import DEFAULTS, Sampling, Study_, workers_of

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
    from data.study.pseudo_cohorts import words_for
    from data.study.study import load_study
    from inference.adjustments import ADJUSTMENTS
    from inference.diagnostics.checks import checks_table, failed
    from inference.diagnostics.checks.counted import withheld_checks
    from inference.diagnostics.checks.result import COLUMNS
    from inference.estimands.horizon import report_times
    from inference.fits.choices import member, prior_set
    from inference.fits.elsewhere import fitted_elsewhere
    from inference.fits.fits import read_fit
    from inference.fits.pooling import pool, stack_cohorts
    from inference.fits.requests import (
        FitRequest,
        check_effect,
        check_exposure,
        problem_of,
        request_of_cohort,
    )
    from inference.fits.sampled_fit import sampled_fit
    from inference.fits.tables import as_written
    from inference.frequentist import pooled_comparators
    from inference.frequentist.counted import comparators_of
    from inference.frequentist.own_matching import with_own_matching
    from inference.report.drawing import diagnostics_for, draw_diagnostics
    from inference.storage.atomic import atomic_path
    from inference.storage.cache import TREE
    from models.baselines import BASELINES
    from models.effects import EFFECTS
    from scripts.jobs import (
        Stopwatch,
        manifest,
        ready_folder,
        write_json,
        write_table,
    )
    from scripts.patients import load_patients
    from scripts.summary import print_checks, print_effects

    shown, watch = console(sampling.quiet), Stopwatch()
    member("--baseline", baseline, BASELINES)
    member("--adjustment", adjustment, ADJUSTMENTS)
    member("--effect", effect, EFFECTS)
    check_effect(adjustment, effect)
    executors = workers_of(sampling.cluster, load_study(study))
    with watch.stage("patients"), progress_bar(shown, "reading") as progress:
        count = sampling.cohorts_of(load_study(study))
        patients = load_patients(study, count, sampling.seed, sampling.out, progress, [priors], executors)
    loaded, cohorts = patients.study, patients.cohorts
    exposure = sampling.checked_exposure(loaded, patients.cohort)
    check_exposure(adjustment, exposure)
    used = prior_set(priors, loaded, patients.cohort)
    chosen, designs = sampling.settings(len(cohorts)), sampling.designs_of_a_cohort(len(cohorts))
    request = FitRequest(baseline, adjustment, effect, used, chosen, designs.get(adjustment, 1), exposure)
    horizon, times = report_times(loaded, patients.cohort)
    own = [request_of_cohort(request, number) for number in range(len(cohorts))]
    problems = [problem_of(loaded, cohort, one) for cohort, one in zip(cohorts, own, strict=True)]
    keys = [sampled_fit.key(loaded.name, request.named, problem) for problem in problems]
    name = "-".join(["fit", baseline, adjustment, *([] if effect == "constant" else [effect])])
    folder = ready_folder(sampling.out or sampling.folder(loaded) / name)
    trees, summaries = [], []
    if executors is not None:
        with watch.stage("fits"), progress_bar(shown, "fitting") as progress:
            trees, summaries = fitted_elsewhere(executors, folder, loaded, cohorts, own, problems, progress)
    with progress_bar(shown, "fitting") as progress:
        for number, (cohort, problem) in enumerate(
            zip(cohorts, problems, strict=True) if executors is None else ()
        ):
            part = progress if len(cohorts) == 1 else part_of(progress, number, len(cohorts))
            with watch.stage("sampling"):
                trees.append(sampled_fit.function(loaded.name, request.named, problem, part))
            with watch.stage("estimands and checks"):
                summaries.append(read_fit(loaded, cohort, own[number], trees[-1]))
    summary = pool(summaries)
    (folder / "manifest.json").unlink(missing_ok=True)  # written last: with it, all files are of one fit
    with atomic_path(folder / "fit.nc") as temporary:
        TREE.write(stack_cohorts(trees), temporary)
    write_table(as_written(summary.estimands), folder / "estimands.csv")
    frequentist = [comparators_of(cohort, horizon, times) for cohort in cohorts]
    if patients.publication is None and patients.cohort.counts is None:
        frequentist = [
            with_own_matching(table, cohort, loaded.report.landmarks)
            for table, cohort in zip(frequentist, cohorts, strict=True)
        ]
    pooled = pooled_comparators(frequentist, imputed=patients.publication is None)
    write_table(pooled, folder / "comparators.csv")
    checks = checks_table([*summary.checks, *withheld_checks(patients.withheld)])
    write_table(checks[list(COLUMNS)], folder / "checks.csv")
    if len(cohorts) > 1:
        write_table(summary.pooling, folder / "pooling.csv")
    with watch.stage("figures"), progress_bar(shown, "drawing") as progress:
        shown_plots = diagnostics_for(adjustment, patients.cohort.counts is not None)
        draw_diagnostics(
            shown_plots, lambda: trees[0], folder / "figures", keys[0], words_for(loaded), progress
        )
    settings = {
        "seed": sampling.seed,
        "settings": {**vars(request.settings), "designs": request.designs},
        "model": request.named,
        "fit": keys if len(keys) > 1 else keys[0],
        "wall_time_seconds": watch.seconds,
    }
    write_json(manifest(loaded, cohorts, [priors], **settings), folder / "manifest.json")
    print_effects(shown, loaded, summary.estimands)
    print_checks(shown, checks)
    shown.print(f"\nWritten: {folder}", soft_wrap=True)
    return CHECK_FAILED if failed(checks) else DONE


if __name__ == "__main__":
    start(app)
