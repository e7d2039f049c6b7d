"""The publication's own analysis, done again on cohorts of pseudo-patients."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from scripts.console import DONE, console, progress_bar, start
from scripts.options import SEED, Cohorts_, Seed_, Study_

if TYPE_CHECKING:
    from rich.console import Console

    from data.study.study import Study
    from inference.published.reanalysis.replicate import Replication

app = App(name="replicate")

SHOWN_COX = ("hazard ratio", "P")


@app.default
def replicate(
    study: Study_,
    *,
    cohorts: Cohorts_ = 20,
    seed: Seed_ = SEED,
    caliper: Annotated[
        float,
        Parameter(
            help="Widest difference of the propensity within a pair of one's own matching.",
            validator=Number(gt=0, lte=1),
        ),
    ] = 0.02,
    out: Annotated[Path | None, Parameter(help="Where to write, instead of outputs/<study>.")] = None,
    quiet: Annotated[bool, Parameter(help="No progress and no summary.", negative="")] = False,
) -> int:
    """Do what the publication did on cohorts of pseudo-patients, and print it beside what it prints."""
    from data.published.evidence import load_evidence
    from data.study.study import load_study
    from inference.published.cohort_cache import ensemble_mark, ensemble_of
    from inference.published.reanalysis.replicate import ReplicationSettings, replication_of
    from inference.report.drawing import Drawer
    from inference.report.sections.replication import followed_groups, replication_figures
    from inference.storage.checksums import digest, file_sha256
    from inference.storage.provenance import commit, versions
    from scripts.jobs import Stopwatch, ready_folder, write_json, write_table

    shown, watch, loaded = console(quiet), Stopwatch(), load_study(study)
    evidence = load_evidence(loaded)
    folder = ready_folder(out if out is not None else Path("outputs") / loaded.name)
    settings = ReplicationSettings(caliper=caliper)
    with progress_bar(shown, "replicating") as progress:
        with watch.stage("cohorts"):
            done = partial(progress, "reconstructing")
            made = ensemble_of(loaded, evidence, cohorts, seed, folder, done)
        with watch.stage("analysis"):
            done = partial(progress, "analysing")
            replication = replication_of(made, loaded, evidence, folder / "kept", settings, done)
    mark = digest([ensemble_mark(loaded, evidence, cohorts, seed), vars(settings)])
    with watch.stage("figures"), Drawer(folder / "figures", mark) as draw:
        followed = cache(partial(followed_groups, made, loaded, evidence))
        replication_figures(replication, loaded, evidence, followed, draw)
    write_table(replication.summary, folder / "replicate.csv")
    content = {
        "study": loaded.name,
        "citation": loaded.citation,
        "of": "pseudo-patients, drawn to agree with published numbers; no patient is among them",
        "cohorts": cohorts,
        "seed": seed,
        "settings": vars(settings),
        **commit(),
        "versions": versions(),
        "inputs": {"study file": file_sha256(loaded.file), **evidence.checksums},
        "wall_time_seconds": watch.seconds,
    }
    write_json(content, folder / "replicate.json")
    print_replication(shown, loaded, replication)
    shown.print(f"\nWritten: {folder / 'replicate.csv'}, {folder / 'figures'}", soft_wrap=True)
    return DONE


def print_replication(shown: Console, study: Study, replication: Replication) -> None:
    """Print printed and computed numbers, those outside the range of all cohorts in bold; counts of Table 1 only as a number."""
    from rich.table import Table

    from inference.report.replicate_tables import outside, range_words, written

    summary = replication.summary
    cohorts = f"{replication.cohorts} cohort{'s' if replication.cohorts > 1 else ''}"
    shown.print(f"{study.title}: the publication's numbers on {cohorts} of pseudo-patients\n", soft_wrap=True)
    for family, rows in summary[~summary["family"].str.startswith("Table 1")].groupby("family", sort=False):
        table = Table(
            box=None, padding=(0, 2, 0, 0), header_style="bold", title=str(family), title_justify="left"
        )
        table.add_column("number")
        for heading in ("printed", "pseudo-patients", "range"):
            table.add_column(heading, justify="right", no_wrap=True)
        for _, row in rows.iterrows():
            if family == "Cox" and not str(row["line"]).endswith(SHOWN_COX):
                continue
            mean = written(float(row["computed_mean"]), str(row["printed"]), str(row["unit"]))
            cells = (str(row["line"]), str(row["printed"]), mean, range_words(row))
            table.add_row(*cells, style="bold" if outside(row) else None)
        shown.print(table)
        shown.print()
    counts = summary[summary["family"] == "Table 1, counts"]
    hold = int((counts["agreeing"] == 1).sum())
    shown.print(f"Table 1: {hold} of {len(counts)} counts hold in every cohort.")


if __name__ == "__main__":
    start(app)
