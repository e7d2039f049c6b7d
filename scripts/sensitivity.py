"""What another prior would say."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from scripts.console import CHECK_FAILED, DONE, console, progress, start
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
    """Refit the main model under every prior set of the study and of the package, and any given by path."""
    import pandas as pd

    from inference.analysis import plan, readings_of
    from inference.checks import checks_table, failed
    from inference.drawing import drawn
    from inference.figures import prior_sets_figure
    from inference.horizon import report_times
    from inference.sensitivity.priors import prior_interval, prior_sensitivity
    from inference.store import Store, digest
    from scripts.jobs import (
        Stopwatch,
        manifest,
        prior_sets,
        ready_folder,
        write_json,
        write_table,
    )
    from scripts.patients import load_patients
    from scripts.summary import print_checks, print_sensitivity

    shown, watch = console(sampling.quiet), Stopwatch()
    with watch.stage("patients"), progress(shown, "reading") as told:
        patients = load_patients(study, sampling.count("cohorts"), sampling.seed, sampling.out, told, priors)
    loaded, count = patients.study, len(patients.cohorts)
    exposure = sampling.checked_exposure(loaded, patients.cohort)
    main, *others = prior_sets(loaded, patients.cohort, priors[0], priors[1:])
    designs, settings = sampling.designs_of_a_cohort(count), sampling.settings(count)
    planned = plan(main, others, settings, designs, sampling.quick, [exposure], count)
    requests = (planned.main, *planned.prior_sets)
    report_times(loaded, patients.cohort)
    folder = ready_folder(sampling.folder(loaded))
    with watch.stage("fits"), progress(shown, "fitting") as told:
        readings = readings_of(loaded, patients.cohorts, requests, Store(folder / "fits"), told)
    table = prior_sensitivity(readings)
    checks = checks_table(
        check.of(reading.request.label)
        for reading in readings
        for check in reading.checks
        if check.name.startswith(("convergence", "feedback"))
    )
    write_table(table, folder / "sensitivity.csv")
    intervals = {reading.request.priors.name: prior_interval(reading.request.priors) for reading in readings}
    estimands = pd.concat([reading.estimands for reading in readings], ignore_index=True)
    mark = digest([reading.mark for reading in readings])
    drawn("prior-sets", folder / "figures", mark, lambda: prior_sets_figure(estimands, intervals))
    how = {"seed": sampling.seed, "settings": vars(settings), "wall_time_seconds": watch.seconds}
    write_json(manifest(loaded, patients.cohorts, priors, **how), folder / "sensitivity-manifest.json")
    print_sensitivity(shown, loaded, table)
    print_checks(shown, checks)
    shown.print(f"\nWritten: {folder / 'sensitivity.csv'}", soft_wrap=True)
    return CHECK_FAILED if failed(checks) else DONE


if __name__ == "__main__":
    start(app)
