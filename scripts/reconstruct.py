"""Cohorts of pseudo-patients from published numbers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from scripts.console import CHECK_FAILED, DONE, console, progress_bar, start
from scripts.options import SEED, Cluster_, Cohorts_, Seed_, Study_, workers_of

if TYPE_CHECKING:
    from rich.console import Console

    from data.published.reconstruction import Reconstruction
    from data.study.study import Study

app = App(name="reconstruct")

SHOWN = 10


@app.default
def reconstruct(
    study: Study_,
    *,
    cohorts: Cohorts_ = 20,
    seed: Seed_ = SEED,
    cluster: Cluster_ = None,
    out: Annotated[Path | None, Parameter(help="Where to write, instead of outputs/<study>.")] = None,
    quiet: Annotated[bool, Parameter(help="No progress and no summary.", negative="")] = False,
) -> int:
    """Draw cohorts of pseudo-patients that reproduce every published number, and say how well each does."""
    from data.published.evidence import load_evidence
    from data.study.study import load_study
    from inference.published.cohort_cache import COHORTS, MODALITIES, TARGETS, ensemble_mark, ensemble_of
    from inference.published.cohort_differences import ensemble_curves, ensemble_spread, printed_points
    from inference.report.drawing import drawn
    from inference.report.figures.reconstruction_spread import reconstruction_spread_figure
    from inference.report.figures.reconstruction_survival import (
        followed_by_phase,
        reconstruction_survival_figure,
    )
    from inference.report.figures.reconstruction_targets import reconstruction_targets_figure
    from inference.storage.checksums import file_sha256
    from inference.storage.provenance import commit, versions
    from scripts.jobs import Stopwatch, ready_folder, write_json

    shown, watch, loaded = console(quiet), Stopwatch(), load_study(study)
    evidence = load_evidence(loaded)
    folder = ready_folder(out if out is not None else Path("outputs") / loaded.name)
    executors = workers_of(cluster, loaded)
    with watch.stage("cohorts"), progress_bar(shown, "reconstructing") as progress:
        done = partial(progress, "cohorts")
        made = ensemble_of(loaded, evidence, cohorts, seed, folder, done, executors=executors)
    mark = ensemble_mark(loaded, evidence, cohorts, seed)
    labels = loaded.treatment.labels
    with watch.stage("figures"):
        drawn(
            "reconstruction-targets", folder / "figures", mark,
            lambda: reconstruction_targets_figure(made.targets),
        )  # fmt: skip
        drawn(
            "reconstruction-survival", folder / "figures", mark,
            lambda: reconstruction_survival_figure(
                ensemble_curves(made.patients),
                printed_points(evidence),
                followed_by_phase(made.patients),
                loaded.time_unit,
                labels,
            ),
        )  # fmt: skip
        drawn(
            "reconstruction-spread", folder / "figures", mark,
            lambda: reconstruction_spread_figure(ensemble_spread(loaded, made.patients, made.modalities)),
        )  # fmt: skip
    content = {
        "study": loaded.name,
        "citation": loaded.citation,
        "holds": "pseudo-patients, drawn to agree with published numbers; no patient is among them",
        "cohorts": cohorts,
        "seed": seed,
        **commit(),
        "versions": versions(),
        "inputs": {"study file": file_sha256(loaded.file), **evidence.checksums},
        "outputs": {name: file_sha256(folder / name) for name in (COHORTS, MODALITIES, TARGETS)},
        "targets": int(made.targets["target"].nunique()),
        "missed": len(made.missed),
        "conflicts": list(made.conflicts),
        "wall_time_seconds": watch.seconds,
    }
    write_json(content, folder / "reconstruction.json")
    print_targets(shown, loaded, made)
    shown.print(f"\nWritten: {folder / COHORTS}, {folder / TARGETS}", soft_wrap=True)
    return CHECK_FAILED if len(made.missed) else DONE


def print_targets(shown: Console, study: Study, made: Reconstruction) -> None:
    """Print how near the cohorts come to print, by family of targets, and what cannot be held together."""
    from rich.table import Table

    size, cohorts = len(made.patients), made.patients["cohort"].nunique()
    counted = "1 cohort" if cohorts == 1 else f"{cohorts} cohorts"
    shown.print(f"{study.title}: {counted} of {size // cohorts} pseudo-patients\n")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("printed numbers")
    for heading in ("number", "within tolerance", "median |z|", "largest |z|"):
        table.add_column(heading, justify="right")
    for family, rows in made.targets.groupby("family", sort=False):
        apart = rows["z"].abs()
        table.add_row(
            str(family),
            str(rows["target"].nunique()),
            f"{(apart <= 1).sum()} of {len(rows)}",
            f"{apart.median():.2f}",
            f"{apart.max():.2f}",
        )
    shown.print(table)
    shown.print(
        "\nz: difference from print in units of the tolerance, over all cohorts; 0 within a printed bound."
    )
    if made.conflicts:
        listed = missed_targets(made)
        shown.print(f"\nNot all can be held together; missed: {len(listed)}, the farthest first")
        for text in listed[:SHOWN]:
            shown.print(f"  {text}", soft_wrap=True)
        if len(listed) > SHOWN:
            shown.print(f"  ... and {len(listed) - SHOWN} more in reconstruction.json")


def missed_targets(made: Reconstruction) -> list[str]:
    """Return a line for each missed target: in how many cohorts, and what stands against it where it is farthest off."""
    cohorts = made.patients["cohort"].nunique()
    found = made.missed.assign(apart=made.missed["z"].abs()).sort_values("apart", ascending=False)
    lines = []
    for target, rows in found.groupby("target", sort=False):
        farthest = f"cohort {rows['cohort'].iloc[0]}: {target}: "
        said = [text.removeprefix(farthest) for text in made.conflicts if text.startswith(farthest)]
        lines.append(f"{target} ({len(rows)} of {cohorts} cohorts): {'; '.join(said)}")
    return lines


if __name__ == "__main__":
    start(app)
