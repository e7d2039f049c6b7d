"""Speed and accuracy, as ratios, in one run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from scripts.console import DONE, console, progress_bar, start
from scripts.options import SEED

app = App(name="benchmark")


@app.default
def benchmark(
    *,
    seed: Annotated[int, Parameter(help="Of cohorts and draws.")] = SEED,
    out: Annotated[Path, Parameter(help="Where to write benchmark.csv.")] = Path("outputs/benchmark"),
    quiet: Annotated[bool, Parameter(help="No progress and no table.", negative="")] = False,
) -> int:
    """Measure speed and accuracy on 686 real and 488 simulated patients, against the usual way to fit the model."""
    import logging

    import pandas as pd
    from rich.table import Table

    from data.study.sources import load_cohort
    from data.study.study import load_study
    from inference.benchmark.comparison import benchmark as measure
    from inference.benchmark.comparison import simulated_cohort
    from scripts.jobs import prior_set, write_table

    logging.getLogger("pymc").setLevel(logging.ERROR)  # the table says what the sampler would
    study = load_study("gbsg2")
    cohort = load_cohort(study)
    shown = console(quiet)
    with progress_bar(shown, "measuring") as progress:
        # The bundled defaults serve both time units; a study's own priors would serve one.
        cohorts = {"gbsg2, n=686": cohort, "simulated, n=488, 20 covariates": simulated_cohort(seed)}
        measured = measure(cohorts, prior_set("vague", study, cohort), seed, progress)
    write_table(pd.DataFrame([asdict(one) for one in measured]), out / "benchmark.csv")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("", "measured", "bound", ""):
        table.add_column(column)
    for one in measured:
        table.add_row(
            f"{one.cohort}: {one.what}",
            f"{one.value:.3g} {one.unit}",
            f"{one.bound:g}",
            "kept" if one.kept else "MISSED",
        )
    shown.print(table)
    return DONE


if __name__ == "__main__":
    start(app)
