"""Counts of a study's patients: a table that stands for a cohort of any size."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from scripts.console import DONE, console, start
from scripts.options import Study_, _whole

app = App(name="aggregate")


@app.default
def aggregate(
    study: Study_,
    *,
    out: Annotated[Path, Parameter(help="The parquet file to write.")],
    smallest_cell: Annotated[
        int,
        Parameter(
            help="Withhold covariate patterns with a count below this, such as 11.",
            converter=_whole,
            validator=Number(gte=1, lte=1_000_000),
        ),
    ] = 1,
    quiet: Annotated[bool, Parameter(help="No summary.", negative="")] = False,
) -> int:
    """Count the patients of a study by covariate pattern, arm, interval and outcome, out of core, and write the counts."""
    from data.aggregate.counting import counted
    from data.aggregate.table import (
        EVENT,
        withheld_with_fewer_cutpoints,
        without_small_counts,
        write_aggregate,
    )
    from data.study.study import load_study
    from inference.storage.atomic import atomic_path

    loaded = load_study(study)
    made, fewer = counted(loaded, smallest_cell), {}
    if smallest_cell > 1:
        fewer = withheld_with_fewer_cutpoints(made, smallest_cell)
        made = without_small_counts(made, smallest_cell)
    with atomic_path(out) as temporary:
        write_aggregate(made, temporary)
    shown, rows = console(quiet), made.rows
    patients, events = rows["patients"].sum(), rows.loc[rows[EVENT], "patients"].sum()
    shown.print(
        f"{patients:.0f} patients, {events:.0f} events in {len(rows)} counts by pattern, arm, interval and outcome"
    )
    for one in made.withheld:
        if sentence := one.sentence:
            shown.print(sentence)
            listed = "; ".join(
                f"{list(cuts)} {share:.1%}" for cuts, share in fewer.items() if share < one.patients
            )
            shown.print(
                f"With fewer cut points less of the patients is withheld: {listed}" if listed else "",
                soft_wrap=True,
            )
    shown.print(f"Written: {out}", soft_wrap=True)
    return DONE


if __name__ == "__main__":
    start(app)
