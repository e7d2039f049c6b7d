"""Speed and accuracy, as ratios, in one run; with --curves, reconstruction against the patients of published trials."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from scripts.console import DONE, console, progress_bar, start
from scripts.options import SEED

app = App(name="benchmark")


@app.default
def benchmark(
    *,
    curves: Annotated[
        Path | None,
        Parameter(
            help="Folder of trials as patients (patients.parquet, key.csv): publish, reconstruct and compare them."
        ),
    ] = None,
    seed: Annotated[int, Parameter(help="Of cohorts and draws.")] = SEED,
    out: Annotated[Path, Parameter(help="Where to write the tables.")] = Path("outputs/benchmark"),
    quiet: Annotated[bool, Parameter(help="No progress and no table.", negative="")] = False,
) -> int:
    """Measure speed and accuracy on 686 real and 488 simulated patients, against the usual way to fit the model."""
    shown = console(quiet)
    if curves is not None:
        _reconstruction(curves, seed, out, shown)
    else:
        _sampling(seed, out, shown)
    return DONE


def _reconstruction(folder: Path, seed: int, out: Path, shown: Console) -> None:
    """Write curves_benchmark.csv, and what it does not hold: standard errors, and curves of few points."""
    from rich.table import Table

    from inference.benchmark.trials import STANDARD_ERROR, benchmark_trials, load_trials, summarise
    from scripts.jobs import write_table

    trials = load_trials(folder)
    with progress_bar(shown, "reconstructing") as progress:
        found = benchmark_trials(trials, seed, progress)
    main = (found["points"] == "all") & (found["quantity"] != STANDARD_ERROR)
    write_table(found[main].drop(columns="points"), out / "curves_benchmark.csv")
    write_table(found[~main], out / "curves_benchmark_more.csv")
    summary = summarise(found, {trial.name: trial.unit for trial in trials})
    write_table(summary, out / "curves_benchmark_summary.csv")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in summary.columns:
        table.add_column(column.replace("_", " "))
    for row in summary.itertuples(index=False):
        table.add_row(*(f"{value:.3g}" if isinstance(value, float) else str(value) for value in row))
    shown.print(table)


def _sampling(seed: int, out: Path, shown: Console) -> None:
    """Write benchmark.csv."""
    import logging

    import pandas as pd
    from rich.table import Table

    from data.study.sources import load_cohort
    from data.study.study import load_study
    from inference.benchmark.comparison import benchmark as measure
    from inference.benchmark.comparison import simulated_cohort
    from inference.fits.choices import prior_set
    from scripts.jobs import write_table

    logging.getLogger("pymc").setLevel(logging.ERROR)  # the table says what the sampler would
    study = load_study("gbsg2")
    cohort = load_cohort(study)
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


if __name__ == "__main__":
    start(app)
