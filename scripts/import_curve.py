"""A digitised curve into the published numbers of a study."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from scripts.console import DONE, console, start

app = App(name="import-curve")


@app.default
def import_curve(
    file: Annotated[Path, Parameter(help="What a digitising program wrote: text, csv or json.")],
    *,
    study: Annotated[str, Parameter(help="A study.toml or its folder, with evidence/evidence.toml.")],
    curve: Annotated[str, Parameter(help="Name of the curve, such as os; arms of one figure share it.")],
    arm: Annotated[str, Parameter(help="Label of the arm, as [arms] of evidence.toml has it.")],
    series: Annotated[
        str, Parameter(help="Data set of the file [the only one, or that named like the arm].")
    ] = "",
    at_risk: Annotated[Path | None, Parameter(help="A file of the numbers at risk.")] = None,
    at_risk_counts: Annotated[
        Literal["before", "at"] | None,
        Parameter(help="Whether numbers at risk count those whose time is the column's [not stated]."),
    ] = None,
    scale: Annotated[
        Literal["fraction", "percent"] | None, Parameter(help="Of the values [as they look].")
    ] = None,
    of: Annotated[
        Literal["survival", "failure"], Parameter(help="What falls or rises in the figure.")
    ] = "survival",
    time_unit: Annotated[str, Parameter(help="Unit of time of the files [the study's].")] = "",
    phase: Annotated[Literal["before", "after"], Parameter(help="Before or after matching.")] = "before",
    subgroup: Annotated[str, Parameter(help="column=level, for a curve of a subgroup.")] = "",
    source: Annotated[str, Parameter(help="Where the curve is printed [the name of the file].")] = "",
    quiet: Annotated[bool, Parameter(help="Say nothing.", negative="")] = False,
) -> int:
    """Read the points of a digitised curve into the tables of a study's evidence/ folder."""
    from data.errors import InputError
    from data.published.digitised import choose_series, read_digitised
    from data.published.digitised.checks import checked
    from data.published.digitised.into_evidence import Place, with_curve
    from data.published.digitised.risk_table import read_risk_table
    from data.study.study import bundled_studies, load_study
    from inference.storage.atomic import write_text

    if study in bundled_studies():
        raise InputError(
            f"--study must be your own, not a bundled study, but found '{study}'; give its folder"
        )
    loaded = load_study(study)
    digitised = read_digitised(file)
    chosen = choose_series(digitised, series, arm, str(file))
    points = checked(chosen, str(file), scale, of)
    risk = None if at_risk is None else read_risk_table(at_risk, arm)
    place = Place(
        curve,
        arm,
        "" if phase == "before" else phase,
        subgroup,
        source or file.name,
        time_unit,
        at_risk_counts or "",
    )
    texts = with_curve(loaded.folder / "evidence", place, digitised, points, risk, loaded.time_unit)
    for path, text in texts.items():
        write_text(path, text)
    shown = console(quiet)
    shown.print(
        f"{file}: taken for {digitised.kind}; {len(points.time)} points"
        f"{f' of {chosen.name!r}' if chosen.name else ''}, {points.of} as {points.scale}, times to {points.time[-1]:g}"
        f" {time_unit or loaded.time_unit}",
        soft_wrap=True,
    )
    if risk is not None:
        shown.print(
            f"{at_risk}: taken for {risk.kind}; {risk.at_risk[0]:.0f} at {risk.time[0]:g}", soft_wrap=True
        )
    shown.print(
        f"Written: {', '.join(path.name for path in texts)} in {loaded.folder / 'evidence'}\n"
        f"Then: rtsurv check-evidence {loaded.folder}",
        soft_wrap=True,
    )
    return DONE


if __name__ == "__main__":
    start(app)
